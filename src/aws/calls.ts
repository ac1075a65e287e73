import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { type CallFate, fateOf, refusal, unreachable } from './faults.ts'

const READ_ATTEMPTS = 4
const READ_BACK_MS = 10_000
const READ_BACK_EVERY_MS = 500

/**
 * The one place that decides whether an AWS call is sent again.
 *
 * A read may be repeated. A change is repeated only when it cannot have been carried out; when its
 * outcome is unknown it is read back, never repeated blindly nor called failed (I4).
 */
export class Calls {
  constructor(
    readonly region: string,
    private readonly clock: Clock,
  ) {}

  /**
   * A call without effect.
   *
   * @param what  completes "could not …": `describe 'shop-db'`
   * @throws LifeboatError `CallRefused`, `ResourceNotFound`, `CredentialsRefused`, `RegionUnreachable`
   */
  async read<Answer>(what: string, send: () => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send()
      } catch (error) {
        const fate = fateOf(error)
        if (fate === 'refused') throw refusal(what, error)
        if (attempt === READ_ATTEMPTS) throw this.#givenUp(what, fate, error)
        await this.#backOff(attempt)
      }
    }
  }

  /**
   * A call with an effect that does no harm when it happens twice: one without an answer is sent again.
   *
   * @throws LifeboatError as `read` does
   */
  repeat<Answer>(what: string, send: () => Promise<Answer>): Promise<Answer> {
    return this.read(what, send)
  }

  /**
   * A call of which nobody can find out whether it has had its effect: it is sent again only when AWS did not look at it.
   *
   * @throws LifeboatError as `read` does, and `OutcomeUnknown` when no usable answer came
   */
  once<Answer>(what: string, send: () => Promise<Answer>): Promise<Answer> {
    return this.#change(what, send, async (unanswered) => {
      throw outcomeUnknown(what, unanswered, 'Find out what it has done before it is called again.')
    })
  }

  /**
   * A call with an effect.
   *
   * @param readBack  finds the effect; undefined when it is not (yet) there
   * @throws LifeboatError as `read` does, and `OutcomeUnknown` when no effect could be read back
   */
  change<Answer>(
    what: string,
    send: () => Promise<Answer>,
    readBack: () => Promise<Answer | undefined>,
  ): Promise<Answer> {
    return this.#change(what, send, (unanswered) => this.#readBack(what, unanswered, readBack))
  }

  async #change<Answer>(
    what: string,
    send: () => Promise<Answer>,
    settle: (unanswered: unknown) => Promise<Answer>,
  ): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send()
      } catch (error) {
        const fate = fateOf(error)
        if (fate === 'refused') throw refusal(what, error)
        if (fate === 'unknown') return settle(error)
        if (attempt === READ_ATTEMPTS) throw this.#givenUp(what, fate, error)
        await this.#backOff(attempt)
      }
    }
  }

  async #readBack<Answer>(
    what: string,
    unanswered: unknown,
    readBack: () => Promise<Answer | undefined>,
  ): Promise<Answer> {
    const deadline = this.clock.monotonicMs() + READ_BACK_MS
    do {
      try {
        const effect = await readBack()
        if (effect !== undefined) return effect
      } catch (error) {
        if (!(error instanceof LifeboatError) || error.code !== 'RegionUnreachable') throw error
      }
      await this.clock.sleep(READ_BACK_EVERY_MS)
    } while (this.clock.monotonicMs() < deadline)

    const hint = 'Look at the resource, then retry: the step describes before it acts.'
    throw outcomeUnknown(what, unanswered, hint)
  }

  #givenUp(what: string, fate: CallFate, error: unknown): LifeboatError {
    return fate === 'throttled' ? refusal(what, error) : unreachable(what, this.region, error)
  }

  #backOff(attempt: number): Promise<void> {
    return this.clock.sleep(150 * 2 ** (attempt - 1))
  }
}

function outcomeUnknown(what: string, cause: unknown, hint: string): LifeboatError {
  return new LifeboatError(
    'OutcomeUnknown',
    `it is not known whether the call to ${what} was carried out`,
    { hint, cause },
  )
}
