import type { Buckets } from '../../aws/buckets.ts'
import type { Clock } from '../../core/clock.ts'
import { concurrently } from '../../core/concurrently.ts'
import { LifeboatError } from '../../core/errors.ts'
import { compareKeys } from '../../core/object-key-order.ts'
import { type Database, sqlStateOf } from '../../probe/database.ts'
import type { CheckResult } from '../checks.ts'
import type { Reference } from '../workload.ts'
import { type BucketPart, versionsIn } from './changes-since.ts'
import { findBrokenReferences, type Referenced, stillReferenced, tellBroken } from './references.ts'

/** Rows that point into a bucket. */
export interface ReferencesInto {
  readonly reference: Reference
  readonly part: BucketPart
  readonly buckets: Buckets
}

/** The moments at which a look's snapshot began and was there, by the database's clock. */
export interface LookMoment {
  readonly began: string
  readonly seen: string
}

/** A row and its object are not written, nor deleted, at the same moment. */
const SECOND_LOOK_MS = 1_000

/** Compares rows and objects as they are, on a snapshot of its own. */
export async function lookAtReference(
  database: Database,
  { reference, part, buckets }: ReferencesInto,
  since?: Date,
): Promise<{ readonly found: Referenced; readonly moment: LookMoment }> {
  return database.transaction('snapshot', async () => {
    const { began, seen } = await database.one(
      `select to_json(transaction_timestamp())#>>'{}' as began, to_json(clock_timestamp())#>>'{}' as seen`,
    )
    const versions = versionsIn(buckets, part)
    const { prefixes } = part
    const look = { database, reference, prefixes, versions, since }
    const found = await findBrokenReferences(look)
    return { found, moment: { began: began ?? '', seen: seen ?? '' } }
  })
}

/**
 * One look at a living workload. What seems broken is looked at again a little later, in a snapshot of its own: a row may
 * have been deleted meanwhile, or an object may have come.
 *
 * Never throws for what a database or a bucket can answer.
 */
export async function checkReference(
  o: ReferencesInto & {
    readonly open: () => Promise<Database>
    readonly clock: Clock
    readonly signal?: AbortSignal
  },
): Promise<{ readonly result: CheckResult; readonly moment?: LookMoment }> {
  const unknown = (reason: string): { result: CheckResult } => {
    return { result: { check: o.reference.name, state: 'unknown', reason } }
  }
  let database: Database | undefined
  try {
    database = await o.open()
    const { found, moment } = await lookAtReference(database, o)
    if (found.brokenCount === 0) return { result: judge(o.reference, found, 0, []), moment }
    await o.clock.sleep(SECOND_LOOK_MS, o.signal)
    const still = await stillBroken(database, found, o)
    const count = found.brokenCount - found.broken.length + still.length
    return { result: judge(o.reference, found, count, still), moment }
  } catch (error) {
    if (error instanceof LifeboatError) return unknown(error.message)
    const state = sqlStateOf(error)
    if (state === undefined) throw error
    return unknown(`${state}: ${error instanceof Error ? error.message : 'no message'}`)
  } finally {
    await database?.close()
  }
}

async function stillBroken(
  database: Database,
  { broken }: Referenced,
  { reference, part, buckets }: ReferencesInto,
): Promise<string[]> {
  const keys = broken.map(({ key }) => key)
  const still: string[] = []
  await concurrently(await stillReferenced(database, reference, keys), async (key) => {
    if (!(await buckets.exists(part.bucket, key))) still.push(key)
  })
  return still.toSorted(compareKeys)
}

function judge(
  { name: check }: Reference,
  { keys, unprotected }: Referenced,
  count: number,
  broken: readonly string[],
): CheckResult {
  const value = String(count)
  if (count > 0) {
    return { check, state: 'failed', value, reason: `${tellBroken(count, broken)}, of ${keys}` }
  }
  if (unprotected === 0) return { check, state: 'passed', value }
  const reason = `${unprotected} of ${keys} keys are under none of the bucket's prefixes`
  return { check, state: 'unknown', value, reason }
}
