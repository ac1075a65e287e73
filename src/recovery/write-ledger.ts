import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises'
import type { Buckets } from '../aws/buckets.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { Database, type DatabaseLogin, sqlStateOf } from '../probe/database.ts'
import type { LedgerFile } from './loss.ts'
import type { Workload } from './workload.ts'

const EVERY_MS = 1_000
/** Older writes are forgotten everywhere: nobody loses a day. */
const KEEP_MS = 24 * 3_600_000
const FORGET_EVERY_MS = 600_000
/** Sequence numbers are our own: those of PostgreSQL leave gaps after a crash. */
const CREATE = `
  CREATE SCHEMA IF NOT EXISTS lifeboat;
  CREATE TABLE IF NOT EXISTS lifeboat.write_ledger (
    sequence bigint PRIMARY KEY, written_at timestamptz NOT NULL DEFAULT clock_timestamp())`

/** One write, as the file keeps it: what is absent was not acknowledged. */
interface Line {
  readonly sequence: number
  readonly acknowledgedAt: string
  readonly database?: true
  readonly object?: string
  readonly etag?: string
  readonly versionId?: string
}

/** Where the write ledger of a workload keeps its objects; undefined when the workload has no bucket. */
export function ledgerBucketOf({
  buckets,
}: Workload): { bucket: string; prefix: string } | undefined {
  const [first] = buckets
  return (
    first && { bucket: first.bucket, prefix: `${first.prefixes[0] ?? ''}lifeboat-write-ledger/` }
  )
}

/** How `countLoss` reads the file of a write ledger. */
export function writeLedgerFile(path: string, workload: Workload): LedgerFile {
  const place = ledgerBucketOf(workload)
  return {
    path,
    keyField: 'sequence',
    timeField: 'acknowledgedAt',
    table: 'lifeboat.write_ledger',
    keyColumn: 'sequence',
    rowField: 'database',
    ...(place && { objects: { bucket: place.bucket, keyField: 'object', etagField: 'etag' } }),
  }
}

export interface WriteLedgerOptions {
  readonly path: string
  readonly login: () => Promise<DatabaseLogin>
  /** The bucket that belongs to the workload, if there is one. */
  readonly objects?: { readonly buckets: Buckets; readonly bucket: string; readonly prefix: string }
  readonly clock: Clock
}

/**
 * A number written to the workload's database and to its bucket once a second and, after each of them has acknowledged, to
 * a file outside of both, on disk. After a recovery the difference is the data loss, in writes and in seconds.
 */
export class WriteLedger {
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #session: Database | undefined
  #forgetDueAtMs = 0
  readonly #failures = {
    database: undefined as string | undefined,
    objects: undefined as string | undefined,
  }

  private constructor(
    private file: FileHandle,
    private sequence: number,
    private readonly o: WriteLedgerOptions,
  ) {}

  /** Goes on after the largest number in the file, if there is one. */
  static async open(o: WriteLedgerOptions): Promise<WriteLedger> {
    const file = await open(o.path, 'a+', 0o600)
    const lines = await readLines(o.path)
    // A line that was cut off by a crash would spoil the next one.
    if ((await file.stat()).size > 0) await file.write('\n')
    const last = lines.reduce((max, { sequence }) => Math.max(max, sequence), 0)
    return new WriteLedger(file, last, o)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new LifeboatError('ExecutionCanceled', 'the write ledger was stopped'))
    await this.#running
    await this.#session?.close()
    await this.file.close()
  }

  /** Why the newest write was not acknowledged by one of the stores; undefined when it was by all. */
  get lastFailure(): string | undefined {
    return this.#failures.database ?? this.#failures.objects
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { clock } = this.o
    while (!signal.aborted) {
      await this.#writeOnce()
      if (clock.monotonicMs() >= this.#forgetDueAtMs) await this.#forget()
      await clock.sleep(EVERY_MS, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason
      })
    }
  }

  /** A number that may have been written is not used again: its outcome is unknown. */
  async #writeOnce(): Promise<void> {
    this.sequence += 1
    const sequence = this.sequence
    const [row, object] = await Promise.all([this.#writeRow(sequence), this.#writeObject(sequence)])
    if (!row && !object) return
    const acknowledgedAt = this.o.clock.now().toISOString()
    const line: Line = { sequence, acknowledgedAt, ...row, ...object }
    await this.file.write(`${JSON.stringify(line)}\n`)
    await this.file.datasync()
  }

  async #writeRow(sequence: number): Promise<Pick<Line, 'database'> | undefined> {
    try {
      this.#session ??= await this.#dial()
      await this.#session.query('INSERT INTO lifeboat.write_ledger (sequence) VALUES ($1)', [
        sequence,
      ])
      this.#failures.database = undefined
      return { database: true }
    } catch (error) {
      this.#failures.database = wordsOf(error)
      await this.#session?.close()
      this.#session = undefined
      return undefined
    }
  }

  async #writeObject(
    sequence: number,
  ): Promise<Pick<Line, 'object' | 'etag' | 'versionId'> | undefined> {
    const { objects } = this.o
    if (!objects) return undefined
    const object = `${objects.prefix}${String(sequence).padStart(12, '0')}.json`
    try {
      const text = JSON.stringify({ sequence })
      const written = await objects.buckets.putText(objects.bucket, object, text)
      this.#failures.objects = undefined
      return { object, ...written }
    } catch (error) {
      this.#failures.objects = wordsOf(error)
      return undefined
    }
  }

  /** Drops what is a day old: the objects by their versions, which are our own (I15), then rows, then lines. */
  async #forget(): Promise<void> {
    const { clock, objects, path } = this.o
    this.#forgetDueAtMs = clock.monotonicMs() + FORGET_EVERY_MS
    const oldest = new Date(clock.now().getTime() - KEEP_MS).toISOString()
    const lines = await readLines(path)
    const old = lines.filter(({ acknowledgedAt }) => acknowledgedAt < oldest)
    if (old.length === 0) return
    try {
      for (const { object, versionId } of old) {
        if (!objects || !object || !versionId) continue
        await objects.buckets.destroyVersion(objects.bucket, object, versionId)
      }
      const last = old.reduce((max, { sequence }) => Math.max(max, sequence), 0)
      await this.#session?.query('DELETE FROM lifeboat.write_ledger WHERE sequence <= $1', [last])
    } catch (error) {
      // They are still in the file, for the next time.
      this.#failures.objects = wordsOf(error)
      return
    }
    const kept = lines.filter(({ acknowledgedAt }) => acknowledgedAt >= oldest)
    await this.#rewrite(kept)
  }

  async #rewrite(lines: readonly Line[]): Promise<void> {
    const { path } = this.o
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    await writeFile(`${path}.new`, text, { mode: 0o600, flush: true })
    await rename(`${path}.new`, path)
    await this.file.close()
    this.file = await open(path, 'a+', 0o600)
  }

  async #dial(): Promise<Database> {
    const session = await Database.open(await this.o.login(), { purpose: 'write-ledger' })
    await session.query(CREATE)
    return session
  }
}

/** A last line that was cut off was not acknowledged. */
async function readLines(path: string): Promise<Line[]> {
  const whole = (await readFile(path, 'utf8')).matchAll(/^\{"sequence":\d+,.*\}$/gm)
  return [...whole].map(([line]) => JSON.parse(line) as Line)
}

/** @throws what is no answer of a store */
function wordsOf(error: unknown): string {
  if (!(error instanceof LifeboatError) && sqlStateOf(error) === undefined) throw error
  return error instanceof Error ? error.message : String(error)
}
