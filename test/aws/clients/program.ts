import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'

/** Whether a program runs at all on this machine. */
export function runs(program: string, args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

/** The output of a program; a failure holds what it printed as an error. */
export async function outputOf(
  program: string,
  args: string[],
  environment: Record<string, string>,
): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  const { stdout } = await promisify(execFile)(program, args, {
    env: { PATH, HOME, ...environment },
  })
  return stdout
}
