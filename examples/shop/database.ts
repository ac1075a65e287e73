import pg from 'pg'
import { type DatabaseCredentials, readCredentials } from './credentials.ts'

/** At most one reading of the secret in this time, however many orders fail. */
const REREAD_AFTER_MS = 500

/**
 * The shop's connections. Credentials come from the secret and are read again when something fails,
 * because a database may move: a failover, a restore, a new password.
 */
export class Database {
  private pool: pg.Pool | undefined
  private credentials: DatabaseCredentials | undefined
  private secretReadAt = 0
  private reading: Promise<pg.Pool> | undefined

  constructor(private readonly secret: string) {}

  /** Runs one statement. A statement that failed is not repeated here: it may have been carried out. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const pool = this.pool ?? (await this.followSecret())
    try {
      return await queryOnce<Row>(pool, sql, values)
    } catch (error) {
      const isSoon = Date.now() - this.secretReadAt < REREAD_AFTER_MS
      if (!isAboutTheData(error) && !isSoon) await this.followSecret()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.pool?.end()
  }

  private followSecret(): Promise<pg.Pool> {
    this.reading ??= this.readAndFollow().finally(() => {
      this.reading = undefined
    })
    return this.reading
  }

  /** The pool for what the secret says: the one there is, unless the secret has changed. */
  private async readAndFollow(): Promise<pg.Pool> {
    this.secretReadAt = Date.now()
    const credentials = await readCredentials(this.secret)
    const before = this.pool
    if (before && JSON.stringify(credentials) === JSON.stringify(this.credentials)) return before
    this.credentials = credentials
    this.pool = new pg.Pool(poolOptions(credentials))
    this.pool.on('error', (error) => console.error(`an idle connection broke: ${error.message}`))
    console.log(`database at ${credentials.host}:${credentials.port}`)
    before?.end().catch((error: Error) => console.error(`closing connections: ${error.message}`))
    return this.pool
  }
}

/** On a connection that is kept when the server has only refused the statement: a new one costs it a hundred times more. */
async function queryOnce<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  sql: string,
  values: unknown[],
): Promise<Row[]> {
  const client = await pool.connect()
  let broken: Error | undefined
  // The pool listens only while a connection is idle; one that is ended between two statements must not end the shop.
  const onBreak = (error: Error) => {
    broken = error
  }
  client.on('error', onBreak)
  try {
    return (await client.query<Row>(sql, values)).rows
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR') broken = error as Error
    throw error
  } finally {
    client.off('error', onBreak)
    client.release(broken)
  }
}

function poolOptions(credentials: DatabaseCredentials): pg.PoolConfig {
  return {
    host: credentials.host,
    port: credentials.port,
    database: credentials.dbname,
    user: credentials.username,
    password: credentials.password,
    application_name: 'shop',
    max: 10,
    connectionTimeoutMillis: 2_000,
    query_timeout: 5_000,
  }
}

/** SQLSTATE classes 22 and 23: a wrong value or a broken constraint; another database would not help. */
function isAboutTheData(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '')
}
