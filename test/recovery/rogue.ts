import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'

const EVERY_MS = 40
/** Far from what customers order for: by it each of these orders is known again. */
const FIRST_TOTAL = 900_000

/**
 * Somebody who knows the endpoint of a database and nothing of failovers: places orders there for as long as it lives, and
 * logs each that it was told of.
 */
export class Rogue {
  readonly acknowledged: { readonly total: string; readonly at: Date }[] = []
  /** How often the database answered that it takes no writes of this login. */
  refusals = 0
  /** Each order that was sent, whatever came of it. */
  sent = 0
  readonly #stopping = new AbortController()
  readonly #placing: Promise<void>

  /** @param connect  may fail and may take its time */
  constructor(private readonly connect: () => Promise<pg.Client>) {
    this.#placing = this.#place()
  }

  /** Resolves when nothing of it is on its way; what the database does not answer is given up. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#placing
  }

  async #place(): Promise<void> {
    const { signal } = this.#stopping
    const stopped = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    let session: pg.Client | undefined
    while (!signal.aborted) {
      try {
        const connecting: Promise<pg.Client> = session ? Promise.resolve(session) : this.connect()
        session = await Promise.race([connecting, stopped])
        if (!session) {
          connecting.then((late) => late.end()).catch(() => 'it never came')
          return
        }
        await Promise.race([this.#order(session), stopped])
      } catch (error) {
        if (String(error).includes('permission denied')) this.refusals += 1
        session?.end().catch(() => 'it had ended')
        session = undefined
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => 'it is over')
    }
    session?.end().catch(() => 'it had ended')
  }

  async #order(session: pg.Client): Promise<void> {
    const total = `${FIRST_TOTAL + ++this.sent}.00`
    await session.query('insert into orders (customer_id, total) values (1, $1)', [total])
    this.acknowledged.push({ total, at: new Date() })
  }
}

/** Whether a total is one of a rogue's orders. */
export function isRogue(total: string): boolean {
  return Number(total) > FIRST_TOTAL
}
