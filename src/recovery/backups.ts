import type { RestoreWindow } from '../aws/database-backups.ts'
import type { DbInstance } from '../aws/instance.ts'
import type { RegionClient } from '../aws/region-client.ts'
import type { DbSnapshot } from '../aws/snapshot.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { EXECUTION_TAG, userTags } from './runbooks/data-corruption/tools.ts'
import type { Workload } from './workload.ts'

const WITHIN_MS = 14_400_000

export interface BackupOrder {
  readonly workload: Workload
  readonly region: RegionClient
  readonly clock: Clock
  readonly signal?: AbortSignal
  readonly onProgress?: (message: string, fraction?: number) => void
}

/**
 * Takes a DB snapshot of the workload's instance and waits until it is available.
 *
 * @param name  the snapshot's identifier; derived from the time when absent
 */
export async function createBackup(order: BackupOrder & { name?: string }): Promise<DbSnapshot> {
  const { workload, region, clock, signal, onProgress } = order
  const { instance } = workload.database
  const stamp = clock.now().toISOString().slice(0, 19).replaceAll(/\D/g, '')
  const snapshot = order.name ?? `${instance}-${stamp}`
  await region.databaseBackups.createSnapshot({
    instance,
    snapshot,
    tags: { 'lifeboat:workload': workload.name },
  })
  const deadline = clock.monotonicMs() + WITHIN_MS
  for (;;) {
    signal?.throwIfAborted()
    const found = (await region.databaseBackups.listSnapshots(instance)).find(
      (one) => one.identifier === snapshot,
    )
    if (found?.status === 'available') return found
    if (found?.status === 'failed' || clock.monotonicMs() > deadline) {
      throw new LifeboatError(
        'BackupFailed',
        `DB snapshot '${snapshot}' is '${found?.status ?? 'absent'}'`,
        {
          hint: "Read the instance's events.",
        },
      )
    }
    onProgress?.(
      `'${snapshot}' is ${found?.status ?? 'not there yet'}`,
      (found?.percentProgress ?? 0) / 100,
    )
    await clock.sleep(250, signal)
  }
}

/** What the workload's instance can be restored from. */
export interface Backups {
  readonly instance: string
  /** Automated backups: from when to when; undefined before the first one has finished. */
  readonly restoreWindow: RestoreWindow | undefined
  readonly snapshots: readonly DbSnapshot[]
}

export async function listBackups({
  workload,
  region,
}: Pick<BackupOrder, 'workload' | 'region'>): Promise<Backups> {
  const { instance } = workload.database
  const [restoreWindow, snapshots] = await Promise.all([
    region.databaseBackups.restoreWindow(instance),
    region.databaseBackups.listSnapshots(instance),
  ])
  return { instance, restoreWindow, snapshots }
}

/**
 * Restores the workload's instance to a new one, with the attributes of the source, and waits until it is
 * available. Consumers stay where they are.
 *
 * @throws LifeboatError `RecoveryPointUnreachable` naming the window, `CallRefused` when the name is taken
 */
export async function restore(
  order: BackupOrder & { to: Date | 'latest'; as: string },
): Promise<DbInstance> {
  const { workload, region, signal, onProgress, to, as } = order
  const source = await region.rds.getInstance(workload.database.instance)
  if (to !== 'latest') await refuseOutsideWindow(source.identifier, to, region)
  const { deletionProtection: _, ...attributes } = source.attributes
  await region.databaseBackups.restoreToPointInTime({
    source: source.identifier,
    target: as,
    to: to === 'latest' ? 'latest' : { time: to },
    attributes,
    tags: userTags(source.tags),
    mark: {
      key: EXECUTION_TAG,
      value: `restore of ${source.identifier} to ${to === 'latest' ? 'latest' : to.toISOString()}`,
    },
  })
  const restored = await region.rds.waitUntil(as, (one) => one?.status === 'available', {
    deadlineMs: WITHIN_MS,
    ...(signal && { signal }),
    onPoll: (one) =>
      onProgress?.(`'${as}' is ${one?.status ?? 'not there yet'}`, one?.percentProgress),
  })
  return restored!
}

async function refuseOutsideWindow(
  instance: string,
  time: Date,
  region: RegionClient,
): Promise<void> {
  const window = await region.databaseBackups.restoreWindow(instance)
  if (window && time >= window.earliest && time <= window.latest) return
  throw new LifeboatError(
    'RecoveryPointUnreachable',
    window
      ? `'${instance}' cannot be restored to ${time.toISOString()}: its restore window is ${window.earliest.toISOString()} to ${window.latest.toISOString()}`
      : `'${instance}' has no automated backup yet`,
    { hint: 'Choose a moment inside of the window, or restore to latest.' },
  )
}
