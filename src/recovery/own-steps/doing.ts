import type { FunctionAnswer } from '../../aws/functions.ts'
import { LifeboatError } from '../../core/errors.ts'
import { runCommand } from '../../probe/command.ts'
import { requestOnce } from '../../probe/request.ts'
import type { Doing, LambdaDoing } from './own-step.ts'

/** How much of what was said is shown; the rest would hide the failure. */
const SHOWN = 4_000

export interface DoingSurroundings {
  readonly environment: Readonly<Record<string, string>>
  readonly folder?: string
  /** Values that are shown to nobody. */
  readonly secrets: readonly string[]
  /** Calls a function, with what it is told of the execution. */
  readonly invoke: (doing: LambdaDoing, signal: AbortSignal) => Promise<FunctionAnswer>
  readonly signal: AbortSignal
}

/**
 * Does it once.
 *
 * @returns undefined when it went well, else why not and the end of what was said, without known secrets
 */
export async function attemptDoing(
  doing: Doing,
  around: DoingSurroundings,
): Promise<string | undefined> {
  const { environment, folder, secrets, signal } = around
  if (doing.kind === 'lambda') return await attemptFunction(doing, around)
  if (doing.kind === 'command') {
    const order = { argv: doing.argv, environment, signal, ...(folder !== undefined && { folder }) }
    const { code, how, output } = await runCommand(order)
    return code === 0 ? undefined : `'${doing.argv[0]}' ${how}${said(output, secrets)}`
  }
  const { url, method, body, status } = doing
  const answer = await requestOnce({ url, method, signal, ...(body !== undefined && { body }) })
  const what = `${method} ${new URL(url).host}`
  if ('failure' in answer) return `${what} has no answer (${answer.failure})`
  const isWanted =
    status === undefined ? answer.status >= 200 && answer.status < 300 : answer.status === status
  return isWanted ? undefined : `${what} answers ${answer.status}${said(answer.text, secrets)}`
}

/** It went well when the function says that by ending without an error; what it returns is not looked at. */
async function attemptFunction(
  doing: LambdaDoing,
  { secrets, invoke, signal }: DoingSurroundings,
): Promise<string | undefined> {
  const what = `function '${doing.name}'`
  try {
    const { value, failure, log, isLogCut } = await invoke(doing, signal)
    // What AWS has cut off may have left the end of a secret.
    const known = isLogCut ? log.slice(Math.max(0, ...secrets.map(({ length }) => length))) : log
    if (failure !== undefined) {
      const why = without(failure, secrets).slice(0, SHOWN)
      return `${what} failed: ${why}${said(known, secrets)}`
    }
    return value === undefined ? `${what} answers no JSON${said(known, secrets)}` : undefined
  } catch (error) {
    if (error instanceof LifeboatError) return without(error.message, secrets)
    throw error
  }
}

function said(output: string, secrets: readonly string[]): string {
  // Before it is cut, so that half a secret is none.
  const text = without(output, secrets).trim()
  return text === '' ? '' : `: ${text.slice(-SHOWN)}`
}

/** Secrets are also told as JSON writes them, as in the log of a function. */
function without(output: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .reduce((now, secret) => now.replaceAll(secret, '…'), output)
}
