import { confirm as ask, isCancel } from '@clack/prompts'
import { Interrupted } from './interruption.ts'

/** Asks on the terminal; the answer is no unless somebody says yes. @throws Interrupted on Ctrl-C */
export async function confirm(message: string, signal: AbortSignal): Promise<boolean> {
  const answer = await ask({ message, initialValue: false, output: process.stderr, signal })
  if (isCancel(answer)) throw new Interrupted('SIGINT')
  return answer
}
