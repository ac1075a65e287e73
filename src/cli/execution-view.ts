import { formatDuration } from '../core/duration.ts'
import type { Execution, StepRecord } from '../runbook/execution.ts'
import { table } from './output.ts'

/** A sign and a word: colour is never the only signal. */
const SIGNS: Readonly<Record<StepRecord['status'], string>> = {
  notStarted: '○',
  running: '▶',
  pendingApproval: '?',
  completed: '✔',
  failed: '✘',
  skipped: '–',
  canceled: '–',
  undone: '↶',
}

const GATES = {
  harm: 'harm gate: customers feel what comes next',
  oneWay: 'one-way gate: what comes next cannot be undone',
  manual: 'a person has to do this, and then confirms it',
} as const

/** One line a step, with how long it took: for `execution show` and as steps end. */
export function stepLine(step: StepRecord, now: Date): string {
  const seconds = stepSeconds(step, now)
  const took = seconds === undefined ? '' : formatDuration(seconds)
  const sign = isUnknown(step) ? UNKNOWN : SIGNS[step.status]
  return `  ${sign} ${step.title.padEnd(54)} ${took.padStart(7)}  ${stepNote(step)}`.trimEnd()
}

/** It ended well, and nothing looked at what it has reached: never a tick (I10). */
const isUnknown = ({ status, unproven }: StepRecord) =>
  status === 'completed' && unproven !== undefined

const UNKNOWN = '~'

/** How long the attempts took together; undefined for one that never began. */
export function stepSeconds(step: StepRecord, now: Date): number | undefined {
  if (step.attempts.length === 0) return undefined
  const ms = step.attempts.reduce(
    (sum, { startedAt, endedAt }) => sum + (endedAt ?? now).getTime() - startedAt.getTime(),
    0,
  )
  return Math.max(0, ms / 1_000)
}

function stepNote(step: StepRecord): string {
  if (isUnknown(step)) return `unknown: ${step.unproven}`
  if (step.status === 'failed') return step.attempts.at(-1)?.error?.message ?? 'failed'
  if (step.status === 'skipped') return `skipped: ${step.reason ?? 'no reason given'}`
  if (step.status === 'undone' || step.status === 'canceled') return step.status
  if (step.status === 'pendingApproval' && step.gate) return GATES[step.gate.kind]
  if (step.status === 'running' && step.progress) return progressText(step.progress)
  return ''
}

function progressText({ message, fraction }: { message: string; fraction?: number }): string {
  return fraction === undefined ? message : `${message} ${Math.floor(fraction * 100)} %`
}

/** The gate's question with what approval will cost, for whoever has to decide. */
export function gateText(step: StepRecord): string[] {
  if (!step.gate) return []
  return [`${step.title}: ${GATES[step.gate.kind]}`, ...step.gate.cost.map((line) => `  • ${line}`)]
}

/** Everything about one execution that an operator wants to see at once. */
export function describeExecution(execution: Execution, now: Date): string {
  const { id, runbook, owns, status, verdict, startedAt, endedAt, steps } = execution
  const elapsed = formatDuration(((endedAt ?? now).getTime() - startedAt.getTime()) / 1_000)
  const next = nextCommand(execution)
  return [
    `${runbook}${owns ? ` of ${owns}` : ''}   ${status}, ${verdict}   ${elapsed}`,
    `${id}   started ${startedAt.toISOString()}`,
    ...steps.flatMap((step) => [
      stepLine(step, now),
      ...(step.status === 'pendingApproval'
        ? gateText(step)
            .slice(1)
            .map((line) => `  ${line}`)
        : []),
    ]),
    ...(next ? ['', `next: ${next}`] : []),
  ].join('\n')
}

/** What an operator would type now; undefined when nothing waits for one. */
export function nextCommand({ id, status, steps }: Execution): string | undefined {
  switch (status) {
    case 'pendingApproval': {
      const waiting = steps.find((step) => step.status === 'pendingApproval')
      if (waiting?.gate?.kind !== 'manual') return `lifeboat execution approve ${id}`
      return `lifeboat execution confirm ${id} ${waiting.name}`
    }
    case 'pausedByFailedStep':
      return `lifeboat execution retry ${id}, skip ${id} --reason WHY, or cancel ${id}`
    case 'pausedByOperator':
    case 'interrupted':
      return `lifeboat execution resume ${id}`
    default:
      return undefined
  }
}

/** Executions as a table, the latest first. */
export function listExecutions(executions: readonly Execution[], now: Date): string {
  if (executions.length === 0) return 'no executions yet'
  const rows = executions.map(({ id, runbook, owns, status, verdict, startedAt, endedAt }) => [
    id,
    runbook,
    owns ?? '',
    status,
    verdict,
    startedAt.toISOString(),
    formatDuration(((endedAt ?? now).getTime() - startedAt.getTime()) / 1_000),
  ])
  return table(['id', 'runbook', 'workload', 'status', 'verdict', 'started', 'took'], rows)
}
