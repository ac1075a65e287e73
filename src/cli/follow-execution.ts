import type { Clock } from '../core/clock.ts'
import { formatDuration } from '../core/duration.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Execution, ExecutionsApi, StepRecord } from '../runbook/execution.ts'
import { gateText, stepLine, stepSeconds } from './execution-view.ts'
import { LiveLine } from './live-line.ts'
import type { Output } from './output.ts'

const LOOK_EVERY_MS = 150

/** What an operator answers at a gate. */
export type GateAnswer = 'approve' | 'later' | 'cancel'

export interface FollowOptions {
  readonly output: Output
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly by: string
  /** Asked once for every gate that is reached. */
  readonly askAtGate: (step: StepRecord) => Promise<GateAnswer>
}

/**
 * Shows an execution as it goes on, asks at its gates, and returns when it has ended or waits for an
 * operator. Interrupting ends only the watching.
 */
export async function followExecution(
  api: ExecutionsApi,
  id: string,
  o: FollowOptions,
): Promise<Execution> {
  const live = new LiveLine(o.output, o.clock)
  const shown = new Map<string, string>()
  const answered = new Set<string>()
  const troubles = new Troubles(api, id, o.clock.now())
  try {
    for (;;) {
      const execution = await api.get(id)
      live.clear()
      for (const text of troubles.take()) o.output.say(`  ! ${text}`)
      showChanges(execution, shown, o)
      const gate = execution.steps.find((step) => step.status === 'pendingApproval')
      if (gate && !answered.has(gate.name)) {
        answered.add(gate.name)
        for (const line of gateText(gate)) o.output.say(`  ${line}`)
        const answer = await o.askAtGate(gate)
        if (answer === 'approve') await api.approve(id, { by: o.by, step: gate.name })
        if (answer === 'cancel') await api.cancel(id, { by: o.by })
        if (answer === 'later') return await api.get(id)
        continue
      }
      if (isAtRest(execution)) return execution
      live.show(runningText(execution, o.clock.now()))
      await o.clock.sleep(LOOK_EVERY_MS, o.signal)
    }
  } finally {
    live.clear()
    await troubles.end()
  }
}

/** What keeps an execution from going on although no step has failed. */
const TROUBLES = new Set(['lockSilent', 'lockLost'])

/** Hears of troubles that come up from a moment on. */
class Troubles {
  readonly #ending = new AbortController()
  readonly #hearing: Promise<void>
  #heard: string[] = []

  constructor(
    private readonly api: ExecutionsApi,
    id: string,
    since: Date,
  ) {
    this.#hearing = this.#hear(id, since)
    // Whoever ends it hears of its failure.
    this.#hearing.catch(() => 'thrown by end')
  }

  /** Those that nobody has taken yet. */
  take(): string[] {
    const heard = this.#heard
    this.#heard = []
    return heard
  }

  async end(): Promise<void> {
    this.#ending.abort()
    await this.#hearing
  }

  async #hear(id: string, since: Date): Promise<void> {
    const { signal } = this.#ending
    try {
      for await (const { at, kind, text } of this.api.watch(id, signal)) {
        if (at >= since && TROUBLES.has(kind)) this.#heard.push(text)
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof LifeboatError)) throw error
      this.#heard.push(`what keeps it from going on can no longer be heard: ${error.message}`)
    }
  }
}

const ENDED_STEP = new Set(['completed', 'failed', 'skipped', 'canceled', 'undone'])

function showChanges(execution: Execution, shown: Map<string, string>, o: FollowOptions): void {
  for (const step of execution.steps) {
    const seen = `${step.status} ${step.attempts.length}`
    if (!ENDED_STEP.has(step.status) || shown.get(step.name) === seen) continue
    shown.set(step.name, seen)
    o.output.say(stepLine(step, o.clock.now()))
  }
}

function isAtRest({ status }: Execution): boolean {
  return status !== 'running' && status !== 'pendingApproval'
}

/** What runs at this moment, with an estimate of when it ends where the step tells how far it is. */
function runningText({ steps }: Execution, now: Date): string {
  return steps
    .filter((step) => step.status === 'running')
    .map((step) => {
      const seconds = stepSeconds(step, now) ?? 0
      const { message, fraction } = step.progress ?? { message: '' }
      const percent = fraction === undefined ? '' : ` ${Math.floor(fraction * 100)} %`
      const eta =
        fraction && fraction > 0.05 && fraction < 1 && seconds > 1
          ? `, about ${formatDuration(Math.ceil((seconds / fraction) * (1 - fraction)))} left`
          : ''
      const detail = message || percent ? `: ${message}${percent}` : ''
      return `${step.title}${detail} (${formatDuration(Math.floor(seconds))}${eta})`
    })
    .join(' · ')
}
