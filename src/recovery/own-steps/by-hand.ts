import type { TypedLine } from '../../runbook/runbook.ts'
import { act, check, quoted } from '../runbooks/region-failure/by-hand.ts'
import type { Doing, OwnStep } from './own-step.ts'

/** A step of the user's own as a person types it. What Lifeboat tells a command by its environment, nobody tells it here. */
export function ownLines({ owner, does, check: checked, folder }: OwnStep): TypedLine[] {
  const line =
    does.kind === 'manual'
      ? act(`${owner}: ${does.instructions}`, 'true')
      : act(`of ${owner}`, shellLine(does, folder))
  return checked
    ? [line, check('what it has reached', `bash -c ${quoted(shellLine(checked, folder))}`)]
    : [line]
}

function shellLine(doing: Doing, folder: string | undefined): string {
  if (doing.kind === 'http') return curlLine(doing)
  const command = doing.argv.map(quoted).join(' ')
  return folder === undefined ? command : `(cd ${quoted(folder)} && ${command})`
}

function curlLine({ url, method, body, status }: Extract<Doing, { kind: 'http' }>): string {
  const asked = `-X ${quoted(method)}${body === undefined ? '' : ` -d ${quoted(body)}`} ${quoted(url)}`
  return status === undefined
    ? `curl -fsS -o /dev/null ${asked}`
    : `[ "$(curl -s -o /dev/null -w '%{http_code}' ${asked})" = ${status} ]`
}
