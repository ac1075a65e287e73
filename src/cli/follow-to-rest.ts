import { LifeboatError } from '../core/errors.ts'
import { type Execution, type ExecutionsApi, isCompleted } from '../runbook/execution.ts'
import { nextCommand } from './execution-view.ts'
import { followExecution, type GateAnswer } from './follow-execution.ts'
import { askAtGate } from './gate-question.ts'
import type { Invocation } from './invocation.ts'
import { operator } from './operator.ts'

/**
 * Shows an execution that runs in this process until it has ended.
 *
 * @param o  with `yes`, gates open without a question; without it and without a terminal they stay closed.
 *           `wanted` is how it should end, `completed` by default
 * @throws LifeboatError `ApprovalRequired`, `StepFailed`, `ExecutionCanceled`, naming what to do next
 */
export async function followToRest(
  api: ExecutionsApi,
  id: string,
  invocation: Invocation,
  o: { yes?: boolean; wanted?: 'completed' | 'canceled' },
): Promise<Execution> {
  const { output, clock, signal, environment } = invocation
  const execution = await followExecution(api, id, {
    output,
    clock,
    signal,
    by: operator(environment),
    askAtGate: async (step): Promise<GateAnswer> => {
      // That a person has done something is for that person to say.
      if (o.yes && step.gate?.kind !== 'manual') return 'approve'
      return output.canAsk ? askAtGate(step, signal) : 'later'
    },
  })
  if (execution.status !== o.wanted) refuseUnlessCompleted(execution)
  return execution
}

function refuseUnlessCompleted(execution: Execution): void {
  const { id, status, runbook, steps } = execution
  if (isCompleted({ status })) return
  if (status === 'pendingApproval') {
    const gate = steps.find((step) => step.status === 'pendingApproval')
    throw new LifeboatError('ApprovalRequired', `'${id}' waits for approval of '${gate?.name}'`, {
      hint: `${gate?.gate?.kind === 'manual' ? 'Do it, then' : 'Approve it with'}: ${nextCommand(execution)}`,
    })
  }
  if (status === 'canceled') {
    throw new LifeboatError('ExecutionCanceled', `'${id}' was canceled and undone`)
  }
  const failed = steps.find((step) => step.status === 'failed')
  const reason = failed?.attempts.at(-1)?.error
  throw new LifeboatError(
    'StepFailed',
    `step '${failed?.name ?? 'unknown'}' of ${runbook} failed: ${reason?.message ?? status}`,
    {
      hint: `${reason?.hint ? `${reason.hint} ` : ''}Then: lifeboat execution retry ${id}, skip ${id} --reason WHY, or cancel ${id}.`,
    },
  )
}
