import { noUndo, type Runbook, type Step } from '../../runbook/runbook.ts'
import { checkedPlan } from '../plan-rules.ts'
import type { RecoveryTools } from '../runbooks/data-corruption/tools.ts'
import type { FailoverFacts } from '../runbooks/region-failure/by-hand.ts'
import type { Workload } from '../workload.ts'
import { ownLines } from './by-hand.ts'
import { doingWords, type OwnStep } from './own-step.ts'
import { perform, takeBack } from './perform.ts'

/**
 * A runbook as it is for a workload: with the steps that its file adds. Each stands right behind the step that it names, and
 * whatever came after that one comes after it; several behind one step follow each other in the order of the file.
 *
 * @throws LifeboatError `InvalidUsage`, as `checkedPlan`
 */
export function planFor(runbook: Runbook, { steps = [] }: Pick<Workload, 'steps'>): Runbook {
  const own = steps.filter((step) => step.runbook === runbook.name)
  if (own.length === 0) return runbook
  return checkedPlan({ ...runbook, steps: own.toReversed().reduce(spliced, runbook.steps) })
}

function spliced(steps: readonly Step[], own: OwnStep): readonly Step[] {
  return steps.flatMap((step) => {
    if (step.name === own.after) return [step, stepOf(own)]
    return step.after.includes(own.after) ? [{ ...step, after: [...step.after, own.name] }] : [step]
  })
}

const UNCHECKED = 'nothing checks what it has reached'

function stepOf(own: OwnStep): Step {
  const { name, title, after, owner, deadlineSeconds, needs, does, check, undo } = own
  return {
    ...{ name, title, after: [after], phase: 'execute', deadlineSeconds, onDeadline: 'ask' },
    ...(needs && { needs }),
    ...(!check && { unproven: UNCHECKED }),
    notes: [
      `of ${owner}: ${doingWords(does)}`,
      check ? `check: ${doingWords(check)}` : `unknown: ${UNCHECKED}`,
      ...(undo ? [`undo: ${doingWords(undo)}`] : []),
    ],
    ...(does.kind === 'manual' && {
      gate: {
        kind: 'manual',
        cost: async () => [does.instructions, `${owner} knows about it`],
      },
    }),
    byHand: (facts: FailoverFacts) => ownLines(own, facts),
    run: (context: RunContext) => perform(own, context),
    undo: undo
      ? (context: RunContext) => takeBack(own, undo, context)
      : noUndo('the workload file names none'),
  } as unknown as Step
}

type RunContext = Parameters<typeof perform>[1] & { readonly tools: RecoveryTools }
