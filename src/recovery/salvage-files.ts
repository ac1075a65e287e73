import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { quoteIdentifier, quoteLiteral } from '../probe/database.ts'
import type { RowValues } from './salvage.ts'
import type { Table } from './tables.ts'

const ROWS_PER_STATEMENT = 200
const FLUSH_BYTES = 256 * 1024

/** Where a search puts what it finds. */
export interface SalvageSink {
  salvage(table: Table, values: RowValues): Promise<void>
  conflict(table: Table, old: RowValues, restored: RowValues): Promise<void>
  lost(table: Table, values: RowValues): Promise<void>
  endTable(): Promise<void>
}

/**
 * The files of a salvage: rows to put back, conflicts, and rows that are lost. They hold the workload's
 * data, so only their owner may read them.
 */
export class SalvageFiles implements SalvageSink {
  readonly #pending: { table: Table; rows: RowValues[] }[] = []

  private constructor(
    readonly paths: { salvage: string; conflicts: string; lost: string },
    /** The line that ends each statement of the salvage file; no value can hold it, being random. */
    readonly separator: string,
    private readonly files: Record<'salvage' | 'conflicts' | 'lost', TextFile>,
  ) {}

  /** @param separator  unguessable, so that no value of a row can end a statement */
  static async create(folder: string, separator: string): Promise<SalvageFiles> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const paths = {
      salvage: join(folder, 'salvage.sql'),
      conflicts: join(folder, 'conflicts.sql'),
      lost: join(folder, 'lost.sql'),
    }
    const files = {
      salvage: await TextFile.create(paths.salvage),
      conflicts: await TextFile.create(paths.conflicts),
      lost: await TextFile.create(paths.lost),
    }
    const line = `-- next ${separator}`
    await files.salvage.write(`${SALVAGE_HEAD}\n${line}\n`)
    await files.conflicts.write(`${CONFLICTS_HEAD}\n`)
    await files.lost.write(`${LOST_HEAD}\n`)
    return new SalvageFiles(paths, line, files)
  }

  async salvage(table: Table, values: RowValues): Promise<void> {
    const last = this.#pending.at(-1)
    if (last?.table === table) last.rows.push(values)
    else this.#pending.push({ table, rows: [values] })
    if ((last?.rows.length ?? 0) >= ROWS_PER_STATEMENT) await this.endTable()
  }

  /** Writes the rows that are not written yet. */
  async endTable(): Promise<void> {
    for (const { table, rows } of this.#pending.splice(0)) {
      await this.files.salvage.write(`${insertStatement(table, rows)}\n${this.separator}\n`)
    }
  }

  async conflict(table: Table, old: RowValues, restored: RowValues): Promise<void> {
    await this.files.conflicts.write(`${updateStatement(table, old, restored)}\n`)
  }

  async lost(table: Table, values: RowValues): Promise<void> {
    await this.files.lost.write(`${insertStatement(table, [values])}\n`)
  }

  /** Everything is on disk when this resolves. @returns the SHA-256 of the salvage file */
  async close(): Promise<string> {
    await this.endTable()
    await this.files.salvage.write('COMMIT;\n')
    await Promise.all(Object.values(this.files).map((file) => file.close()))
    return this.files.salvage.digest()
  }
}

const SALVAGE_HEAD = `-- Rows that only the old instance has. Replay with: psql -v ON_ERROR_STOP=1 -f salvage.sql
BEGIN; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL timezone = 'UTC'; SET LOCAL intervalstyle = 'postgres';
SET LOCAL standard_conforming_strings = on; SET CONSTRAINTS ALL DEFERRED;`

const CONFLICTS_HEAD = `-- Rows that both instances have, with other content. Each statement would write what the old instance
-- has, if the restored one still has what it had. Read before you run any of it: a row that was changed after
-- the damage carries the damage.`

const LOST_HEAD = `-- Rows of which only the damaged form is left, and rows that refer to such rows. For reading, not for running.`

/** `INSERT` of whole rows that leaves those alone which are there. */
export function insertStatement(table: Table, rows: readonly RowValues[]): string {
  const columns = table.columns.filter((column) => !column.isGenerated)
  const indexes = columns.map((column) => table.columns.indexOf(column))
  const overriding = columns.some((column) => column.isAlwaysIdentity)
    ? ' OVERRIDING SYSTEM VALUE'
    : ''
  const tuples = rows.map((row) => `(${indexes.map((index) => literal(row[index])).join(', ')})`)
  return (
    `INSERT INTO ${table.sql} (${columns.map((column) => quoteIdentifier(column.name)).join(', ')})` +
    `${overriding} VALUES\n${tuples.join(',\n')}\nON CONFLICT (${keyColumns(table)}) DO NOTHING;`
  )
}

/** `UPDATE` of the columns that differ, guarded by the values that the restored row has. */
export function updateStatement(table: Table, old: RowValues, restored: RowValues): string {
  const changed = table.columns
    .map((column, index) => ({ column, index }))
    .filter(({ column, index }) => !column.isGenerated && old[index] !== restored[index])
  const set = changed.map(
    ({ column, index }) => `${quoteIdentifier(column.name)} = ${literal(old[index])}`,
  )
  const key = table.primaryKey.map((name) => {
    const index = table.columns.findIndex((column) => column.name === name)
    return `${quoteIdentifier(name)} = ${literal(old[index])}`
  })
  const guard = changed.map(
    ({ column, index }) =>
      `${quoteIdentifier(column.name)} IS NOT DISTINCT FROM ${literal(restored[index])}`,
  )
  return `UPDATE ${table.sql} SET ${set.join(', ')} WHERE ${[...key, ...guard].join(' AND ')};`
}

const keyColumns = (table: Table) =>
  table.primaryKey.map((name) => quoteIdentifier(name)).join(', ')

const literal = (value: string | null | undefined) =>
  value === null || value === undefined ? 'NULL' : quoteLiteral(value)

/** A file that is written from its start, through a buffer, and hashed on the way. */
class TextFile {
  readonly #hash: Hash = createHash('sha256')
  #buffered: string[] = []
  #bufferedBytes = 0

  private constructor(private readonly file: FileHandle) {}

  static async create(path: string): Promise<TextFile> {
    const file = await open(path, 'w', 0o600)
    await file.chmod(0o600)
    return new TextFile(file)
  }

  async write(text: string): Promise<void> {
    this.#buffered.push(text)
    this.#bufferedBytes += text.length
    if (this.#bufferedBytes >= FLUSH_BYTES) await this.#flush()
  }

  async close(): Promise<void> {
    await this.#flush()
    await this.file.sync()
    await this.file.close()
  }

  digest(): string {
    return this.#hash.digest('hex')
  }

  async #flush(): Promise<void> {
    const text = this.#buffered.join('')
    this.#buffered = []
    this.#bufferedBytes = 0
    this.#hash.update(text)
    await this.file.write(text)
  }
}
