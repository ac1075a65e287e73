import { type FileHandle, open, readFile } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { Database, type DatabaseLogin, sqlStateOf } from '../probe/database.ts'
import type { LedgerFile } from './loss.ts'

const EVERY_MS = 1_000
/** Sequence numbers are our own: those of PostgreSQL leave gaps after a crash. */
const CREATE = `
  CREATE SCHEMA IF NOT EXISTS lifeboat;
  CREATE TABLE IF NOT EXISTS lifeboat.write_ledger (
    sequence bigint PRIMARY KEY, written_at timestamptz NOT NULL DEFAULT clock_timestamp())`

/** How `countLoss` reads the file of a write ledger. */
export function writeLedgerFile(path: string): LedgerFile {
  return {
    path,
    keyField: 'sequence',
    timeField: 'acknowledgedAt',
    table: 'lifeboat.write_ledger',
    keyColumn: 'sequence',
  }
}

/**
 * A number written to the workload's database once a second and, after each commit was acknowledged, to a
 * file outside of it, on disk. After a recovery the difference is the data loss, in writes and in seconds.
 */
export class WriteLedger {
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #session: Database | undefined
  #lastFailure: string | undefined

  private constructor(
    private readonly file: FileHandle,
    private sequence: number,
    private readonly login: () => Promise<DatabaseLogin>,
    private readonly clock: Clock,
  ) {}

  /** Goes on after the largest number in the file, if there is one. */
  static async open(o: {
    path: string
    login: () => Promise<DatabaseLogin>
    clock: Clock
  }): Promise<WriteLedger> {
    const file = await open(o.path, 'a+', 0o600)
    const numbers = (await readFile(o.path, 'utf8')).matchAll(/^\{"sequence":(\d+),.*\}$/gm)
    const last = Math.max(0, ...[...numbers].map(([, number]) => Number(number)))
    return new WriteLedger(file, last, o.login, o.clock)
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

  /** Why the newest write was not acknowledged; undefined when it was. */
  get lastFailure(): string | undefined {
    return this.#lastFailure
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#writeOnce()
      await this.clock.sleep(EVERY_MS, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason
      })
    }
  }

  /** A number that may have been written is not used again: its outcome is unknown. */
  async #writeOnce(): Promise<void> {
    this.sequence += 1
    try {
      this.#session ??= await this.#dial()
      await this.#session.query('INSERT INTO lifeboat.write_ledger (sequence) VALUES ($1)', [
        this.sequence,
      ])
      const line = { sequence: this.sequence, acknowledgedAt: this.clock.now().toISOString() }
      await this.file.write(`${JSON.stringify(line)}\n`)
      await this.file.datasync()
      this.#lastFailure = undefined
    } catch (error) {
      if (!(error instanceof LifeboatError) && sqlStateOf(error) === undefined) throw error
      this.#lastFailure = error instanceof Error ? error.message : String(error)
      await this.#session?.close()
      this.#session = undefined
    }
  }

  async #dial(): Promise<Database> {
    const session = await Database.open(await this.login(), { purpose: 'write-ledger' })
    await session.query(CREATE)
    return session
  }
}
