import { LifeboatError } from '../core/errors.ts'
import type { Runbook } from '../runbook/runbook.ts'

/** What a failover does, in the only order in which it may (I5): each of them after those before it. */
const ORDER = ['pin-dns', 'fence', 'bound-loss', 'promote', 'services', 'verify', 'dns'] as const

/**
 * Checks a plan that leaves a region: no step may be lost with that region or with what all regions share, and nothing may be done
 * before what has to come first.
 *
 * @returns the plan
 * @throws LifeboatError `InvalidUsage` naming the step and what is wrong with it
 */
export function checkedPlan<Input, Tools>(plan: Runbook<Input, Tools>): Runbook<Input, Tools> {
  for (const { name, needs } of plan.steps) {
    if (!needs) throw refused(plan, `'${name}' does not say what it reaches`)
    const lost = needs.find(
      ({ where, plane, without }) =>
        without === undefined &&
        (where === 'primary' || (where === 'global' && plane === 'control')),
    )
    if (lost) {
      throw refused(plan, `'${name}' cannot do without ${lost.api} of what is lost (${lost.where})`)
    }
  }
  const present = ORDER.filter((name) => plan.steps.some((step) => step.name === name))
  for (const [i, later] of present.entries()) {
    const before = reachedBefore(plan, later)
    const missing = present.slice(0, i).find((earlier) => !before.has(earlier))
    if (missing) throw refused(plan, `'${later}' may begin before '${missing}' has ended`)
  }
  return plan
}

/** Every step that has ended when one begins. */
export function reachedBefore({ steps }: Pick<Runbook, 'steps'>, name: string): Set<string> {
  const found = new Set<string>()
  const visit = (one: string) => {
    for (const before of steps.find((step) => step.name === one)?.after ?? []) {
      if (found.has(before)) continue
      found.add(before)
      visit(before)
    }
  }
  visit(name)
  return found
}

function refused({ name }: Pick<Runbook, 'name'>, why: string): LifeboatError {
  return new LifeboatError('InvalidUsage', `plan '${name}' is refused: ${why}`)
}
