import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Delivery } from '../../probe/post.ts'
import { type Execution, type ExecutionsApi, hasEnded } from '../../runbook/execution.ts'
import { isUnreachable } from '../../runbook/state-database.ts'
import type { RecoveryReport } from '../report.ts'
import type { Workload } from '../workload.ts'
import { draftOf, occasionsOf } from './draft.ts'
import { type Reveal, send } from './send.ts'
import { audienceOf, type Update, type Updates } from './updates.ts'

/** How long a process that ends waits for what it has begun to tell. */
const CLOSE_MS = 15_000
const AWAY_MS = 1_000

export interface NotifierOptions {
  /** Opened when something is first to be told. */
  readonly updates: () => Promise<Updates>
  readonly executions: Pick<ExecutionsApi, 'get' | 'waitFor'>
  /** Secrets of targets, for what is about this workload. */
  readonly reveal: (region: string) => Reveal
  readonly report: (execution: Execution) => RecoveryReport
  readonly title: (runbook: string) => string
  readonly clock: Clock
  readonly say: (line: string) => void
}

/**
 * Drafts an update at each phase of the executions that this process executes, and sends those that the workload file lets go
 * out by themselves.
 *
 * It stands beside the recovery: it reads what was recorded, takes no lock, and nothing that it meets stops anything but itself.
 */
export class Notifier {
  readonly #closing = new AbortController()
  readonly #following = new Map<string, Promise<void>>()
  /** What is on its way to each target, one after the other. */
  readonly #queues = new Map<string, Promise<void>>()
  #opened: Promise<Updates> | undefined
  #isOver = false

  constructor(private readonly o: NotifierOptions) {}

  /** Follows an execution to its end. Once is enough. */
  follow(id: string): void {
    if (this.#following.has(id) || this.#closing.signal.aborted) return
    this.#following.set(id, this.#contained(id, this.#follow(id)))
  }

  /**
   * Tells what has happened until now, and waits for what is on its way, but not for long: what is then still due is listed as
   * such, and goes out when the execution is resumed or a person sends it.
   */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#following.values())
    for (const id of this.#following.keys()) await this.#contained(id, this.#look(id))
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

  async #follow(id: string): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        const seen = await this.#look(id)
        if (hasEnded(seen)) return
        const known = new Set(occasionsOf(seen).map(({ name }) => name))
        const hasMore = (now: Execution) => occasionsOf(now).some(({ name }) => !known.has(name))
        await this.o.executions.waitFor(id, hasMore, signal)
      } catch (error) {
        if (signal.aborted) return
        if (!isUnreachable(error)) throw error
        await this.o.clock.sleep(AWAY_MS)
      }
    }
  }

  /** Drafts what has none yet, and begins to send what is due. */
  async #look(id: string): Promise<Execution> {
    const { executions, report, title, clock } = this.o
    const updates = await this.#updates()
    const execution = await executions.get(id)
    const { workload } = execution.input as { workload: Workload }
    const drafted = await updates.occasionsOf(id)
    for (const occasion of occasionsOf(execution)) {
      if (drafted.has(occasion.name)) continue
      const about = { report: report(execution), title: title(execution.runbook), now: clock.now() }
      const draft = draftOf(execution, occasion, about)
      await updates.add(id, occasion.name, { draft, audience: audienceOf(workload, draft.phase) })
    }
    this.#sendDue(updates, await updates.list(id))
    return execution
  }

  #updates(): Promise<Updates> {
    this.#opened ??= this.o.updates().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  #sendDue(updates: Updates, list: readonly Update[]): void {
    const { clock, say, reveal } = this.o
    const targets = new Set(
      list.flatMap(({ audience }) => audience.targets.map(({ name }) => name)),
    )
    for (const target of targets) {
      const due = list.filter(({ deliveries }) =>
        deliveries.some((one) => one.target === target && one.state === 'due'),
      )
      const before = this.#queues.get(target)
      const sending = async () => {
        await before
        for (const update of due) {
          if (this.#isOver) return
          const around = { updates, reveal: reveal(update.audience.region), clock, by: 'the file' }
          const became = await deliver(update, target, around)
          if (became) say(deliveryLine(update, target, became))
        }
      }
      this.#queues.set(target, this.#contained(target, sending()))
    }
  }

  /** Whatever goes wrong here is said, and stays here. */
  async #contained(about: string, work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (error) {
      const why = error instanceof LifeboatError ? error.message : 'something unforeseen'
      this.o.say(`? notifications of ${about}: ${why}`)
    }
  }
}

/** One line that says what became of an update at a target. */
export function deliveryLine(
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
