import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Delivery } from '../../probe/post.ts'
import type { StateDatabase } from '../../runbook/state-database.ts'
import { type Reveal, send } from './send.ts'
import { type Update, Updates } from './updates.ts'

/** How long a process that ends waits for what it has begun to tell. */
const CLOSE_MS = 15_000

export interface OutboxOptions {
  readonly database: StateDatabase
  /** Secrets of targets, by the region of Secrets Manager. */
  readonly reveal: (region: string) => Reveal
  readonly clock: Clock
  readonly say: (line: string) => void
}

/** Sends what goes out by itself: to each target one update after the other, to all of them side by side. */
export class Outbox {
  /** What is on its way to each target. */
  readonly #queues = new Map<string, Promise<void>>()
  #opened: Promise<Updates> | undefined
  #isOver = false

  constructor(private readonly o: OutboxOptions) {}

  /** Opened when something is first to be told. @throws LifeboatError `StateUnreachable` */
  updates(): Promise<Updates> {
    this.#opened ??= Updates.open(this.o.database).catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  /** Begins to send what is due of a subject. */
  async sendDue(subject: string): Promise<void> {
    const list = await (await this.updates()).list(subject)
    for (const target of new Set(
      list.flatMap(({ audience }) => audience.targets.map(({ name }) => name)),
    )) {
      const due = list.filter(({ deliveries }) =>
        deliveries.some((one) => one.target === target && one.state === 'due'),
      )
      const before = this.#queues.get(target)
      this.#queues.set(target, this.contained(target, this.#send(target, due, before)))
    }
  }

  async #send(target: string, due: readonly Update[], before: Promise<void> | undefined) {
    const { clock, say, reveal } = this.o
    await before
    for (const update of due) {
      if (this.#isOver) return
      const around = {
        updates: await this.updates(),
        reveal: reveal(update.audience.region),
        clock,
      }
      const became = await deliver(update, target, { ...around, by: 'the file' })
      if (became) say(deliveryLine(update, target, became))
    }
  }

  /**
   * Waits for what is on its way, but not for long: what is then still due is listed as such, and goes out when the execution
   * is resumed or a person sends it.
   */
  async close(): Promise<void> {
    const waited = new AbortController()
    const patience = this.o.clock.sleep(CLOSE_MS, waited.signal).then(
      () => undefined,
      () => undefined,
    )
    const sent = Promise.all(this.#queues.values())
    await Promise.race([sent, patience])
    waited.abort()
    this.#isOver = true
    // Each has its own time, and what became of it is worth knowing.
    await sent
  }

  /** Whatever goes wrong with telling people is said, and stays here. */
  async contained(about: string, work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (error) {
      const why = error instanceof LifeboatError ? error.message : 'something unforeseen'
      this.o.say(`? notifications of ${about}: ${why}`)
    }
  }
}

/** One line that says what became of an update at a target. */
function deliveryLine(
  { headline }: Pick<Update, 'headline'>,
  target: string,
  { state, reason }: Delivery,
): string {
  const words = { sent: '✔ told', failed: '✘ not told', unknown: '? perhaps told' }[state]
  return `${words}: ${target}${reason ? `, ${reason}` : ''}: ${headline}`
}

/**
 * Sends an update to a target unless that was done, or is being done; what becomes of it is written before and after.
 *
 * @param o.over  states in which a person tries again
 * @returns undefined when it was not for us to send
 */
export async function deliver(
  update: Update,
  name: string,
  o: {
    updates: Updates
    reveal: Reveal
    clock: Clock
    by: string
    over?: readonly ('failed' | 'unknown')[]
  },
): Promise<Delivery | undefined> {
  const target = update.audience.targets.find((one) => one.name === name)
  if (!target || !(await o.updates.claim(update.id, target, o.by, o.over))) return undefined
  const became = await send(update, target, o)
  await o.updates.settle(update.id, target.name, became)
  return became
}
