import { LifeboatError } from '../core/errors.ts'
import type { ExecutionRecord } from './record.ts'
import { stepOf } from './rules.ts'
import type { Json, Runbook, Step } from './runbook.ts'

/**
 * Outputs of the steps that a step comes after, directly or not, by name. Of one that has none, asking says why.
 *
 * @throws LifeboatError `StepFailed` on reading the output of a step that was skipped
 */
export function outputsBefore(
  runbook: Runbook,
  step: Step,
  record: ExecutionRecord,
): Record<string, Json> {
  const known: Record<string, Json> = {}
  const missing = new Map<string, string>()
  const before = ancestors(runbook, step)
  for (const { name } of runbook.steps) {
    const { status, output, reason } = stepOf(record, name)
    if (!before.has(name)) missing.set(name, `'${step.name}' does not come after '${name}'`)
    else if (status === 'completed') known[name] = output ?? null
    else missing.set(name, `'${name}' has no output: it is ${status}${reason ? `, ${reason}` : ''}`)
  }
  return new Proxy(known, {
    get(target, name) {
      const why = typeof name === 'string' ? missing.get(name) : undefined
      if (why === undefined) return Reflect.get(target, name)
      throw new LifeboatError('StepFailed', `step '${step.name}' cannot go on: ${why}`, {
        hint: 'Skip this step too, with a reason, or cancel the execution.',
      })
    },
  })
}

function ancestors(runbook: Runbook, { after }: Step): Set<string> {
  const found = new Set<string>()
  const visit = (names: readonly string[]) => {
    for (const name of names) {
      if (found.has(name)) continue
      found.add(name)
      visit(runbook.steps.find((step) => step.name === name)!.after)
    }
  }
  visit(after)
  return found
}
