import { isCancel, select } from '@clack/prompts'
import type { StepRecord } from '../runbook/execution.ts'
import type { GateAnswer } from './follow-execution.ts'
import { Interrupted } from './interruption.ts'

/**
 * Asks on the terminal whether a gate may open; its cost has been shown above.
 *
 * @throws Interrupted when the operator answers with Ctrl-C
 */
export async function askAtGate(step: StepRecord, signal: AbortSignal): Promise<GateAnswer> {
  const answer = await select<GateAnswer>({
    message: `${step.title}?`,
    options: [
      { value: 'later', label: 'not now', hint: 'the execution waits; approve it later' },
      {
        value: 'approve',
        label: `${step.gate?.kind === 'manual' ? 'I have done it' : 'approve'}: ${step.title.toLowerCase()}`,
      },
      { value: 'cancel', label: 'cancel the execution', hint: 'what it has done is undone' },
    ],
    output: process.stderr,
    signal,
  })
  if (isCancel(answer)) throw new Interrupted('SIGINT')
  return answer
}
