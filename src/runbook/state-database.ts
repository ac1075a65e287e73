import pg from 'pg'
import { systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'

/** Together about ten seconds of patience. */
const ATTEMPTS = 7
const FIRST_BACKOFF_MS = 80

/**
 * Lifeboat's own memory: a PostgreSQL database, embedded or a team's.
 *
 * Each part of the program keeps its tables in a namespace of its own and migrates them itself.
 */
export class StateDatabase {
  private constructor(
    readonly url: string,
    private readonly pool: pg.Pool,
  ) {}

  /** @throws LifeboatError `StateUnreachable` */
  static async open(url: string): Promise<StateDatabase> {
    const pool = new pg.Pool({
      connectionString: url,
      max: 8,
      connectionTimeoutMillis: 10_000,
      application_name: 'lifeboat-state',
    })
    // An idle connection that breaks is replaced by the pool; the next query says what is wrong, if anything is.
    pool.on('error', () => undefined)
    const database = new StateDatabase(url, pool)
    await database.#queryOnce('select 1', [])
    return database
  }

  /**
   * Runs one statement; `$1`, `$2` … stand for `values`. A server that is away for a moment is waited for.
   *
   * @throws LifeboatError `StateUnreachable` when it stays away
   */
  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#queryOnce<Row>(sql, values)
      } catch (error) {
        const isAway = error instanceof LifeboatError && error.code === 'StateUnreachable'
        if (!isAway || attempt >= ATTEMPTS) throw error
        await systemClock.sleep(FIRST_BACKOFF_MS * 2 ** attempt)
      }
    }
  }

  async #queryOnce<Row extends object>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      const result = await this.pool.query<Row>(sql, [...values])
      return result.rows
    } catch (error) {
      throw named(error)
    }
  }

  /** Runs `work` in one transaction. */
  async transaction<Result>(
    work: (query: StateDatabase['query']) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.pool.connect().catch((error: unknown) => {
      throw named(error)
    })
    let broken: Error | undefined
    try {
      await client.query('begin')
      const result = await work(
        async <Row extends object>(sql: string, values: readonly unknown[] = []) =>
          (await client.query<Row>(sql, [...values])).rows,
      )
      await client.query('commit')
      return result
    } catch (error) {
      broken = await rollBack(client)
      throw named(error)
    } finally {
      client.release(broken)
    }
  }

  /**
   * Brings the tables of one namespace (a schema of that name) up to date. `migrations` only ever grows:
   * each entry is SQL that runs once, in order. Safe when several processes start at once.
   */
  async migrate(namespace: string, migrations: readonly string[]): Promise<void> {
    await this.transaction(async (query) => {
      await query("select pg_advisory_xact_lock(hashtext('lifeboat-migrations'))")
      await query('create schema if not exists lifeboat')
      await query(
        'create table if not exists lifeboat.migrations (namespace text, number int, primary key (namespace, number))',
      )
      await query(`create schema if not exists "${namespace.replaceAll('"', '""')}"`)
      const [last] = await query<{ number: number }>(
        'select coalesce(max(number), 0) as number from lifeboat.migrations where namespace = $1',
        [namespace],
      )
      for (let number = (last?.number ?? 0) + 1; number <= migrations.length; number++) {
        await query(migrations[number - 1]!)
        await query('insert into lifeboat.migrations values ($1, $2)', [namespace, number])
      }
    })
  }

  async close(): Promise<void> {
    await this.pool.end()
  }
}

async function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback')
    return undefined
  } catch (error) {
    // A connection that cannot even roll back is thrown away, not returned to the pool.
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** A server that answers gives an SQLSTATE; class 08 and 57P, and everything without one, is a server that does not. */
function named(error: unknown): unknown {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  const isUnreachable =
    /^(08|57P|ECONN|ENOTFOUND|EPIPE|ETIMEDOUT)/.test(code) ||
    /terminated|timeout exceeded/.test(message)
  if (!isUnreachable) return error
  return new LifeboatError(
    'StateUnreachable',
    `Lifeboat's own database does not answer: ${message}`,
    {
      hint: 'Check DATABASE_URL, or unset it to use the embedded database.',
      cause: error,
    },
  )
}
