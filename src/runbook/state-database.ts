import pg from 'pg'
import { systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'

/** Together about ten seconds of patience. */
const ATTEMPTS = 7
const FIRST_BACKOFF_MS = 80

/**
 * After this long the server takes its locks from a process that stands still in the middle of a change, so that it holds
 * nobody up. Its change is undone, and made anew when it goes on.
 */
export const STANDSTILL_MS = 5_000

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

  /** @throws LifeboatError `StateUnreachable`, at once */
  static async open(url: string): Promise<StateDatabase> {
    const pool = new pg.Pool({
      connectionString: url,
      max: 8,
      connectionTimeoutMillis: 10_000,
      idle_in_transaction_session_timeout: STANDSTILL_MS,
      application_name: 'lifeboat-state',
    })
    heedBrokenConnections(pool)
    try {
      await pool.query('select 1')
    } catch (error) {
      await pool.end()
      throw named(error)
    }
    return new StateDatabase(url, pool)
  }

  /**
   * Runs one statement; `$1`, `$2` … stand for `values`. A server that is away for a moment is waited for; a statement that
   * may have changed something is never sent twice.
   *
   * @throws LifeboatError `StateUnreachable` when the server stays away, or when it is unknown whether the statement ran
   */
  query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const run = async (client: pg.PoolClient) => (await client.query<Row>(sql, [...values])).rows
    if (/^\s*select\b/i.test(sql)) return patiently(() => this.#withClient(run))
    return patiently(() => this.#client('select')).then((client) => released(client, run))
  }

  /**
   * Runs `work` in one transaction.
   *
   * @throws LifeboatError `StateUnreachable`: then it is unknown whether it was committed
   */
  async transaction<Result>(
    work: (query: StateDatabase['query']) => Promise<Result>,
  ): Promise<Result> {
    const client = await patiently(() => this.#client('begin'))
    return released(client, async () => {
      const result = await work(
        async <Row extends object>(sql: string, values: readonly unknown[] = []) =>
          (await client.query<Row>(sql, [...values])).rows,
      )
      await client.query('commit')
      return result
    })
  }

  async #withClient<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    return released(await this.#client(), work)
  }

  /** A connection; with `first`, one that has answered that, so that it is not a broken one of the pool. */
  async #client(first?: string): Promise<pg.PoolClient> {
    try {
      const client = await this.pool.connect()
      try {
        if (first) await client.query(first)
        return client
      } catch (error) {
        client.release(true)
        throw error
      }
    } catch (error) {
      throw named(error)
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

/**
 * A connection that breaks says so by an event of its own, besides failing what is asked of it: idle in the pool, in use, or in
 * between. Unheeded, that event would end the process.
 */
export function heedBrokenConnections(
  pool: pg.Pool,
  onError: (error: Error) => void = () => undefined,
) {
  pool.on('error', onError)
  pool.on('connect', (client) => client.on('error', onError))
}

/** Gives the connection back after `work`, or throws it away when it cannot even roll back. */
async function released<Result>(
  client: pg.PoolClient,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  let isBroken = false
  try {
    return await work(client)
  } catch (error) {
    isBroken = !(await rolledBack(client))
    throw named(error)
  } finally {
    client.release(isBroken)
  }
}

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  return client.query('rollback').then(
    () => true,
    () => false,
  )
}

async function patiently<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isUnreachable(error) || tries >= ATTEMPTS) throw error
      await systemClock.sleep(FIRST_BACKOFF_MS * 2 ** tries)
    }
  }
}

/** Whether an error says that Lifeboat's own database is away, which may pass. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof LifeboatError && error.code === 'StateUnreachable'
}

/**
 * A server that answers gives an SQLSTATE; class 08 and 57P, and everything without one, is a server that does not. One that
 * ended the session of a process that stood still (25P03) is as good as away.
 */
function named(error: unknown): unknown {
  if (error instanceof LifeboatError) return error
  const { code = '', message = '' } = error as { code?: string; message?: string }
  const isAway =
    /^(08|57P|25P03|ECONN|ENOTFOUND|EPIPE|ETIMEDOUT|EHOST|ENETUN)/.test(code) ||
    /terminated|timeout exceeded|not queryable/.test(message)
  if (!isAway) return error
  return new LifeboatError(
    'StateUnreachable',
    `Lifeboat's own database does not answer: ${message}`,
    {
      hint: 'Check DATABASE_URL, or unset it to use the embedded database.',
      cause: error,
    },
  )
}
