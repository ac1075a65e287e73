import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Buckets } from '../aws/buckets.ts'
import { jsonIn } from '../core/json.ts'
import { type Database, quoteIdentifier, type Row } from '../probe/database.ts'

/**
 * A file of JSON lines that a writer outside the database keeps: one line for each write that was
 * acknowledged to it, appended after the acknowledgement.
 */
export type LedgerFile = {
  readonly path: string
  /** Field of a line that names the row, and the table and column to find it in. */
  readonly keyField: string
  readonly table: string
  readonly keyColumn: string
  /** Field with the moment of the acknowledgement, ISO 8601. */
  readonly timeField: string
  /** Fields that must equal the columns of the same name; numbers by value. */
  readonly compare?: readonly string[]
  /** A field that is true in lines whose row was acknowledged; without it, all are. */
  readonly rowField?: string
  /** Where each write also went; a line without the key was not acknowledged by the bucket. */
  readonly objects?: {
    readonly bucket: string
    /** Fields of a line with the object's key and its entity tag. */
    readonly keyField: string
    readonly etagField: string
  }
}

/** What became of acknowledged writes. */
export type LossCount = {
  readonly acknowledged: number
  /** Acknowledged, and not there. */
  readonly lost: number
  /** There, with other content than was acknowledged. */
  readonly altered: number
  /** When the oldest write that is lost or altered was acknowledged; null when there is none. */
  readonly oldestLostAt: string | null
  /** When the newest write of all was acknowledged; null when there is none. */
  readonly newestAt: string | null
}

/** Of the writes as a whole: one that went to both stores is lost when either has lost it. */
export type JointLossCount = LossCount & {
  readonly stores: {
    readonly database: LossCount
    /** Null when nothing was written to a bucket. */
    readonly objects: LossCount | null
  }
}

const BATCH = 1_000

/**
 * Looks up every write that was acknowledged until now. A last line that was cut off by a crash was not acknowledged.
 */
export async function countLoss(
  database: Database,
  ledger: LedgerFile,
  buckets?: Buckets,
): Promise<JointLossCount> {
  const joint = new Count()
  const rows = new Count()
  const objects = ledger.objects && buckets ? new Count() : undefined
  const type = await keyType(database, ledger)
  for await (const batch of batchesOf(ledger.path)) {
    const [ofRows, ofObjects] = await Promise.all([
      fatesOfRows(database, ledger, type, batch),
      buckets && ledger.objects ? fatesOfObjects(buckets, ledger.objects, batch) : [],
    ])
    batch.forEach((entry, i) => {
      const at = String(entry[ledger.timeField])
      const fates = [ofRows[i], ofObjects[i]].filter((fate) => fate !== undefined)
      rows.add(ofRows[i], at)
      objects?.add(ofObjects[i], at)
      joint.add(
        FATES.find((fate) => fates.includes(fate)),
        at,
      )
    })
  }
  return {
    ...joint.result(),
    stores: { database: rows.result(), objects: objects?.result() ?? null },
  }
}

/** When the newest write in a ledger was acknowledged; null when there is none. */
export async function newestAcknowledgement(ledger: LedgerFile): Promise<string | null> {
  let newest: string | null = null
  for await (const batch of batchesOf(ledger.path)) {
    for (const entry of batch) {
      const at = String(entry[ledger.timeField])
      if (newest === null || at > newest) newest = at
    }
  }
  return newest
}

type Entry = Readonly<Record<string, unknown>>

const FATES = ['lost', 'altered', 'intact'] as const
/** What became of a write in one store. */
type Fate = (typeof FATES)[number]

class Count {
  readonly #count = { acknowledged: 0, lost: 0, altered: 0, intact: 0 }
  #oldestLostAt: string | null = null
  #newestAt: string | null = null

  /** @param fate  undefined when the store did not acknowledge the write */
  add(fate: Fate | undefined, at: string): void {
    if (!fate) return
    this.#count.acknowledged += 1
    this.#count[fate] += 1
    if (this.#newestAt === null || at > this.#newestAt) this.#newestAt = at
    if (fate === 'intact') return
    if (this.#oldestLostAt === null || at < this.#oldestLostAt) this.#oldestLostAt = at
  }

  result(): LossCount {
    const { acknowledged, lost, altered } = this.#count
    const moments = { oldestLostAt: this.#oldestLostAt, newestAt: this.#newestAt }
    return { acknowledged, lost, altered, ...moments }
  }
}

async function keyType(database: Database, ledger: LedgerFile): Promise<string> {
  const { type } = await database.one(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = $1::regclass and attname = $2`,
    [quoteIdentifier(...ledger.table.split('.')), ledger.keyColumn],
  )
  return type ?? 'text'
}

async function fatesOfRows(
  database: Database,
  ledger: LedgerFile,
  type: string,
  batch: readonly Entry[],
): Promise<(Fate | undefined)[]> {
  const present = await lookUp(database, ledger, type, batch)
  return batch.map((entry) => {
    if (ledger.rowField !== undefined && entry[ledger.rowField] !== true) return undefined
    const row = present.get(String(entry[ledger.keyField]))
    if (!row) return 'lost'
    const compared = ledger.compare ?? []
    return compared.every((field) => sameValue(row[field], entry[field])) ? 'intact' : 'altered'
  })
}

async function fatesOfObjects(
  buckets: Buckets,
  { bucket, keyField, etagField }: NonNullable<LedgerFile['objects']>,
  batch: readonly Entry[],
): Promise<(Fate | undefined)[]> {
  const keyOf = (entry: Entry) => entry[keyField]
  const keys = batch.map(keyOf).filter((key) => typeof key === 'string')
  const etags = await buckets.frontEtags(bucket, keys)
  return batch.map((entry) => {
    const key = keyOf(entry)
    if (typeof key !== 'string') return undefined
    const etag = etags.get(key)
    return etag === undefined ? 'lost' : etag === entry[etagField] ? 'intact' : 'altered'
  })
}

async function lookUp(
  database: Database,
  ledger: LedgerFile,
  type: string,
  batch: readonly Entry[],
): Promise<Map<string, Row>> {
  const key = quoteIdentifier(ledger.keyColumn)
  const compared = (ledger.compare ?? []).map((field) => `, ${quoteIdentifier(field)}`).join('')
  const rows = await database.query(
    `select ${key}::text as lifeboat_key${compared} from ${quoteIdentifier(...ledger.table.split('.'))}
      where ${key} in (select k::${type} from json_array_elements_text($1::json) k)`,
    [JSON.stringify(batch.map((entry) => String(entry[ledger.keyField])))],
  )
  return new Map(rows.map((row) => [row.lifeboat_key!, row]))
}

function sameValue(stored: string | null | undefined, acknowledged: unknown): boolean {
  if (stored === null || stored === undefined) return acknowledged === null
  if (stored === String(acknowledged)) return true
  return stored.trim() !== '' && Number(stored) === Number(acknowledged)
}

/** What the file holds now: whoever appends to it may be faster than whoever reads it. */
async function* batchesOf(path: string): AsyncGenerator<Entry[]> {
  const { size } = await stat(path)
  if (size === 0) return
  let batch: Entry[] = []
  for await (const line of createInterface({ input: createReadStream(path, { end: size - 1 }) })) {
    const entry = parseLine(line)
    if (entry) batch.push(entry)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function parseLine(line: string): Entry | undefined {
  const value = jsonIn(line)
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}
