import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import pg from 'pg'
import { LifeboatError } from '../core/errors.ts'

/** Where and as whom to log in. Holds a password: it is never journaled, logged or thrown (I12). */
export interface DatabaseLogin {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** `require` encrypts; with `authorities`, a PEM file, the server must also be who it says. Default: `off`. */
  readonly tls?: 'off' | 'require' | { readonly authorities: string }
}

export interface DatabaseOptions {
  /** Shown in `pg_stat_activity`; always begins with `lifeboat`, so that consumers can be told apart. */
  readonly purpose: string
  readonly connectTimeoutMs?: number
  /** Ends a statement that runs longer, by the server and, when it is silent, by the client. */
  readonly statementTimeoutMs?: number
}

/** A row as PostgreSQL's text; `null` is SQL's null. */
export type Row = Record<string, string | null>

/** Every session of ours has an application name that begins so. */
export const OUR_SESSIONS = 'lifeboat'

/** One session with a PostgreSQL database. All values are text, so that nothing is rounded or re-zoned. */
export class Database {
  #isClosed = false

  private constructor(
    private readonly client: pg.Client,
    /** `host:port/database`, for messages. */
    readonly place: string,
  ) {}

  /**
   * @throws LifeboatError `DatabaseUnreachable` (also while it starts up or has no free connection),
   *   `CredentialsRefused`, `ResourceNotFound` when there is no such database
   */
  static async open(login: DatabaseLogin, options: DatabaseOptions): Promise<Database> {
    const { host, port, user, password, database, tls = 'off' } = login
    const place = placeOf(login)
    const statementTimeoutMs = options.statementTimeoutMs ?? 60_000
    const client = new pg.Client({
      host,
      port,
      user,
      password,
      database,
      ssl: await tlsOptions(tls, host),
      application_name: `${OUR_SESSIONS}:${options.purpose}`,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + 5_000,
      types: { getTypeParser: () => (value: string) => value },
    })
    const session = new Database(client, place)
    client.on('error', () => {
      // A session that the server ends while it is idle; the next query says so.
      session.#isClosed = true
    })
    try {
      await client.connect()
    } catch (error) {
      throw connectionError(error, place, user)
    }
    return session
  }

  /** @throws the server's own error (see `sqlStateOf`), or LifeboatError `DatabaseUnreachable` */
  async query(sql: string, values?: readonly unknown[]): Promise<Row[]> {
    if (this.#isClosed) throw lostSession(this.place)
    try {
      const result = await this.client.query<Row>({
        text: sql,
        ...(values && { values: [...values] }),
      })
      return result.rows ?? []
    } catch (error) {
      throw this.#named(error)
    }
  }

  #named(error: unknown): unknown {
    const state = sqlStateOf(error)
    return state !== undefined && !/^(57P0|08)/.test(state) ? error : lostSession(this.place, error)
  }

  /** Runs one or more statements. @returns the rows that they wrote */
  async execute(sql: string): Promise<number> {
    if (this.#isClosed) throw lostSession(this.place)
    try {
      const answer: pg.QueryResult | pg.QueryResult[] = await this.client.query(sql)
      return [answer].flat().reduce((rows, result) => rows + (result.rowCount ?? 0), 0)
    } catch (error) {
      throw this.#named(error)
    }
  }

  /** The only row of a query that always has one. */
  async one(sql: string, values?: readonly unknown[]): Promise<Row> {
    const [row] = await this.query(sql, values)
    return row ?? {}
  }

  /** Runs `body` in a transaction; rolled back when it throws or asks for it. */
  async transaction<Result>(mode: TransactionMode, body: () => Promise<Result>): Promise<Result> {
    await this.query(BEGIN[mode])
    try {
      const result = await body()
      await this.query(mode === 'write' ? 'COMMIT' : 'ROLLBACK')
      return result
    } catch (error) {
      if (!this.#isClosed) await this.query('ROLLBACK').catch(onlyLostSessions)
      throw error
    }
  }

  /** Rows of a query, `batchRows` in memory at a time. Only inside a transaction. */
  async *stream(sql: string, batchRows = 2_000): AsyncGenerator<Row[]> {
    const cursor = `lifeboat_${++cursors}`
    await this.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`)
    for (;;) {
      const rows = await this.query(`FETCH ${batchRows} FROM ${cursor}`)
      if (rows.length > 0) yield rows
      if (rows.length < batchRows) break
    }
    await this.query(`CLOSE ${cursor}`)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.client.end()
  }
}

/**
 * snapshot  one unchanging view of the database, read only
 * discard   writes, and always rolls back
 * write     commits
 */
export type TransactionMode = 'snapshot' | 'discard' | 'write'

const BEGIN: Readonly<Record<TransactionMode, string>> = {
  snapshot: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  discard: 'BEGIN',
  write: 'BEGIN',
}

let cursors = 0

/** `host:port/database`: which database this is, whoever logs in. */
export function placeOf(login: Omit<DatabaseLogin, 'user' | 'password'>): string {
  return `${login.host}:${login.port}/${login.database}`
}

/** Opens a session for the length of `body`. */
export async function withDatabase<Result>(
  login: DatabaseLogin,
  options: DatabaseOptions,
  body: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = await Database.open(login, options)
  try {
    return await body(database)
  } finally {
    await database.close()
  }
}

/** The five characters that PostgreSQL gives each error; undefined when the server did not speak. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/** `schema."Odd Name"` for use in SQL. */
export function quoteIdentifier(...parts: string[]): string {
  return parts.map((part) => pg.escapeIdentifier(part)).join('.')
}

/** A text as an SQL literal, safe whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  return pg.escapeLiteral(text).trimStart()
}

async function tlsOptions(
  tls: NonNullable<DatabaseLogin['tls']>,
  host: string,
): Promise<false | ConnectionOptions> {
  if (tls === 'off') return false
  if (tls === 'require') return { rejectUnauthorized: false }
  // The host is what the certificate must name, also where it is an address.
  return { ca: await readFile(tls.authorities), host }
}

function connectionError(error: unknown, place: string, user: string): LifeboatError {
  const state = sqlStateOf(error)
  if (state === '28P01' || state === '28000') {
    return new LifeboatError('CredentialsRefused', `'${place}' refuses to log '${user}' in`, {
      hint: 'Compare the secret with the password of that moment: a restore brings back the old one.',
      cause: error,
    })
  }
  if (state === '3D000') {
    return new LifeboatError('ResourceNotFound', `there is no database at '${place}'`, {
      cause: error,
    })
  }
  if (isCertificateError(error)) {
    return new LifeboatError(
      'DatabaseUnreachable',
      `'${place}' is not trusted: ${error.message}. No password was sent`,
      {
        hint: "Compare the authorities in 'database.certificates' with those of the server.",
        cause: error,
      },
    )
  }
  const words = error instanceof Error ? error.message || String(Reflect.get(error, 'code')) : ''
  return new LifeboatError('DatabaseUnreachable', `'${place}' accepts no connection: ${words}`, {
    hint: 'Check that the instance is available and that the network lets you through.',
    cause: error,
  })
}

function isCertificateError(error: unknown): error is Error {
  const code = error instanceof Error ? String(Reflect.get(error, 'code')) : ''
  return /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code)
}

function lostSession(place: string, cause?: unknown): LifeboatError {
  return new LifeboatError('DatabaseUnreachable', `the session with '${place}' was lost`, { cause })
}

function onlyLostSessions(error: unknown): void {
  if (!(error instanceof LifeboatError)) throw error
}
