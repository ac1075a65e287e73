import type { Clock } from '../../core/clock.ts'
import type { CheckResult } from '../checks.ts'
import type { Workload } from '../workload.ts'
import type { Outbox } from './outbox.ts'
import type { WATCH_PHASES } from './schema.ts'
import { audienceOf } from './updates.ts'

type WatchPhase = (typeof WATCH_PHASES)[number]

/** The subject of what a watch tells. */
export function watchSubject({ name }: Pick<Workload, 'name'>): string {
  return `watch-${name}`
}

/**
 * Tells people what a watch sees, once for each change: what was told is remembered, so that neither a watch that is started
 * again nor a second one beside it tells it again.
 */
export class WatchNotices {
  readonly #last = new Map<string, string>()
  #work: Promise<void> = Promise.resolve()

  constructor(
    private readonly o: {
      readonly workload: Workload
      readonly outbox: Outbox
      readonly clock: Clock
    },
  ) {}

  /** A check that is unknown is neither red nor green, and nothing to wake anybody for. */
  checks(results: readonly CheckResult[]): void {
    for (const { check, state, reason = 'it fails' } of results) {
      if (state === 'failed')
        this.#see(`check ${check}`, 'red', ['check-red', `${check}: ${reason}`])
      if (state === 'passed')
        this.#see(`check ${check}`, 'green', ['check-green', `${check} holds`])
    }
  }

  /** Shadow mode: nothing was started, and nothing is decided. */
  region(isLost: boolean, because: string): void {
    this.#see('region', isLost ? 'lost' : 'well', isLost ? ['region-lost', because] : undefined)
  }

  /** @param failover  the execution that left the debt */
  fenceDebt(failover: string, isPaid: boolean, text: string): void {
    this.#see(`fence-debt ${failover}`, isPaid ? 'paid' : 'open', ['fence-debt', text])
  }

  /** Waits for what is on its way, as `Outbox.close` does. */
  async close(): Promise<void> {
    await this.#work
    await this.o.outbox.close()
  }

  #see(what: string, state: string, notice: readonly [WatchPhase, string] | undefined): void {
    if (this.#last.get(what) === state) return
    this.#last.set(what, state)
    const before = this.#work
    const { outbox } = this.o
    const told = async () => {
      await before
      await this.#tell(what, state, notice)
    }
    this.#work = outbox.contained(watchSubject(this.o.workload), told())
  }

  async #tell(what: string, state: string, notice: readonly [WatchPhase, string] | undefined) {
    const { workload, outbox, clock } = this.o
    const updates = await outbox.updates()
    const was = await updates.see(workload.name, what, state)
    // What was never seen before and is well is no news.
    if (was === state || !notice || (was === undefined && state === 'green')) return
    const [phase, text] = notice
    const at = clock.now().toISOString()
    const draft = {
      ...{ phase, at, headline: `${workload.name}: ${WORDS[phase]}` },
      lines: [`What happened: ${text}`, `Since: ${at}`, `Being done: ${DOING[phase]}`],
      facts: { workload: workload.name, what, state },
    }
    const subject = watchSubject(workload)
    const audience = audienceOf(workload, phase)
    await updates.add(subject, `${what} ${state} ${at}`, { draft, audience })
    await outbox.sendDue(subject)
  }
}

const WORDS: Readonly<Record<WatchPhase, string>> = {
  'check-red': 'a check is red',
  'check-green': 'a check is green again',
  'region-lost': 'its region is lost, as far as can be seen',
  'fence-debt': 'an old database is not proven fenced',
}

const DOING: Readonly<Record<WatchPhase, string>> = {
  'check-red': 'nothing by itself, unless the watch was told to start a recovery',
  'check-green': 'nothing any more',
  'region-lost': 'nothing by itself: a person decides with lifeboat runbook run region-failure',
  'fence-debt': 'the watch fences it the moment that it answers',
}
