import { rm } from 'node:fs/promises'
import { LifeboatError } from '../../../core/errors.ts'
import type { PeerOperation } from '../../peer/peer.ts'
import { type DisclosedFacts, disclose } from '../disclosed-facts.ts'
import type { EventName } from '../events.ts'
import { RdsFault } from '../faults.ts'
import type { Rds } from '../rds.ts'
import { openSnapshot } from '../snapshot-store.ts'
import type { SnapshotRecord } from '../snapshots.ts'
import type { Tag } from '../tags.ts'
import { PeerSupply } from './peer-supply.ts'

const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 5_000

/** What a copy is made from. */
export interface SnapshotDescription extends DisclosedFacts {
  readonly arn: string
  readonly identifier: string
  readonly status: SnapshotRecord['status']
  readonly backup: string | undefined
  readonly originalAt: string | undefined
  readonly tags: readonly Tag[]
}

/** What the same service in another region may ask about the snapshots of this one. */
export function snapshotOperations(rds: Rds): Record<string, PeerOperation> {
  return {
    DescribeSnapshotSource: async ({ identifier }: { identifier: string }) => {
      const { instance, ...snapshot } = rds.snapshots.get(
        rds.names.nameOf('snapshot', identifier) ?? identifier,
      )
      const output: SnapshotDescription = {
        arn: rds.names.arn('snapshot', snapshot.identifier),
        identifier: snapshot.identifier,
        status: snapshot.status,
        backup: snapshot.backup,
        originalAt: snapshot.originalAt ?? snapshot.completedAt,
        ...disclose(rds, instance),
        tags: snapshot.tags,
      }
      return { output }
    },
  }
}

/**
 * Copies of snapshots that are being made. Data comes frame by frame into the copy's own folder; what a kill, or the absence of
 * the other region, interrupts goes on where it was.
 */
export class SnapshotCopies {
  readonly #running = new Map<string, { abort: AbortController; done: Promise<void> }>()

  constructor(private readonly rds: Rds) {}

  /** Goes on with what a killed region was at. */
  resume(): void {
    for (const snapshot of this.rds.snapshots.list()) {
      if (snapshot.status === 'creating' && snapshot.copyOf) this.begin(snapshot)
    }
  }

  begin(snapshot: SnapshotRecord): void {
    const abort = new AbortController()
    const done = this.#copy(snapshot, abort.signal)
      .catch((error: unknown) => {
        if (!abort.signal.aborted) this.rds.report(error)
      })
      .finally(() => this.#running.delete(snapshot.resourceId))
    this.#running.set(snapshot.resourceId, { abort, done })
  }

  /** Ends a copy that is not wanted any more; resolves when nothing writes to its folder. */
  async cancel({ resourceId }: SnapshotRecord): Promise<void> {
    const running = this.#running.get(resourceId)
    running?.abort.abort(new Error('the copy was cancelled'))
    await running?.done
  }

  async close(): Promise<void> {
    const all = [...this.#running.values()]
    for (const { abort } of all) abort.abort(new Error('the region closes'))
    await Promise.all(all.map(({ done }) => done))
  }

  async #copy(snapshot: SnapshotRecord, signal: AbortSignal): Promise<void> {
    const { rds } = this
    await this.#tell(snapshot, 'snapshot copy began')
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      try {
        await this.#receive(snapshot, signal)
        break
      } catch (error) {
        signal.throwIfAborted()
        rds.report(error)
        if (!mayPass(error)) return await this.#giveUp(snapshot)
        await rds.clock.sleep(pauseMs, signal)
      }
    }
    await rds.snapshots.change(snapshot.identifier, (one) => ({
      ...one,
      status: 'available',
      completedAt: rds.now(),
    }))
    await this.#tell(snapshot, 'snapshot copy ended')
  }

  async #receive(snapshot: SnapshotRecord, signal: AbortSignal): Promise<void> {
    const { rds } = this
    const { copyOf, backup = '' } = snapshot
    const { region = rds.names.region, identifier = '' } = copyOf ?? {}
    const supply = new PeerSupply(rds.peer, region, { kind: 'snapshot', identifier })
    const own = await openSnapshot(rds, snapshot)
    try {
      await own.receive(supply, backup, {
        signal,
        onProgress: ({ doneBytes, totalBytes }) =>
          rds.setProgress(snapshot, doneBytes / Math.max(totalBytes, 1)),
      })
    } finally {
      await own.close()
    }
  }

  async #giveUp(snapshot: SnapshotRecord): Promise<void> {
    await this.rds.removeSnapshot(snapshot)
    await rm(this.rds.folder('snapshots', snapshot.resourceId), { recursive: true, force: true })
    await this.#tell(snapshot, 'snapshot failed')
  }

  async #tell({ identifier }: SnapshotRecord, event: EventName): Promise<void> {
    const arn = this.rds.names.arn('snapshot', identifier)
    await this.rds.events.record({ source: 'db-snapshot', identifier, arn }, event)
  }
}

/** A region that is away comes back, a disk gets room, and a frame that was damaged on its way is sent again; what is gone is gone. */
function mayPass(error: unknown): boolean {
  if (error instanceof RdsFault) return false
  const isGone = error instanceof LifeboatError && error.code === 'BackupNotFound'
  return error instanceof LifeboatError && !isGone
}
