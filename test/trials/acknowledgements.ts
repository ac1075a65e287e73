import pg from 'pg'
import type { Login } from './ledger.ts'

export const COMMITS = 'create table commits (writer int, number int, primary key (writer, number))'

/** For each writer, up to which number its commits were acknowledged. */
export type Counts = ReadonlyMap<number, number>

/**
 * Writers that commit numbered rows as fast as they are acknowledged, each over one session, until that is lost. A commit counts
 * as acknowledged when it was answered with success and without the warning that it did not wait for a replica. Nothing is sent
 * again: a statement that finds its row there writes nothing, and so it waits for nobody.
 */
export class Acknowledgements {
  readonly #counts = new Map<number, number>()
  readonly #sessions: Promise<void>[] = []
  #isOpen = true

  constructor(
    private readonly login: Login,
    /** What earlier writers have committed: these go on after it. */
    before: Counts = new Map(),
  ) {
    for (const [writer, count] of before) this.#counts.set(writer, count)
  }

  write(writers: number): void {
    for (let writer = 1; writer <= writers; writer++) this.#sessions.push(this.#commit(writer))
  }

  counts(): Counts {
    return new Map(this.#counts)
  }

  /** The writers end after their commit at hand, or when they have lost their session. */
  async close(): Promise<void> {
    this.#isOpen = false
    await Promise.all(this.#sessions)
  }

  async #commit(writer: number): Promise<void> {
    const client = new pg.Client(this.login)
    let isConfirmed = true
    client.on('error', () => undefined)
    client.on('notice', () => {
      isConfirmed = false
    })
    try {
      await client.connect()
      for (let next = (this.#counts.get(writer) ?? 0) + 1; this.#isOpen && isConfirmed; next++) {
        await client.query('insert into commits values ($1, $2)', [writer, next])
        if (isConfirmed) this.#counts.set(writer, next)
      }
      await client.end()
    } catch (error) {
      // The server ended the session, or it is gone. Anything else is a mistake of the test.
      const { code = '' } = error as { code?: string }
      if (/^(22|23|42)/.test(code)) throw error
    }
  }
}

/** How many commits. */
export function sumOf(counts: Counts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

/**
 * For each writer, up to which number its rows are there.
 *
 * @throws Error where one is there without the one before it
 */
export async function committedAt(login: Login): Promise<Counts> {
  const client = new pg.Client(login)
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query(
      'select writer, max(number) newest, count(*)::int n from commits group by writer',
    )
    const holed = rows.filter(({ newest, n }) => newest !== n)
    if (holed.length > 0) throw new Error(`there are holes: ${JSON.stringify(holed)}`)
    return new Map(rows.map(({ writer, newest }) => [writer, newest]))
  } finally {
    await client.end()
  }
}

/** How many of these commits are not there. */
export function missing(present: Counts, acknowledged: Counts): number {
  return sumOf(
    new Map(
      [...acknowledged].map(([writer, count]) => [
        writer,
        Math.max(0, count - (present.get(writer) ?? 0)),
      ]),
    ),
  )
}
