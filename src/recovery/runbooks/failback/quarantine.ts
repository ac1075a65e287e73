import { join } from 'node:path'
import { findSalvage, type SalvageCounts } from '../../salvage.ts'
import { SalvageFiles } from '../../salvage-files.ts'
import { listForeignKeys, listTables } from '../../tables.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { type Fenced, proveFence } from '../region-failure/fence-primary.ts'
import { asAdministratorOf, loginByRecoverySecret, tried } from '../region-failure/tools.ts'
import { type Failback, notReady } from './tools.ts'

/** The old database, as it came back. JSON. */
export type Quarantined = {
  /** Null when it did not come back: then there is nothing to keep. */
  readonly endpoint: Fenced['endpoint'] | null
  readonly fencedAt: string | null
  readonly refusedWrites: number
  /** What the home region makes its new instance like. */
  readonly attributes: {
    readonly instanceClass: string | null
    readonly parameterGroup: string | null
    readonly subnetGroup: string | null
    readonly securityGroups: readonly string[]
    readonly kmsKey: string | null
    readonly backupRetentionDays: number | null
    readonly backupWindow: string | null
  }
}

const COMES_UP_WITHIN_MS = 600_000

/**
 * Makes sure, before anything else, that the old database takes no writes, and that nobody deletes it.
 *
 * @throws LifeboatError `RecoveryRegionNotReady`, `FenceNotProven`
 */
export async function quarantine(
  input: Failback,
  tools: RecoveryTools,
  { signal, progress }: { signal: AbortSignal; progress: (message: string) => void },
): Promise<Quarantined> {
  const { workload, failover } = input
  const { rds, services } = tools.region
  const { instance } = workload.database
  const found = await tried(tools, () => rds.findInstance(instance), 20_000)
  if ('failure' in found) throw notReady(`${workload.region} does not answer: ${found.failure}`)
  if (!found.answer) return GONE
  for (const { cluster, service } of failover.ready.services) {
    await services.keepDesiredCount({ cluster, service }, 0)
  }
  progress(`waiting for '${instance}' to answer`)
  const old = await rds.waitUntil(
    instance,
    (one) => one?.status === 'available' && one.endpoint !== undefined,
    { deadlineMs: COMES_UP_WITHIN_MS, signal },
  )
  const endpoint = old!.endpoint!
  const fenced = await fenceReturned(input, endpoint, tools)
  const { attributes } = old!
  if (!attributes.deletionProtection)
    await rds.modifyInstance(instance, { deletionProtection: true })
  return {
    ...fenced,
    attributes: {
      instanceClass: attributes.instanceClass ?? null,
      parameterGroup: attributes.parameterGroup ?? null,
      subnetGroup: attributes.subnetGroup ?? null,
      securityGroups: attributes.securityGroups ?? [],
      kmsKey: attributes.kmsKey ?? null,
      backupRetentionDays: attributes.backupRetentionDays ?? null,
      backupWindow: attributes.backupWindow ?? null,
    },
  }
}

/** Fences the old database where it answers again. @throws LifeboatError `FenceNotProven`, `DatabaseUnreachable` */
export async function fenceReturned(
  { workload, failover }: Failback,
  endpoint: Fenced['endpoint'],
  tools: RecoveryTools,
): Promise<Pick<Quarantined, 'endpoint' | 'fencedAt' | 'refusedWrites'>> {
  const { user } = await loginByRecoverySecret(tools, workload, endpoint)
  const known = failover.fenced.grants
  const { proof } = await proveFence({ workload, tools, endpoint, user, known })
  const fencedAt = tools.clock.now().toISOString()
  return { endpoint, fencedAt, refusedWrites: proof.refusedWrites }
}

const GONE: Quarantined = {
  endpoint: null,
  fencedAt: null,
  refusedWrites: 0,
  attributes: {
    instanceClass: null,
    parameterGroup: null,
    subnetGroup: null,
    securityGroups: [],
    kmsKey: null,
    backupRetentionDays: null,
    backupWindow: null,
  },
}

/** What only the old database has: accepted after the failover, or not shipped before it. JSON. */
export type Divergence = SalvageCounts & {
  readonly paths: { readonly salvage: string; readonly conflicts: string; readonly lost: string }
}

/** Writes out what only the old database has, before anything is built beside it. Merges nothing. */
export async function exportDivergence(
  input: Failback,
  { endpoint }: Pick<Quarantined, 'endpoint'>,
  tools: RecoveryTools,
  step: { execution: string; signal: AbortSignal; progress: (message: string) => void },
): Promise<Divergence | null> {
  if (!endpoint) return null
  const { workload, failover } = input
  const files = await SalvageFiles.create(
    join(input.incidentFolder, step.execution),
    tools.random.hex(32),
  )
  const counts = await asAdministratorOf(tools, workload, endpoint, (old) =>
    asAdministratorOf(tools, workload, failover.promoted.endpoint, (current) =>
      old.transaction('snapshot', async () =>
        findSalvage({
          old,
          restored: current,
          tables: await listTables(old, workload),
          foreignKeys: await listForeignKeys(old, workload),
          ...(failover.snapshot !== null && { snapshot: failover.snapshot }),
          suspects: [],
          files,
          signal: step.signal,
          onProgress: (table, rows) => step.progress(`${table}: ${rows} newer rows compared`),
        }),
      ),
    ),
  )
  await files.close()
  return { ...counts, paths: files.paths }
}
