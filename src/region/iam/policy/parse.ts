import { isOperand, isOperator } from './conditions.ts'
import {
  type Condition,
  type Listed,
  type PolicyDocument,
  PolicyError,
  type PolicyKind,
  type PrincipalPattern,
  type Principals,
  type Statement,
} from './document.ts'

/** Largest policy of any kind, in characters: a bucket's. Services have lower limits of their own. */
const MAX_LENGTH = 20_480
const MAX_STATEMENTS = 500

const POLICY_ELEMENTS = ['Version', 'Id', 'Statement']
const STATEMENT_ELEMENTS = [
  ...['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction'],
  ...['Resource', 'NotResource', 'Condition'],
]
const PRINCIPAL_KINDS = ['AWS', 'Service', 'Federated', 'CanonicalUser']

type Json = Readonly<Record<string, unknown>>

/**
 * Reads a policy. Everything in it is understood, or it is refused: an element that was skipped would grant or
 * deny what its author did not mean.
 *
 * Source: IAM User Guide, "Grammar of the IAM JSON policy language".
 *
 * @throws PolicyError
 */
export function parsePolicy(text: string, kind: PolicyKind): PolicyDocument {
  if (text.length > MAX_LENGTH) throw new PolicyError('The policy is too long.')
  const policy = objectOf(parseJson(text), POLICY_ELEMENTS)
  const version = policy.Version ?? '2008-10-17'
  if (version !== '2008-10-17' && version !== '2012-10-17') throw syntaxError()
  if (policy.Id !== undefined && typeof policy.Id !== 'string') throw syntaxError()
  if (policy.Statement === undefined) throw syntaxError()
  const list = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement]
  if (list.length === 0 || list.length > MAX_STATEMENTS) throw syntaxError()
  const sids = new Set<string>()
  const statements = list.map((item) => {
    const statement = objectOf(item, STATEMENT_ELEMENTS)
    checkSid(statement.Sid, kind, sids)
    return readStatement(statement, kind)
  })
  return { hasVariables: version === '2012-10-17', statements }
}

/** What is wrong with a policy, in words; undefined when it can be read. */
export function findPolicyProblem(text: string, kind: PolicyKind): string | undefined {
  try {
    parsePolicy(text, kind)
    return undefined
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return error.message
  }
}

function readStatement(statement: Json, kind: PolicyKind): Statement {
  const effect = statement.Effect
  if (effect !== 'Allow' && effect !== 'Deny') throw syntaxError()
  return {
    effect,
    principals: readPrincipals(statement, kind),
    actions: readActions(statement, kind),
    resources: readResources(statement, kind),
    conditions: readConditions(statement.Condition),
  }
}

function readActions(statement: Json, kind: PolicyKind): Listed {
  const actions = readListed(statement, 'Action')
  if (!actions) throw new PolicyError('Policy statement must contain actions.')
  for (const action of actions.patterns) {
    if (action === '*') continue
    const [vendor = '', name = '', ...rest] = action.split(':')
    if (rest.length > 0 || !/^[A-Za-z0-9-]+$/.test(vendor)) {
      throw new PolicyError(
        'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
      )
    }
    if (!/^[A-Za-z0-9*?]{1,128}$/.test(name)) throw syntaxError()
    if (kind === 'trust' && vendor.toLowerCase() !== 'sts') {
      throw new PolicyError('AssumeRole policy may only specify STS AssumeRole actions.')
    }
  }
  return actions
}

function readResources(statement: Json, kind: PolicyKind): Listed | undefined {
  const resources = readListed(statement, 'Resource')
  if (kind === 'trust') {
    if (resources) throw new PolicyError('Has prohibited field Resource')
    return undefined
  }
  if (!resources) throw new PolicyError('Policy statement must contain resources.')
  for (const resource of resources.patterns) {
    if (resource !== '*' && !/^arn:[^:]*:/.test(resource) && !/^[*?]/.test(resource)) {
      throw new PolicyError(`Resource ${resource} must be in ARN format or "*".`)
    }
  }
  return resources
}

/** An element or its negation; one of the two, or none. */
function readListed(statement: Json, name: 'Action' | 'Resource'): Listed | undefined {
  const negated = `Not${name}`
  if (statement[name] !== undefined && statement[negated] !== undefined) throw syntaxError()
  const isNegated = statement[negated] !== undefined
  const value = statement[isNegated ? negated : name]
  return value === undefined ? undefined : { isNegated, patterns: stringsOf(value) }
}

function readPrincipals(statement: Json, kind: PolicyKind): Principals | undefined {
  const isNegated = statement.NotPrincipal !== undefined
  const value = statement.NotPrincipal ?? statement.Principal
  if (isNegated && statement.Principal !== undefined) throw syntaxError()
  if (kind === 'identity') {
    if (value === undefined) return undefined
    throw new PolicyError('Policy document should not specify a principal.')
  }
  if (value === undefined) throw new PolicyError('Missing required field Principal')
  if (kind === 'trust' && isNegated) throw new PolicyError('Has prohibited field NotPrincipal')
  if (value === '*') return { isNegated, list: [{ kind: '*', value: '*' }] }
  const kinds = objectOf(value, PRINCIPAL_KINDS)
  const list = Object.entries(kinds).flatMap(([name, values]) =>
    stringsOf(values).map((text) => checkedPrincipal(name, text)),
  )
  if (list.length === 0) throw syntaxError()
  return { isNegated, list }
}

function checkedPrincipal(kind: string, value: string): PrincipalPattern {
  const isArn = /^arn:aws:(iam|sts)::\d{12}:[^*?]+$/.test(value)
  const isKnown = value === '*' || isArn || /^\d{12}$/.test(value) || /^A[A-Z0-9]{15,}$/.test(value)
  if (value === '' || (kind === 'AWS' && !isKnown)) {
    throw new PolicyError(`Invalid principal in policy: "${kind}":"${value}"`)
  }
  return kind === 'AWS' && value === '*' ? { kind: '*', value } : { kind, value }
}

function readConditions(value: unknown): Condition[] {
  if (value === undefined) return []
  return Object.entries(objectOf(value)).flatMap(([name, keys]) =>
    Object.entries(objectOf(keys)).map(([key, values]) => readCondition(name, key, values)),
  )
}

function readCondition(name: string, key: string, values: unknown): Condition {
  const match = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(name)
  const [, quantifier, operator = '', ifExists] = match ?? []
  if (!isOperator(operator) || (operator === 'Null' && ifExists)) {
    throw new PolicyError(`Invalid Condition type : ${name}.`)
  }
  if (!/^[A-Za-z0-9-]+:\S.*$/.test(key)) {
    throw new PolicyError(`Condition key ${key} is not valid.`)
  }
  const operands = (Array.isArray(values) ? values : [values]).map(operandOf)
  for (const operand of operands) {
    if (!isOperand(operator, operand)) {
      throw new PolicyError(`Invalid value '${operand}' for the condition ${name}.`)
    }
  }
  return {
    operator,
    quantifier: quantifier as Condition['quantifier'],
    isIfExists: ifExists !== undefined,
    key,
    values: operands,
  }
}

function operandOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || typeof value === 'number') return String(value)
  throw syntaxError()
}

function checkSid(sid: unknown, kind: PolicyKind, sids: Set<string>): void {
  if (sid === undefined || sid === '') return
  const isFine =
    typeof sid === 'string' &&
    (kind === 'resource' ? sid.length <= 256 : /^[A-Za-z0-9]+$/.test(sid))
  if (!isFine) throw new PolicyError('Statement IDs (SID) must be alpha-numeric.')
  if (sids.has(sid)) {
    throw new PolicyError('Statement IDs (SID) in a single policy must be unique.')
  }
  sids.add(sid)
}

function stringsOf(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) throw syntaxError()
  return list.map((item) => {
    if (typeof item !== 'string') throw syntaxError()
    return item
  })
}

function objectOf(value: unknown, names?: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw syntaxError()
  if (names && Object.keys(value).some((name) => !names.includes(name))) throw syntaxError()
  return value as Json
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw new PolicyError('This policy contains invalid Json')
    throw error
  }
}

function syntaxError() {
  return new PolicyError('Syntax errors in policy.')
}
