import type { Buckets } from '../../aws/buckets.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Database, sqlStateOf } from '../../probe/database.ts'
import type { Workload } from '../workload.ts'
import { lookAtReference } from './check-reference.ts'

/** What rows of a damaged database say about its buckets. JSON. */
export type ObjectDamage = {
  readonly references: readonly {
    readonly name: string
    readonly bucket: string
    /** Null when it cannot be told, as where the table is gone. */
    readonly broken: number | null
  }[]
  /** The first object that vanished since everything was good. */
  readonly vanished?: { readonly key: string; readonly bucket: string; readonly at: string }
}

/** S3 on AWS tells whole seconds, the database microseconds. */
const RESOLUTION_MS = 1_000

/** Looks at every reference of a workload. @param goodAt  the last moment at which everything was good */
export async function findObjectDamage(
  database: Database,
  buckets: Buckets,
  workload: Workload,
  goodAt: string | undefined,
): Promise<ObjectDamage> {
  const since = goodAt === undefined ? undefined : new Date(Date.parse(goodAt) - RESOLUTION_MS)
  const references: ObjectDamage['references'][number][] = []
  let vanished: ObjectDamage['vanished']
  for (const part of workload.buckets) {
    const { bucket } = part
    for (const reference of part.references) {
      const look = () => lookAtReference(database, { reference, part, buckets }, since)
      const found = (await lookOrNothing(look))?.found
      references.push({ name: reference.name, bucket, broken: found?.brokenCount ?? null })
      const first = found?.firstVanished
      const at = first?.at.toISOString()
      if (first && at && !(vanished && vanished.at <= at)) vanished = { key: first.key, bucket, at }
    }
  }
  return { references, ...(vanished && { vanished }) }
}

/** A damaged database may not be able to answer. */
async function lookOrNothing<Found>(look: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await look()
  } catch (error) {
    const isAnswer = sqlStateOf(error) !== undefined
    if (!isAnswer && !(error instanceof LifeboatError && error.code === 'ResourceNotFound'))
      throw error
    return undefined
  }
}
