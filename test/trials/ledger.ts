import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** One order whose COMMIT was acknowledged. Times are of this machine's clock, in milliseconds since 1970. */
export interface Entry {
  readonly writer: number
  readonly number: number
  /** Before the INSERT was sent for the first time. */
  readonly sentAt: number
  /** After its acknowledgement had arrived. */
  readonly acknowledgedAt: number
}

export interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** What a database holds: for each writer the numbers of its orders. */
export type Rows = ReadonlyMap<number, readonly number[]>

export const ORDERS = `create table orders (
  writer int, number int, filler text, primary key (writer, number))`

/**
 * Writers that place numbered orders, each one after the last is acknowledged, and the file in which they keep
 * what was acknowledged: durable before the next order of the same writer. It shares no code with the system.
 */
export class Ledger {
  readonly #descriptor: number
  readonly #writers: Promise<void>[] = []
  #isOpen = true
  #waiting: { line: string; written: () => void }[] = []
  #acknowledged = 0

  constructor(
    private readonly file: string,
    /** Asked again at each new connection. */
    private readonly login: () => Login | Promise<Login>,
    private readonly o: { readonly firstWriter: number } = { firstWriter: 1 },
  ) {
    this.#descriptor = openSync(file, 'a')
  }

  /** Starts `writers` more writers, which together place about `perSecond` orders a second. */
  write({ writers, perSecond }: { writers: number; perSecond: number }): void {
    const pauseMs = (1000 * writers) / perSecond
    for (let i = 0; i < writers; i++) {
      this.#writers.push(this.#placeOrders(this.o.firstWriter + this.#writers.length, pauseMs))
    }
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Resolves when `more` orders from now on are acknowledged. */
  async until(more: number, deadlineMs = 60_000): Promise<void> {
    const wanted = this.#acknowledged + more
    const end = Date.now() + deadlineMs
    while (this.#acknowledged < wanted) {
      if (Date.now() > end) throw new Error(`no ${more} orders within ${deadlineMs} ms`)
      await sleep(5)
    }
  }

  /** The writers finish their last order, or give it up where the database is gone. */
  async close(): Promise<void> {
    this.#isOpen = false
    await Promise.all(this.#writers)
    closeSync(this.#descriptor)
  }

  entries(): Entry[] {
    const lines = readFileSync(this.file, 'utf8').split('\n').filter(Boolean)
    return lines.map((line) => JSON.parse(line))
  }

  async #placeOrders(writer: number, pauseMs: number): Promise<void> {
    let session: pg.Client | undefined
    let number = 1
    let sentAt: number | undefined
    let due = Date.now()
    while (this.#isOpen || sentAt !== undefined) {
      try {
        session ??= await connect(await this.login())
        sentAt ??= Date.now()
        // When the connection broke before the answer, the order may be there already.
        await session.query(
          "insert into orders values ($1, $2, repeat('x', 300)) on conflict do nothing",
          [writer, number],
        )
        await this.#note({ writer, number, sentAt, acknowledgedAt: Date.now() })
        number += 1
        sentAt = undefined
        due = Math.max(due + pauseMs, Date.now() - 500)
        await sleep(Math.max(0, due - Date.now()))
      } catch {
        // The order is sent again, over a new connection; at the end it stays unanswered.
        await session?.end().catch((ending: Error) => ending)
        session = undefined
        if (!this.#isOpen) return
        await sleep(20)
      }
    }
    await session?.end()
  }

  /** One fdatasync for all that have arrived since the last one. */
  #note(entry: Entry): Promise<void> {
    return new Promise((written) => {
      this.#waiting.push({ line: `${JSON.stringify(entry)}\n`, written })
      if (this.#waiting.length === 1) setImmediate(() => this.#flush())
    })
  }

  #flush(): void {
    const batch = this.#waiting
    this.#waiting = []
    writeSync(this.#descriptor, batch.map(({ line }) => line).join(''))
    fdatasyncSync(this.#descriptor)
    this.#acknowledged += batch.length
    for (const { written } of batch) written()
  }
}

export async function connect(login: Login): Promise<pg.Client> {
  const client = new pg.Client({ ...login, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {
    // The next query says what is wrong.
  })
  await client.connect()
  return client
}

/** Reads the orders back. */
export async function rowsAt(login: Login): Promise<Rows> {
  const client = await connect(login)
  try {
    const { rows } = await client.query(
      'select writer, array_agg(number order by number) numbers from orders group by writer',
    )
    return new Map(rows.map(({ writer, numbers }) => [writer, numbers]))
  } finally {
    await client.end()
  }
}

/**
 * What is wrong with a restore to a moment, in words; nothing when it holds all orders that were acknowledged before it
 * and none that was sent after it. Between the two lies at most one order of each writer.
 */
export function faultsOf(rows: Rows, entries: readonly Entry[], time: Date): string[] {
  const moment = time.getTime()
  const before = entries.filter(({ acknowledgedAt }) => acknowledgedAt < moment)
  return [...lossesOf(rows, before), ...surplusOf(rows, entries, moment)]
}

/** Which of these acknowledged orders are not there, and where an order is there without the one before it. */
export function lossesOf(rows: Rows, entries: readonly Entry[]): string[] {
  const holes = [...rows]
    .filter(([, numbers]) => numbers.some((number, index) => number !== index + 1))
    .map(([writer]) => `writer ${writer} has holes`)
  const losses = byWriter(entries).flatMap(([writer, own]) => {
    const found = rows.get(writer)?.length ?? 0
    if (found >= own.length) return []
    return `writer ${writer} lost ${own.length - found} of ${own.length} acknowledged orders`
  })
  return [...holes, ...losses]
}

function surplusOf(rows: Rows, entries: readonly Entry[], moment: number): string[] {
  return byWriter(entries).flatMap(([writer, own]) => {
    const sent = own.filter(({ sentAt }) => sentAt <= moment).length
    // The one after the last entry may have been sent too, and not be answered yet.
    const atMost = sent + (sent === own.length ? 1 : 0)
    const found = rows.get(writer)?.length ?? 0
    return found > atMost ? [`writer ${writer} has ${found - atMost} orders from later`] : []
  })
}

function byWriter(entries: readonly Entry[]): [number, Entry[]][] {
  const writers = [...new Set(entries.map(({ writer }) => writer))]
  return writers.map((writer) => [writer, entries.filter((entry) => entry.writer === writer)])
}
