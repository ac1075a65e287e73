import { formatDuration } from '../../core/duration.ts'
import { type Execution, hasEnded, type StepRecord } from '../../runbook/execution.ts'
import type { RecoveryReport } from '../report.ts'
import type { EXECUTION_PHASES } from './schema.ts'
import type { Draft } from './updates.ts'

type ExecutionPhase = (typeof EXECUTION_PHASES)[number]

/** A moment of an execution of which people are told. */
export interface Occasion {
  /** Tells it from every other of the execution, also in another process. */
  readonly name: string
  readonly phase: ExecutionPhase
  readonly at: Date
  readonly step?: StepRecord
}

/** Every such moment of an execution, as its record shows them, in their order. */
export function occasionsOf(execution: Execution): Occasion[] {
  const { startedAt, endedAt, status, steps } = execution
  const asked = steps.flatMap((step): Occasion[] =>
    step.gate ? [{ name: `gate ${step.name}`, phase: 'gate', at: step.gate.askedAt, step }] : [],
  )
  const failed = steps.flatMap((step): Occasion[] => {
    const { endedAt: at = startedAt } = lastTry(step) ?? {}
    if (step.status !== 'failed') return []
    const number = step.attempts.length + (step.undoAttempts?.length ?? 0)
    return [{ name: `failed ${step.name} ${number}`, phase: 'failed', at, step }]
  })
  const ended: Occasion[] = hasEnded(execution)
    ? [{ name: 'ended', phase: endPhase(status), at: endedAt ?? startedAt }]
    : []
  const inBetween = [...asked, ...failed].sort((a, b) => a.at.getTime() - b.at.getTime())
  return [{ name: 'started', phase: 'started', at: startedAt }, ...inBetween, ...ended]
}

function endPhase(status: Execution['status']): ExecutionPhase {
  if (status === 'failed') return 'failed'
  return status === 'canceled' ? 'canceled' : 'completed'
}

const lastTry = ({ attempts, undoAttempts }: StepRecord) => undoAttempts?.at(-1) ?? attempts.at(-1)

/**
 * A stakeholder update: what happened, since when, what is being done, what is lost as far as known, and when the next one
 * comes. It is a draft: whoever approves it has read it.
 *
 * @param now  when it is drafted, which may be long after the occasion
 */
export function draftOf(
  execution: Execution,
  occasion: Occasion,
  { report, title, now }: { report: RecoveryReport; title: string; now: Date },
): Draft {
  const { phase, at } = occasion
  const { workload } = report
  const running = formatDuration(Math.max(0, Math.round((+at - +execution.startedAt) / 1000)))
  const isLate = +now - +at > 60_000
  return {
    phase,
    at: at.toISOString(),
    headline: `${report.world === 'embedded' ? '[rehearsal] ' : ''}${workload}: ${title}: ${WORDS[phase]}`,
    lines: [
      `What happened: ${whatHappened(occasion, execution)}`,
      `Since: ${execution.startedAt.toISOString()}, ${running} before this`,
      `Being done: ${beingDone(execution, occasion)}`,
      `Lost: ${lostWords(report)}`,
      `Next update: ${NEXT[phase]}`,
      ...(isLate ? [`Drafted late, at ${now.toISOString()}; this is of ${at.toISOString()}.`] : []),
      `Execution: ${execution.id}`,
    ],
    facts: {
      ...{ workload, execution: execution.id, runbook: execution.runbook, world: report.world },
      status: execution.status,
      verdict: execution.verdict,
      step: occasion.step?.name ?? null,
      startedAt: execution.startedAt.toISOString(),
      lostWrites: report.dataLoss.writes,
      announcedLostWrites: report.announcedLoss?.writes ?? null,
      announcedLostSeconds: report.announcedLoss?.seconds ?? null,
    },
  }
}

const WORDS: Readonly<Record<ExecutionPhase, string>> = {
  started: 'started',
  gate: 'waits for a decision',
  completed: 'completed',
  failed: 'needs help',
  canceled: 'canceled and undone',
}

const NEXT: Readonly<Record<ExecutionPhase, string>> = {
  started: 'at the next decision, failure or end',
  gate: 'when it was decided and more is known',
  completed: 'none: this was the last',
  failed: 'when a person has decided how it goes on, unless it has ended',
  canceled: 'none: this was the last',
}

function whatHappened({ phase, step }: Occasion, { status, verdict }: Execution): string {
  if (phase === 'gate' && step) return `a person is asked: ${step.title}`
  if (phase === 'failed' && step) {
    return `${step.title}: ${lastTry(step)?.error?.message ?? 'failed'}`
  }
  if (phase === 'completed') return `the recovery has ended: ${status}, ${verdict}`
  if (phase === 'failed') return `the recovery has failed: ${verdict}`
  return phase === 'canceled' ? 'a person stopped the recovery' : 'a recovery was started'
}

function beingDone(execution: Execution, { phase, step }: Occasion): string {
  if (phase === 'gate' && step?.gate) return `nothing until then; ${step.gate.cost.join('; ')}`
  const running = execution.steps.filter(({ status }) => status === 'running')
  if (running.length > 0) return running.map(({ title }) => title).join('; ')
  if (hasEnded(execution)) return 'nothing any more'
  if (phase === 'failed') return 'nothing until a person decides'
  const next = execution.steps.find(({ status }) => status === 'notStarted')
  return next?.title ?? 'nothing at this moment'
}

function lostWords({ dataLoss, announcedLoss }: RecoveryReport): string {
  if (dataLoss.writes !== null) {
    return `${dataLoss.writes} acknowledged writes, counted`
  }
  if (!announcedLoss) return 'not known yet'
  const { writes, seconds } = announcedLoss
  const of = seconds === null ? 'an unknown time' : `the last ${formatDuration(seconds)}`
  return `${writes === null ? 'writes' : `${writes} writes`} of ${of}, as announced and not yet counted`
}
