import { AuthFault } from '../protocol/auth-fault.ts'
import { Fault } from '../protocol/fault.ts'
import { invalidCombination, invalidValue } from './faults.ts'
import type { Rds } from './rds.ts'

/** What a request across regions says, and the URL that was signed for it. */
export interface SignedElsewhere {
  readonly operation: string
  readonly sourceRegion: string
  /** The parameter that names the source, and its ARN. */
  readonly source: readonly [parameter: string, arn: string]
  readonly input: Readonly<Record<string, unknown>>
  readonly url: string | undefined
}

/** Parameters that only the URL has. */
const OF_THE_URL = ['Action', 'Version', 'DestinationRegion']

/**
 * Checks the URL that a client sends for work across regions: the same request, signed for the region of the source, by
 * somebody who may do it there.
 *
 * Unlike AWS: it is checked wherever it is sent; there only for GovCloud and China, and it is ignored elsewhere. It is
 * needed nowhere, as in other regions of AWS.
 * Source: RDS API Reference, CreateDBInstanceReadReplica and CopyDBSnapshot: PreSignedUrl.
 *
 * @throws RdsFault `InvalidParameterValue`, `InvalidParameterCombination`; AuthFault `AccessDenied`
 */
export function checkPreSignedUrl(rds: Rds, asked: SignedElsewhere): void {
  const { operation, sourceRegion, source, url } = asked
  if (url === undefined || url === '') return
  if (sourceRegion === rds.names.region) {
    throw invalidCombination(
      'Your request does not require the preSignedUrl parameter. Please remove the preSignedUrl parameter and try your request again.',
    )
  }
  const { caller, scope, query } = verified(rds, url, sourceRegion)
  const isOf = (name: string, value: string) => query.get(name) === value
  const isMeant =
    scope.service === 'rds' &&
    isOf('Action', operation) &&
    isOf('DestinationRegion', rds.names.region) &&
    isOf(...source)
  if (!isMeant) throw notAuthenticated()
  for (const [name, value] of query) {
    // What is made of several parts is not compared: some clients sign it, and others do not.
    if (OF_THE_URL.includes(name) || name.includes('.')) continue
    if (String(asked.input[name] ?? '') !== value) {
      throw invalidValue(`PreSignedUrl was signed with another value of ${name}.`)
    }
  }
  rds.authorize(caller, {
    action: `rds:${operation}`,
    resource: source[1],
    context: { 'aws:RequestedRegion': sourceRegion },
  })
}

function verified(rds: Rds, url: string, region: string) {
  try {
    return rds.verifyUrl(url, region)
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    if (cause instanceof AuthFault && cause.shape === 'AccessDenied') throw cause
    throw Object.assign(notAuthenticated(), { cause })
  }
}

/** AWS says no more. */
function notAuthenticated() {
  return invalidValue('PreSignedUrl could not be authenticated.')
}
