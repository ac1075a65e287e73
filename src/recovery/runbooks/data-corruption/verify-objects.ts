import { LifeboatError } from '../../../core/errors.ts'
import type { Database } from '../../../probe/database.ts'
import type { BucketPart } from '../../objects/changes-since.ts'
import { lookAtReference } from '../../objects/check-reference.ts'
import { healReferences } from '../../objects/heal-references.ts'
import {
  anyReferenced,
  findBrokenReferences,
  onlyTo,
  tellBroken,
} from '../../objects/references.ts'
import type { Reference } from '../../workload.ts'
import type { Identified } from './identify.ts'
import type { Restored } from './restore.ts'
import { asAdministrator, type DataCorruption, type RecoveryTools } from './tools.ts'

/** That every row of a database points at an object that is there, and how it was shown. */
export type VerifiedObjects = {
  readonly references: readonly {
    readonly name: string
    readonly bucket: string
    /** Different keys that rows point at; each has its object. */
    readonly keys: number
    /** Objects that were hidden and that a row points at: in front again. */
    readonly returned: number
    /**
     * What made the comparison fail, as it must (I8): the damage itself, or an object that was left out on purpose. Null when
     * no row points at anything: it proves nothing then.
     */
    readonly madeToFail: string | null
  }[]
}

interface Step {
  readonly signal: AbortSignal
  readonly progress: (message: string) => void
}

/**
 * Proves the joint recovery point: every row of the restored database that points at an object of a restored bucket finds
 * it there. Where one was deleted earlier than the database was damaged, or came just behind its row, its newest version is
 * brought back.
 *
 * After rows were put back it is done again for those. Safe to call again.
 *
 * @throws LifeboatError `RestoreNotVerified` naming the objects, `CheckCannotFail`
 */
export async function verifyObjects(
  input: DataCorruption,
  identified: Identified,
  restored: Restored,
  tools: RecoveryTools,
  step: Step,
): Promise<VerifiedObjects> {
  return verifyReferences(input, restored, tools, { ...step, identified })
}

async function verifyReferences(
  { workload }: DataCorruption,
  restored: Restored,
  tools: RecoveryTools,
  o: Step & { identified: Identified },
): Promise<VerifiedObjects> {
  const references: VerifiedObjects['references'][number][] = []
  if (workload.buckets.every((part) => part.references.length === 0)) return { references }
  await asAdministrator(tools, workload, restored.endpoint, async (database) => {
    for (const part of workload.buckets) {
      for (const reference of part.references) {
        o.progress(`${reference.name}: rows of '${restored.instance}', objects of '${part.bucket}'`)
        references.push(await verifyReference(database, { reference, part }, tools, o))
      }
    }
  })
  return { references }
}

async function verifyReference(
  database: Database,
  into: { reference: Reference; part: BucketPart },
  { region: { buckets } }: RecoveryTools,
  o: Step & { identified: Identified },
): Promise<VerifiedObjects['references'][number]> {
  const { reference, part } = into
  const { objects, left } = await healReferences({
    look: async () => (await lookAtReference(database, { ...into, buckets })).found,
    buckets,
    part,
    signal: o.signal,
  })
  if (left.brokenCount > 0) {
    throw new LifeboatError(
      'RestoreNotVerified',
      `'${reference.name}': ${tellBroken(
        left.brokenCount,
        left.broken.map(({ key }) => key),
      )}, of ${left.keys} in bucket '${part.bucket}'`,
      {
        hint: 'Look for them in a replica or an older version, then retry; or skip with a reason.',
      },
    )
  }
  const { name } = reference
  const seen = o.identified.objectDamage.references.find((one) => one.name === name)
  const madeToFail = seen?.broken
    ? `the damage: ${seen.broken} were missing`
    : await challenge(database, into)
  return { name, bucket: part.bucket, keys: left.keys, returned: objects, madeToFail }
}

/** Leaves one object out of what the bucket tells: the comparison has to miss it. */
async function challenge(
  database: Database,
  { reference, part }: { reference: Reference; part: BucketPart },
): Promise<string | null> {
  const key = await anyReferenced(database, reference)
  if (key === undefined) return null
  async function* nothing() {}
  const { brokenCount } = await database.transaction('snapshot', () =>
    findBrokenReferences({
      database,
      reference: onlyTo(key, reference),
      prefixes: part.prefixes,
      versions: nothing(),
    }),
  )
  if (brokenCount === 1) return `'${key}' was left out`
  throw new LifeboatError(
    'CheckCannotFail',
    `'${reference.name}' does not notice that '${key}' is not there`,
    { hint: 'Find out why before you trust it.' },
  )
}
