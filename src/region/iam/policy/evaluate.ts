import { holds } from './conditions.ts'
import type { Listed, PolicyDocument, PrincipalPattern, Statement } from './document.ts'
import { type Lookup, matches, readArnPattern, readPattern } from './pattern.ts'

/** Who asks, as policies of resources name principals. */
export interface Principal {
  readonly accountId: string
  readonly arn: string
  readonly userId: string
  /** The role of a role session. */
  readonly roleArn?: string | undefined
  readonly roleId?: string | undefined
  /** As `s3.amazonaws.com`, when an AWS service asks for itself. */
  readonly service?: string | undefined
}

export interface Question {
  readonly principal: Principal
  /** As `rds:DeleteDBInstance`. */
  readonly action: string
  readonly resource: string
  /** Values by condition key. Names of keys ignore case. */
  readonly context: Readonly<Record<string, string | readonly string[]>>
}

export interface Policies {
  readonly identity: readonly PolicyDocument[]
  readonly resource?: PolicyDocument | undefined
  /** Whether the resource gives it to the principal by other means than its policy. */
  readonly isGranted?: boolean | undefined
  /** Undefined: the session has none. Empty: it allows nothing. */
  readonly session?: readonly PolicyDocument[] | undefined
  /** Whether the resource's policy must agree, as that of a role must. */
  readonly isTrustNeeded?: boolean
}

export type PolicySource = 'identity' | 'resource' | 'session'

export type Decision =
  | { readonly isAllowed: true }
  /** `explicit`: a policy denies it. Otherwise no policy of the source allows it. */
  | { readonly isAllowed: false; readonly isExplicit: boolean; readonly source: PolicySource }

/**
 * Decides as AWS does within one account: a deny of any policy wins; then an allow of the identity's or of the
 * resource's policy is enough, within what the session's policies allow; else it is denied.
 *
 * A resource's policy that names the account leaves the decision to the identity's policies. One that names the
 * session itself is not limited by the session's policies.
 *
 * Source: IAM User Guide, "Policy evaluation logic" and "AWS JSON policy elements: Principal".
 */
export function evaluate(question: Question, policies: Policies): Decision {
  const lookup = lookupOf(question)
  const isDenied = (documents: readonly PolicyDocument[]) =>
    strongest(documents, 'Deny', question, lookup) !== 'none'
  const { identity, resource, session } = policies
  const attached = resource ? [resource] : []

  if (isDenied(identity)) return denied('identity', true)
  if (isDenied(attached)) return denied('resource', true)
  if (session && isDenied(session)) return denied('session', true)

  const byPolicy = strongest(attached, 'Allow', question, lookup)
  const byResource = policies.isGranted ? closest([byPolicy, 'principal']) : byPolicy
  if (policies.isTrustNeeded && byResource === 'none') return denied('resource', false)
  if (byResource === 'session') return { isAllowed: true }
  const isAllowed = (documents: readonly PolicyDocument[]) =>
    strongest(documents, 'Allow', question, lookup) !== 'none'
  if (byResource !== 'principal' && !isAllowed(identity)) return denied('identity', false)
  if (session && !isAllowed(session)) return denied('session', false)
  return { isAllowed: true }
}

function denied(source: PolicySource, isExplicit: boolean): Decision {
  return { isAllowed: false, isExplicit, source }
}

/** How closely a statement names the one who asks; `account` is all of an account. */
type Closeness = 'none' | 'account' | 'principal' | 'session'
const CLOSENESS: readonly Closeness[] = ['none', 'account', 'principal', 'session']

function closest(all: readonly Closeness[]): Closeness {
  return all.reduce((a, b) => (CLOSENESS.indexOf(a) < CLOSENESS.indexOf(b) ? b : a), 'none')
}

function strongest(
  documents: readonly PolicyDocument[],
  effect: Statement['effect'],
  question: Question,
  lookup: Lookup,
): Closeness {
  return closest(
    documents.flatMap(({ statements, hasVariables }) =>
      statements
        .filter((statement) => statement.effect === effect)
        .map((statement) => applies(statement, question, lookup, hasVariables)),
    ),
  )
}

function applies(
  statement: Statement,
  question: Question,
  lookup: Lookup,
  hasVariables: boolean,
): Closeness {
  const { actions, resources, conditions } = statement
  const variables = hasVariables ? lookup : undefined
  const isAbout =
    isListed(actions, (pattern) => isAction(pattern, question.action)) &&
    (!resources ||
      isListed(resources, (pattern) => isResource(pattern, question.resource, variables))) &&
    conditions.every((condition) => holds(condition, lookup, variables))
  return isAbout ? closenessOf(statement, question.principal) : 'none'
}

function closenessOf({ principals }: Statement, principal: Principal): Closeness {
  if (!principals) return 'principal'
  const named = closest(principals.list.map((pattern) => nearness(pattern, principal)))
  if (!principals.isNegated) return named
  return named === 'none' ? 'principal' : 'none'
}

function nearness({ kind, value }: PrincipalPattern, principal: Principal): Closeness {
  if (kind === '*') return 'principal'
  if (kind === 'Service') return principal.service === value ? 'session' : 'none'
  if (kind !== 'AWS' || principal.service) return 'none'
  const { accountId, arn, userId, roleArn, roleId } = principal
  if (value === arn || value === userId) return roleArn ? 'session' : 'principal'
  if (value === roleArn || value === roleId) return 'principal'
  return value === accountId || value === `arn:aws:iam::${accountId}:root` ? 'account' : 'none'
}

function isListed({ isNegated, patterns }: Listed, isMatch: (pattern: string) => boolean): boolean {
  return patterns.some(isMatch) !== isNegated
}

function isAction(pattern: string, action: string): boolean {
  const read = readPattern(pattern.toLowerCase())
  return read !== undefined && matches(read, action.toLowerCase())
}

function isResource(text: string, resource: string, variables: Lookup | undefined): boolean {
  const pattern = readArnPattern(text, { lookup: variables })
  return pattern !== undefined && matches(pattern, resource)
}

/** Names of keys ignore case; what follows the slash of a tag's key does so, too. */
function lookupOf({ context }: Question): Lookup {
  const values = new Map<string, readonly string[]>()
  for (const [key, value] of Object.entries(context)) {
    values.set(key.toLowerCase(), typeof value === 'string' ? [value] : value)
  }
  return (key) => values.get(key.toLowerCase())
}
