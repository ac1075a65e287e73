import { LifeboatError } from '../core/errors.ts'
import type { Need, Runbook } from '../runbook/runbook.ts'

/** What a plan that moves customers to another region keeps to (I5). */
interface PlanRules {
  /** Steps in the only order in which they may be: each of them after those before it. */
  readonly order: readonly string[]
  /** What may be lost, so that no step may fail for want of it. */
  readonly mayBeLost: (need: Need) => boolean
  /** From which step on it may be lost; from the first one on when not said. */
  readonly since?: string
  /** Steps that are about what may be lost, and wait for it: customers do not wait for them. */
  readonly mayWait?: readonly string[]
}

/** Out of a region that is lost, and maybe what all regions share with it. */
const LEAVING: PlanRules = {
  order: ['pin-dns', 'fence', 'bound-loss', 'promote', 'services', 'verify', 'dns'],
  mayBeLost: ({ where, plane }) =>
    where === 'primary' || (where === 'global' && plane === 'control'),
}

/** Home from a region that is well, and may be lost as well once there is no way back to it. */
const RETURNING: PlanRules = {
  order: [
    ...['quarantine', 'salvage', 'stop-writes', 'last-objects', 'prove'],
    ...['promote', 'secrets', 'services', 'verify', 'dns'],
  ],
  mayBeLost: ({ where }) => where === 'recovery',
  since: 'promote',
  mayWait: ['standby'],
}

/** By the runbook that leaves a region, or comes home to it. */
const RULES: Readonly<Record<string, PlanRules>> = {
  'region-failure': LEAVING,
  failback: RETURNING,
}

/**
 * Checks a plan that moves customers to another region; every other one is as it is: no step may be lost with what may be, and nothing may be done before what has to come first.
 *
 * @returns the plan
 * @throws LifeboatError `InvalidUsage` naming the step and what is wrong with it
 */
export function checkedPlan<Input, Tools>(plan: Runbook<Input, Tools>): Runbook<Input, Tools> {
  const rules = RULES[plan.name]
  if (!rules) return plan
  const { order, mayBeLost, since, mayWait = [] } = rules
  for (const { name, needs } of plan.steps) {
    if (!needs) throw refused(plan, `'${name}' does not say what it reaches`)
    const isBound = since === undefined || name === since || reachedBefore(plan, name).has(since)
    if (!isBound || mayWait.includes(name)) continue
    const lost = needs.find((need) => need.without === undefined && mayBeLost(need))
    if (lost) {
      throw refused(plan, `'${name}' cannot do without ${lost.api} of what is lost (${lost.where})`)
    }
  }
  const present = order.filter((name) => plan.steps.some((step) => step.name === name))
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
