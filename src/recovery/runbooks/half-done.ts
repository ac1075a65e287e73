import type { RecoveryTools } from './data-corruption/tools.ts'

/** Whether a step began and did not end well: then its own undo is not called, and that of an earlier step cleans up. */
export async function isHalfDone(
  step: string,
  tools: Pick<RecoveryTools, 'journal'>,
  execution: string,
): Promise<boolean> {
  const { steps } = await tools.journal(execution)
  const last = steps.find(({ name }) => name === step)?.attempts.at(-1)
  return last !== undefined && (!last.endedAt || !!last.error)
}
