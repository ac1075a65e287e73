/**
 * Rows that point at objects: by them, a database and its buckets are seen to belong to one moment.
 */
import type { ListedVersion } from '../../aws/buckets.ts'
import { compareKeys } from '../../core/object-key-order.ts'
import { type Database, quoteLiteral } from '../../probe/database.ts'
import type { Reference } from '../workload.ts'
import { keysAt } from './changes-since.ts'

/** What a look at all rows and all objects has shown. */
export interface Referenced {
  /** Different keys that rows point at. */
  readonly keys: number
  /** Of them, those that have no object, in the order of keys: the first thousand. */
  readonly broken: readonly BrokenReference[]
  readonly brokenCount: number
  /** Of all of them, the first one that vanished; not before `since`, if that is given. */
  readonly firstVanished: { readonly key: string; readonly at: Date } | undefined
  /** Of them, those that are not under any prefix of the workload file, so that nothing is known of them. */
  readonly unprotected: number
}

export interface BrokenReference {
  readonly key: string
  /** The newest version that a delete marker hides; undefined when the bucket has none of the key. */
  readonly hidden: ListedVersion | undefined
}

export interface ReferenceLook {
  /** In a `snapshot` transaction, begun before the bucket is listed: what was written since is not in its rows. */
  readonly database: Database
  readonly reference: Reference
  /** What may be pointed at. */
  readonly prefixes: readonly string[]
  /** All versions under the prefixes, in the order of keys. */
  readonly versions: AsyncIterable<ListedVersion>
  readonly since?: Date | undefined
}

/** So many broken references are kept; the others are counted. */
const KEPT = 1_000
/** The latest moment that a Date can hold. */
const FOREVER = new Date(8.64e15)

/** Compares rows and objects, both in the order of keys, with little in memory. */
export async function findBrokenReferences(o: ReferenceLook): Promise<Referenced> {
  const objects = keysAt(o.versions, [FOREVER])
  const broken: BrokenReference[] = []
  let firstVanished: Referenced['firstVanished']
  let [keys, brokenCount, unprotected] = [0, 0, 0]
  let object = await objects.next()
  try {
    for await (const rows of o.database.stream(keysIn(o.reference), 5_000)) {
      for (const { key } of rows) {
        if (key === null || key === undefined) continue
        keys += 1
        if (!o.prefixes.some((prefix) => key.startsWith(prefix))) {
          unprotected += 1
          continue
        }
        while (!object.done && compareKeys(object.value.key, key) < 0) object = await objects.next()
        const found = object.done || object.value.key !== key ? undefined : object.value
        if (found && !found.newest.isDeleteMarker) continue
        brokenCount += 1
        if (broken.length < KEPT) broken.push({ key, hidden: found?.objectAt[0] })
        const at = found?.newest.modifiedAt
        if (!at || (o.since && at < o.since) || (firstVanished && firstVanished.at <= at)) continue
        firstVanished = { key, at }
      }
    }
  } finally {
    await objects.return(undefined)
  }
  return { keys, broken, brokenCount, firstVanished, unprotected }
}

/** Which of some keys rows still point at. */
export async function stillReferenced(
  database: Database,
  reference: Reference,
  keys: readonly string[],
): Promise<string[]> {
  const wanted = quoteLiteral(JSON.stringify(keys))
  const rows = await database.query(
    `select key from (${keysIn(reference)}) as found
      where key in (select json_array_elements_text(${wanted}::json))`,
  )
  return rows.map(({ key }) => key ?? '')
}

/**
 * A key at which a row points: without its object it has to be found broken, else the comparison notices nothing.
 * Undefined when no row points at anything.
 */
export async function anyReferenced(
  database: Database,
  reference: Reference,
): Promise<string | undefined> {
  const [row] = await database.query(`select key from (${keysIn(reference)}) as found limit 1`)
  return row?.key ?? undefined
}

/** A reference that holds one key of another, and points from nowhere else. */
export function onlyTo(key: string, reference: Reference): Reference {
  const sql = `select key from (${keysIn(reference)}) as found where key = ${quoteLiteral(key)}`
  return { ...reference, sql }
}

const NAMED = 5

/** `3 rows point at objects that are not there: 'a', 'b' …` */
export function tellBroken(count: number, keys: readonly string[]): string {
  const named = keys.slice(0, NAMED).map((key) => `'${key}'`)
  const more = count > named.length ? ' …' : ''
  const rows = count === 1 ? 'row points at an object that is' : 'rows point at objects that are'
  return `${count} ${rows} not there: ${named.join(', ')}${more}`
}

/** Each key once, in the order of UTF-8 bytes whatever the database's own encoding is. */
function keysIn({ sql }: Reference): string {
  // A comment may end the query.
  const query = `${sql.trim().replace(/;$/, '')}\n`
  return `select key from (select distinct key::text as key from (${query}) as reference (key)) as keys
           where key is not null order by convert_to(key, 'UTF8')`
}
