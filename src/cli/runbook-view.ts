import { formatDuration } from '../core/duration.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Runbook, Step } from '../runbook/runbook.ts'

/** @throws LifeboatError `RunbookNotFound` naming those that there are */
export function findRunbook(runbooks: readonly Runbook[], name: string): Runbook {
  const found = runbooks.find((runbook) => runbook.name === name)
  if (found) return found
  throw new LifeboatError('RunbookNotFound', `there is no runbook '${name}'`, {
    hint: `Choose one of: ${runbooks.map((runbook) => runbook.name).join(', ')}.`,
  })
}

/** The whole list, as it would run. */
export function describeRunbook({ name, title, description, steps }: Runbook): string {
  return [`${name}: ${title}`, description, '', ...steps.flatMap(describeStep)].join('\n')
}

function describeStep(step: Step, index: number): string[] {
  const { name, title, after, gate, deadlineSeconds, onDeadline, notes = [] } = step
  const undo =
    typeof step.undo === 'function' ? 'is undone by cancel' : `no undo: ${step.undo.noUndo}`
  const afterWhat = after.length > 0 ? `after ${after.join(', ')}` : 'at once'
  return [
    ...(gate ? [`    ── ${GATES[gate.kind]}: asks before ${name} ──`] : []),
    `${String(index + 1).padStart(3)} ${title}`,
    `      ${name}, ${afterWhat}; within ${formatDuration(deadlineSeconds)}, else ${onDeadline}; ${undo}`,
    ...notes.map((note) => `      ${note}`),
  ]
}

const GATES = {
  harm: 'harm gate',
  oneWay: 'one-way gate',
  manual: 'a person has to do this',
} as const

/** A runbook as `--json` shows it. */
export function runbookAsJson({ name, title, description, steps }: Runbook) {
  const shown = steps.map((step) => ({
    name: step.name,
    title: step.title,
    after: step.after,
    phase: step.phase,
    gate: step.gate?.kind ?? null,
    deadlineSeconds: step.deadlineSeconds,
    onDeadline: step.onDeadline,
    unproven: step.unproven ?? null,
    notes: step.notes ?? [],
    undo: typeof step.undo === 'function' ? true : step.undo.noUndo,
  }))
  return { name, title, description, steps: shown }
}
