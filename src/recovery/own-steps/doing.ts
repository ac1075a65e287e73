import { runCommand } from '../../probe/command.ts'
import { requestOnce } from '../../probe/request.ts'
import type { Doing } from './own-step.ts'

/** How much of what was said is shown; the rest would hide the failure. */
const SHOWN = 4_000

export interface DoingSurroundings {
  readonly environment: Readonly<Record<string, string>>
  readonly folder?: string
  /** Values that are shown to nobody. */
  readonly secrets: readonly string[]
  readonly signal: AbortSignal
}

/**
 * Does it once.
 *
 * @returns undefined when it went well, else why not and the end of what was said, without known secrets
 */
export async function attemptDoing(
  doing: Doing,
  { environment, folder, secrets, signal }: DoingSurroundings,
): Promise<string | undefined> {
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

function said(output: string, secrets: readonly string[]): string {
  // Before it is cut, so that half a secret is none.
  const text = secrets
    .filter((secret) => secret.length >= 4)
    .reduce((now, secret) => now.replaceAll(secret, '…'), output)
    .trim()
  return text === '' ? '' : `: ${text.slice(-SHOWN)}`
}
