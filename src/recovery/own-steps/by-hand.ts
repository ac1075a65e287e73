import type { TypedLine } from '../../runbook/runbook.ts'
import { act, awsIn, check, quoted } from '../runbooks/region-failure/by-hand.ts'
import { type Doing, type LambdaDoing, type OwnStep, type Regions, regionOf } from './own-step.ts'

/** A step of the user's own as a person types it. What Lifeboat tells a command by its environment, nobody tells it here. */
export function ownLines(
  { owner, does, check: checked, folder }: OwnStep,
  { workload }: { readonly workload: Regions },
): TypedLine[] {
  const lineOf = (doing: Doing) => shellLine(doing, folder, workload)
  const line =
    does.kind === 'manual'
      ? act(`${owner}: ${does.instructions}`, 'true')
      : act(`of ${owner}`, lineOf(does))
  return checked
    ? [line, check('what it has reached', `bash -c ${quoted(lineOf(checked))}`)]
    : [line]
}

function shellLine(doing: Doing, folder: string | undefined, workload: Regions): string {
  if (doing.kind === 'lambda') return invokeLine(doing, workload)
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

/**
 * It is called once, however long it takes. The aws CLI ends well also when the function fails; what that answers goes to the
 * terminal.
 */
function invokeLine(doing: LambdaDoing, workload: Regions): string {
  const { name, payload = {} } = doing
  const where = regionOf(doing, workload) ?? ''
  const options = { 'function-name': name, payload: 'fileb:///dev/stdin', 'cli-read-timeout': 905 }
  const call = `${awsIn(where, 'lambda invoke', options, 'FunctionError')} >(cat >&2)`
  const once = `AWS_MAX_ATTEMPTS=1 ${call}`
  return `[ "$(printf %s ${quoted(JSON.stringify(payload))} | ${once})" = None ]`
}
