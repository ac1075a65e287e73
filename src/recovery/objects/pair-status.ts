import type { Buckets, ReplicationStatus } from '../../aws/buckets.ts'
import type { Replication } from '../../aws/replication.ts'
import type { Clock } from '../../core/clock.ts'
import { concurrently } from '../../core/concurrently.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { ReplicatedBucket } from '../workload.ts'
import type { CanaryTravel } from './canary.ts'
import { comparePair, type PairComparison } from './compare-pair.ts'

/** How many versions, and of how many bytes. */
export type Amount = { readonly versions: number; readonly bytes: number }

/** A bucket and its replica, as they were found. JSON. */
export type PairStatus = {
  readonly bucket: string
  readonly replica: { readonly bucket: string; readonly region: string }
  /** Data loss if the bucket's region were lost now, beside the RPO. */
  readonly state: 'met' | 'missed' | 'unknown'
  /** The age of the oldest version that the replica has not; 0 when none is missing, null when it cannot be told. */
  readonly oldestMissingSeconds: number | null
  readonly total: Amount | null
  readonly missing: Amount | null
  /** Why versions are missing, as S3 says of each; null when that is not known of all. */
  readonly pending: Amount | null
  readonly failed: Amount | null
  /** From before the rule, or not under any. */
  readonly neverQueued: Amount | null
  /** Delete markers that the replica has not. */
  readonly missingDeleteMarkers: number | null
  /** Versions that only the replica has. */
  readonly surplus: number | null
  /** The newest canary, when it is new. */
  readonly canary: CanaryTravel | null
  readonly findings: readonly string[]
}

export interface PairLook {
  readonly bucket: ReplicatedBucket
  readonly source: Buckets
  /** Of the replica's region. */
  readonly replica: Buckets
  readonly canary: CanaryTravel | undefined
  readonly rpoSeconds: number
  readonly clock: Clock
  readonly onProgress?: ((versions: number) => void) | undefined
}

/** Canaries travel each minute. */
const CANARY_IS_OLD_SECONDS = 150

/** Looks at a bucket and its replica. Never throws for what cannot be reached: that is unknown. */
export async function pairStatusOf(o: PairLook): Promise<PairStatus> {
  const { bucket, source, clock } = o
  const findings: string[] = []
  const known = async <Found>(look: () => Promise<Found>): Promise<Found | undefined> => {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error
      findings.push(`${error.message} (${error.code})`)
      return undefined
    }
  }
  const settings = await known(() => readSettings(o))
  if (settings) findings.push(...faultsOf(bucket, settings))
  const pair = {
    source: { buckets: source, part: bucket },
    replica: { buckets: o.replica, bucket: bucket.replica.bucket },
  }
  const compared = await known(() => comparePair(pair, o.onProgress))
  const why = compared && (await known(() => reasonsOf(compared, o)))
  const canary = isNew(o.canary, clock) ? o.canary! : null
  findings.push(...faultsOfCanary(o.canary, canary))
  if (compared) findings.push(...faultsOfContents(bucket, compared, why))
  const oldest = compared ? ageOf(compared.missing.oldestAt, clock) : null
  return {
    bucket: bucket.bucket,
    replica: bucket.replica,
    state: oldest === null ? 'unknown' : oldest <= o.rpoSeconds ? 'met' : 'missed',
    oldestMissingSeconds: oldest,
    total: compared ? { versions: compared.versions, bytes: compared.bytes } : null,
    missing: compared
      ? { versions: compared.missing.versions, bytes: compared.missing.bytes }
      : null,
    pending: why?.pending ?? null,
    failed: why?.failed ?? null,
    neverQueued: why?.none ?? null,
    missingDeleteMarkers: compared?.missingMarkers ?? null,
    surplus: compared?.surplus ?? null,
    canary,
    findings,
  }
}

interface Settings {
  readonly sourceVersioning: string
  readonly replicaVersioning: string
  readonly replication: Replication | undefined
}

async function readSettings({ bucket, source, replica }: PairLook): Promise<Settings> {
  const [sourceVersioning, replicaVersioning, replication] = await Promise.all([
    source.getVersioning(bucket.bucket),
    replica.getVersioning(bucket.replica.bucket),
    source.findReplication(bucket.bucket),
  ])
  return { sourceVersioning, replicaVersioning, replication }
}

function faultsOf(
  { bucket, prefixes, replica }: ReplicatedBucket,
  { sourceVersioning, replicaVersioning, replication }: Settings,
): string[] {
  const rules = (replication?.rules ?? []).filter(
    (rule) => rule.isEnabled && rule.destinationBucket === replica.bucket,
  )
  const isCovered = (prefix: string) =>
    rules.some((rule) => !rule.hasOtherFilters && prefix.startsWith(rule.prefix ?? ''))
  const uncovered = prefixes.filter((prefix) => !isCovered(prefix))
  return [
    ...(sourceVersioning === 'enabled' ? [] : [`bucket '${bucket}' keeps no versions.`]),
    ...(replicaVersioning === 'enabled' ? [] : [`bucket '${replica.bucket}' keeps no versions.`]),
    ...(rules.length === 0
      ? [`no enabled rule replicates '${bucket}' to '${replica.bucket}'.`]
      : uncovered.map((prefix) =>
          prefix === ''
            ? `no rule replicates all of '${bucket}' to '${replica.bucket}'.`
            : `no rule replicates '${prefix}' of '${bucket}' to '${replica.bucket}'.`,
        )),
  ]
}

type Reasons = Readonly<Record<ReplicationStatus, Amount>>

/** Undefined when more are missing than were asked about. */
async function reasonsOf(
  { missing }: PairComparison,
  { bucket, source }: PairLook,
): Promise<Reasons | undefined> {
  if (missing.some.length < missing.versions) return undefined
  const nothing: Amount = { versions: 0, bytes: 0 }
  const amounts: Record<ReplicationStatus, Amount> = {
    pending: nothing,
    completed: nothing,
    failed: nothing,
    replica: nothing,
    none: nothing,
  }
  await concurrently(missing.some, async ({ key, versionId, sizeBytes }) => {
    const status = await source.findReplicationStatus(bucket.bucket, key, versionId)
    // Destroyed since it was listed.
    if (status === undefined) return
    const { versions, bytes } = amounts[status]
    amounts[status] = { versions: versions + 1, bytes: bytes + sizeBytes }
  })
  return amounts
}

function faultsOfContents(
  { bucket, replica }: ReplicatedBucket,
  { missing, missingMarkers }: PairComparison,
  why: Reasons | undefined,
): string[] {
  const few = (count: number, what: string) =>
    `${count} ${count === 1 ? 'version' : 'versions'} ${what}`
  return [
    ...(why?.failed.versions
      ? [
          `${few(why.failed.versions, `of '${bucket}' failed to replicate`)}: mend the role, then run lifeboat objects backfill.`,
        ]
      : []),
    ...(why?.none.versions
      ? [
          `${few(why.none.versions, `of '${bucket}' never stood in the queue`)}: run lifeboat objects backfill.`,
        ]
      : []),
    ...(why?.completed.versions
      ? [
          `${few(why.completed.versions, `of '${bucket}' had arrived in '${replica.bucket}' and is there no more`)}.`,
        ]
      : []),
    ...(missing.versions > missing.some.length
      ? [
          `${missing.versions} versions of '${bucket}' are missing in '${replica.bucket}': too many to ask why of each.`,
        ]
      : []),
    ...(missingMarkers > 0
      ? [
          `${missingMarkers} delete markers of '${bucket}' are missing in '${replica.bucket}': those objects would be there again.`,
        ]
      : []),
  ]
}

function isNew(canary: CanaryTravel | undefined, clock: Clock): boolean {
  const age = canary && ageOf(new Date(canary.writtenAt), clock)
  return age !== undefined && age <= CANARY_IS_OLD_SECONDS
}

function faultsOfCanary(newest: CanaryTravel | undefined, isNewOne: CanaryTravel | null): string[] {
  if (!newest) return ['no canary has travelled yet: lifeboat watch sends one each minute.']
  if (!isNewOne) return [`the last canary is of ${newest.writtenAt}: does lifeboat watch run?`]
  return newest.seconds === null
    ? [`the canary of ${newest.writtenAt} is missing: ${newest.reason}.`]
    : []
}

function ageOf(moment: Date | null, clock: Clock): number {
  return moment === null ? 0 : Math.max(0, (clock.now().getTime() - moment.getTime()) / 1_000)
}
