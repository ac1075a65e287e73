import type { Document } from 'yaml'
import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Runbook } from '../../runbook/runbook.ts'
import { nearestWord } from '../nearest-word.ts'
import { reachedBefore } from '../plan-rules.ts'
import { RUNBOOKS } from '../runbooks/all.ts'
import { type Mistake, offsetOf } from '../workload-place.ts'
import type { WorkloadSource } from '../workload-schema.ts'
import { regionOfFunction } from './function-name.ts'
import { ownStepOf } from './own-step.ts'
import { planFor } from './plan.ts'
import { type OwnStepSource, ownStep } from './schema.ts'

/** The keys that a step has, by where they are. */
export const ownStepShapes: Readonly<Record<string, object>> = {
  steps: ownStep.shape,
  'steps.needs': ownStep.shape.needs.unwrap().element.shape,
  'steps.check': ownStep.shape.check.unwrap().shape,
  'steps.undo': ownStep.shape.undo.unwrap().shape,
  'steps.http': ownStep.shape.http.unwrap().shape,
  'steps.check.http': ownStep.shape.http.unwrap().shape,
  'steps.undo.http': ownStep.shape.http.unwrap().shape,
  'steps.lambda': ownStep.shape.lambda.unwrap().shape,
  'steps.check.lambda': ownStep.shape.lambda.unwrap().shape,
  'steps.undo.lambda': ownStep.shape.lambda.unwrap().shape,
}

/** What of the user's own steps is well-formed and makes no sense, by itself or in its runbook. */
export function ownStepMistakes(
  document: Document,
  { steps = [], regions }: WorkloadSource,
): Mistake[] {
  return steps.flatMap((step, index) => {
    const found = [
      ...kindMistakes(step),
      ...regionMistakes(step, regions),
      ...nameMistakes(step, steps.slice(0, index)),
      ...placeMistakes(step),
    ]
    return found.map(({ path, message, hint }) => ({
      offset: offsetOf(document, ['steps', index, ...path]),
      message,
      hint,
    }))
  })
}

interface Found {
  readonly path: readonly string[]
  readonly message: string
  readonly hint: string
}

/** Each does one thing. */
function kindMistakes(step: OwnStepSource): Found[] {
  const { command, http, lambda, manual } = step
  const parts = [
    { path: [], kinds: { command, http, lambda, manual } },
    ...(step.check ? [{ path: ['check'], kinds: step.check }] : []),
    ...(step.undo ? [{ path: ['undo'], kinds: step.undo }] : []),
  ]
  return parts.flatMap(({ path, kinds }) => {
    const given = Object.entries(kinds).flatMap(([kind, value]) => (value ? [kind] : []))
    if (given.length === 1) return []
    const what = path[0] ?? `step '${step.name}'`
    const of = `command, http, lambda${path.length === 0 ? ', manual' : ''}`
    const message =
      given.length === 0 ? `${what} does nothing` : `${what} does two things: ${given.join(', ')}`
    return [
      {
        path: given.length === 0 ? path : [...path, given[1]!],
        message,
        hint: `Write one of ${of}.`,
      },
    ]
  })
}

/** A function is in one of the workload's regions, and where its ARN says that it is. */
function regionMistakes(step: OwnStepSource, regions: WorkloadSource['regions']): Found[] {
  const own = ownStepOf(step)
  const parts = [
    { path: ['lambda', 'function'], doing: own.does },
    { path: ['check', 'lambda', 'function'], doing: own.check },
    { path: ['undo', 'lambda', 'function'], doing: own.undo },
  ]
  return parts.flatMap(({ path, doing }) => {
    if (doing?.kind !== 'lambda') return []
    const { name, region } = doing
    const where = regions[region]
    if (where === undefined) {
      const message = `function '${name}' is in the recovery region, and there is none`
      return [
        { path, message, hint: 'Name it as regions: { recovery }, or write region: primary.' },
      ]
    }
    const said = regionOfFunction(name) ?? where
    if (said === where) return []
    const message = `function '${name}' is in '${said}', and the ${region} region is '${where}'`
    return [{ path, message, hint: 'Write the region that it is in: primary or recovery.' }]
  })
}

function nameMistakes(step: OwnStepSource, before: readonly OwnStepSource[]): Found[] {
  const isTyped = planOf(step).steps.some(({ name }) => name === step.name)
  const isTwice = before.some(({ name, runbook }) => name === step.name && runbook === step.runbook)
  if (!isTyped && !isTwice) return []
  const message = `'${step.runbook}' has a step '${step.name}' already`
  return [{ path: ['name'], message, hint: 'Give it a name of its own.' }]
}

function placeMistakes(step: OwnStepSource): Found[] {
  const plan = planOf(step)
  const names = plan.steps.map(({ name }) => name)
  if (!names.includes(step.after)) {
    const nearest = nearestWord(step.after, names)
    const hint = nearest ? `Did you mean '${nearest}'?` : `Use one of ${names.join(', ')}.`
    return [{ path: ['after'], message: `'${step.runbook}' has no step '${step.after}'`, hint }]
  }
  return [...gateMistakes(step, plan), ...needMistakes(step, plan)]
}

/** Before the harm gate nothing may be touched; what a person is asked to do there is another matter. */
function gateMistakes(step: OwnStepSource, plan: Runbook): Found[] {
  const gate = plan.steps.find((one) => one.gate?.kind === 'harm')?.name
  if (gate === undefined || step.manual !== undefined) return []
  const before = reachedBefore(plan, step.after).add(step.after)
  if (before.has(gate)) return []
  const message = `'${step.name}' may run before anybody was asked: '${step.after}' is not behind the harm gate`
  return [{ path: ['after'], message, hint: `Put it after '${gate}', or after what follows it.` }]
}

function needMistakes(step: OwnStepSource, plan: Runbook): Found[] {
  try {
    planFor(plan, { steps: [ownStepOf(step)] })
    return []
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error
    const message = error.message.replace(/^.*is refused: /, '')
    const hint =
      'List what it reaches, like needs: [{ api: sqs, where: recovery, plane: data }], and what it does without what may be lost.'
    return [{ path: ['needs'], message, hint }]
  }
}

function planOf({ runbook }: OwnStepSource): Runbook {
  const found = RUNBOOKS.find(({ name }) => name === runbook)
  assert(found, `the schema names runbooks that there are: '${runbook}'`)
  return found as unknown as Runbook
}
