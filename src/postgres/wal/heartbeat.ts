import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { Connection } from '../wire/connection.ts'
import type { ConnectionTarget } from '../wire/connection-target.ts'
import { ServerError } from '../wire/server-error.ts'

const PERIOD_MS = 1_000
const ANSWER_MS = 5_000

/**
 * Commits something once a second: a server may be idle, or write for hours without a commit.
 *
 * A commit with a time is all that it takes to promise that moment. It waits for nobody: not for a synchronous standby, which
 * may be the very archive that waits for the commit.
 */
export class Heartbeat {
  readonly #ending = new AbortController()
  readonly #beating: Promise<void>
  #connection: Connection | undefined

  constructor(
    private readonly source: ConnectionTarget,
    private readonly clock: Clock,
  ) {
    this.#beating = this.#keepBeating()
  }

  /** Ends at once, also when the server does not answer. */
  async close(): Promise<void> {
    this.#ending.abort(new Error('the heartbeat was ended'))
    this.#connection?.destroy()
    await this.#beating
  }

  async #keepBeating(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      try {
        await this.#beat(signal)
        await this.clock.sleep(PERIOD_MS, signal)
      } catch (error) {
        this.#connection?.destroy()
        this.#connection = undefined
        if (signal.aborted) return
        // The stream notices a lost server by itself; a heartbeat only has to try again.
        if (!(error instanceof LifeboatError) && !(error instanceof ServerError)) throw error
        await this.clock.sleep(PERIOD_MS, signal).catch((reason: unknown) => {
          if (reason !== signal.reason) throw reason
        })
      }
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const o = { timeoutMs: ANSWER_MS }
    if (!this.#connection) {
      const target = { ...this.source, applicationName: 'lifeboat-heartbeat' }
      this.#connection = await Connection.open(target, { signal })
      await this.#connection.query('set synchronous_commit = local', o)
    }
    await this.#connection.query("select pg_logical_emit_message(true, 'lifeboat', '')", o)
  }
}
