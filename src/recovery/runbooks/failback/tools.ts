import { LifeboatError } from '../../../core/errors.ts'
import type { LedgerFile } from '../../loss.ts'
import type { Workload } from '../../workload.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import type { Fenced } from '../region-failure/fence-primary.ts'
import type { Promoted } from '../region-failure/promote.ts'
import type { Ready } from '../region-failure/readiness.ts'
import type { RegionFailure } from '../region-failure/tools.ts'

/** What the failover has left behind that leads home. JSON. */
export type LeftBehind = {
  readonly execution: string
  readonly promoted: Promoted
  readonly fenced: Fenced
  readonly ready: Ready
  /** What of the old database had come over, as a snapshot of PostgreSQL; null: not known, so that all is compared. */
  readonly snapshot: string | null
  /** Acknowledged writes that the failover has lost; null when nobody kept a record. */
  readonly lostWrites: number | null
}

/** What an execution is started with. */
export type Failback = {
  readonly workload: Workload
  readonly failover: LeftBehind
  /** An absolute path: where what only the old database has is written to. */
  readonly incidentFolder: string
  readonly ledger?: LedgerFile
}

/**
 * The workload as seen from where it is now: the region that it left is the one to go to.
 *
 * @param instance  the database there
 */
export function mirroredWorkload(workload: Workload, away: string, instance: string): Workload {
  const { standby: _, ...database } = workload.database
  return {
    ...workload,
    region: away,
    recoveryRegion: workload.region,
    database: { ...database, instance },
    buckets: workload.buckets.map((bucket) =>
      bucket.replica
        ? {
            ...bucket,
            bucket: bucket.replica.bucket,
            replica: { bucket: bucket.bucket, region: workload.region },
          }
        : bucket,
    ),
  }
}

/**
 * What a failover from there would be started with. So what fails over also comes home.
 *
 * @param home  the instance that is made at home
 */
export function mirrored({ workload, failover, ...rest }: Failback, home?: string): RegionFailure {
  const { ready, promoted } = failover
  const { database, ...there } = mirroredWorkload(workload, ready.region, promoted.instance)
  return {
    ...rest,
    workload: { ...there, database: { ...database, ...(home && { standby: home }) } },
  }
}

/** Tools to go with it: the region that a failover would leave is the one where the workload is now. */
export async function mirroredTools(
  tools: RecoveryTools,
  { failover }: Failback,
): Promise<RecoveryTools> {
  return { ...tools, region: await tools.reach(failover.ready.region) }
}

/** @throws LifeboatError `RecoveryRegionNotReady` */
export function notReady(what: string): LifeboatError {
  return new LifeboatError('RecoveryRegionNotReady', what, {
    hint: 'Nothing was changed. Wait until the region is well, then retry.',
  })
}
