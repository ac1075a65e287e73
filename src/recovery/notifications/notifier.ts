import type { Clock } from '../../core/clock.ts'
import { type Execution, type ExecutionsApi, hasEnded } from '../../runbook/execution.ts'
import { isUnreachable } from '../../runbook/state-database.ts'
import type { RecoveryReport } from '../report.ts'
import type { Workload } from '../workload.ts'
import { draftOf, occasionsOf } from './draft.ts'
import type { Outbox } from './outbox.ts'
import { audienceOf } from './updates.ts'

const AWAY_MS = 1_000

export interface NotifierOptions {
  readonly outbox: Outbox
  readonly executions: Pick<ExecutionsApi, 'get' | 'waitFor'>
  readonly report: (execution: Execution) => RecoveryReport
  readonly title: (runbook: string) => string
  readonly clock: Clock
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

  constructor(private readonly o: NotifierOptions) {}

  /** Follows an execution to its end. Once is enough. */
  follow(id: string): void {
    if (this.#following.has(id) || this.#closing.signal.aborted) return
    this.#following.set(id, this.o.outbox.contained(id, this.#follow(id)))
  }

  /** Tells what has happened until now, and waits for it as `Outbox.close` does. */
  async close(): Promise<void> {
    const { outbox } = this.o
    this.#closing.abort()
    await Promise.all(this.#following.values())
    for (const id of this.#following.keys()) await outbox.contained(id, this.#look(id))
    await outbox.close()
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
    const { outbox, executions, report, title, clock } = this.o
    const updates = await outbox.updates()
    const execution = await executions.get(id)
    const { workload } = execution.input as { workload: Workload }
    const drafted = await updates.occasionsOf(id)
    for (const occasion of occasionsOf(execution)) {
      if (drafted.has(occasion.name)) continue
      const about = { report: report(execution), title: title(execution.runbook), now: clock.now() }
      const draft = draftOf(execution, occasion, about)
      await updates.add(id, occasion.name, { draft, audience: audienceOf(workload, draft.phase) })
    }
    await outbox.sendDue(id)
    return execution
  }
}
