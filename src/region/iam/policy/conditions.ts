import { isIP } from 'node:net'
import type { Condition } from './document.ts'
import { isBlock, isInBlock } from './ip-block.ts'
import { type Lookup, matches, readArnPattern, readPattern } from './pattern.ts'

/**
 * The operators of `Condition`.
 *
 * Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
 */
interface Operator {
  /** Whether a value of the request is what one value of the policy says. */
  readonly test: (asked: string, operand: string, lookup: Lookup | undefined) => boolean
  /** Whether a policy may say this. */
  readonly isOperand: (operand: string) => boolean
}

const anyText = () => true

const equals: Operator['test'] = (asked, operand, lookup) => {
  const pattern = readPattern(operand, { lookup, isLiteral: true })
  return pattern !== undefined && matches(pattern, asked)
}

const STRING: Operator = { test: equals, isOperand: anyText }
const STRING_IGNORING_CASE: Operator = {
  test: (asked, operand, lookup) => {
    const pattern = readPattern(operand, { lookup, isLiteral: true })
    return pattern !== undefined && pattern.join('').toLowerCase() === asked.toLowerCase()
  },
  isOperand: anyText,
}
const STRING_PATTERN: Operator = {
  test: (asked, operand, lookup) => {
    const pattern = readPattern(operand, { lookup })
    return pattern !== undefined && matches(pattern, asked)
  },
  isOperand: anyText,
}
const ARN: Operator = {
  test: (asked, operand, lookup) => {
    if (operand === '*') return true
    const pattern = readArnPattern(operand, { lookup, keepsToParts: true })
    return pattern !== undefined && matches(pattern, asked)
  },
  isOperand: (operand) => operand === '*' || /^arn:|\$\{/.test(operand),
}
const BOOL: Operator = {
  test: (asked, operand, lookup) => equals(asked.toLowerCase(), operand.toLowerCase(), lookup),
  isOperand: (operand) => /^(true|false)$/i.test(operand) || operand.includes('${'),
}
const IP: Operator = {
  test: (asked, operand) => isIP(asked) !== 0 && isInBlock(asked, operand),
  isOperand: isBlock,
}
const BINARY: Operator = { test: (asked, operand) => asked === operand, isOperand: anyText }

function ordered(
  parse: (text: string) => number | undefined,
  isRight: (difference: number) => boolean,
): Operator {
  return {
    test: (asked, operand) => {
      const [a, b] = [parse(asked), parse(operand)]
      return a !== undefined && b !== undefined && isRight(a - b)
    },
    isOperand: (operand) => parse(operand) !== undefined,
  }
}

function orderedBy(name: string, parse: (text: string) => number | undefined) {
  return {
    [`${name}Equals`]: ordered(parse, (difference) => difference === 0),
    [`${name}LessThan`]: ordered(parse, (difference) => difference < 0),
    [`${name}LessThanEquals`]: ordered(parse, (difference) => difference <= 0),
    [`${name}GreaterThan`]: ordered(parse, (difference) => difference > 0),
    [`${name}GreaterThanEquals`]: ordered(parse, (difference) => difference >= 0),
  }
}

/** Operators whose negation has a name of its own: true when no value of the policy matches. */
const NEGATION_OF: ReadonlyMap<string, string> = new Map([
  ['StringNotEquals', 'StringEquals'],
  ['StringNotEqualsIgnoreCase', 'StringEqualsIgnoreCase'],
  ['StringNotLike', 'StringLike'],
  ['NumericNotEquals', 'NumericEquals'],
  ['DateNotEquals', 'DateEquals'],
  ['NotIpAddress', 'IpAddress'],
  ['ArnNotEquals', 'ArnEquals'],
  ['ArnNotLike', 'ArnLike'],
])

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    StringEquals: STRING,
    StringEqualsIgnoreCase: STRING_IGNORING_CASE,
    StringLike: STRING_PATTERN,
    // Both are the same on AWS, too.
    ArnEquals: ARN,
    ArnLike: ARN,
    Bool: BOOL,
    BinaryEquals: BINARY,
    IpAddress: IP,
    ...orderedBy('Numeric', numberOf),
    ...orderedBy('Date', timeOf),
  }),
)

export function isOperator(name: string): boolean {
  return name === 'Null' || OPERATORS.has(NEGATION_OF.get(name) ?? name)
}

/** Whether a policy may compare with this value. */
export function isOperand(name: string, value: string): boolean {
  if (name === 'Null') return /^(true|false)$/i.test(value)
  return OPERATORS.get(NEGATION_OF.get(name) ?? name)?.isOperand(value) ?? false
}

/**
 * Whether a condition holds: any of its values, for the request's value or as its quantifier says.
 *
 * A key that the request lacks fails the condition; but a negated operator, `IfExists` and `ForAllValues` then
 * hold, as on AWS.
 *
 * @param variables  undefined when the policy's version has no variables
 */
export function holds(
  condition: Condition,
  lookup: Lookup,
  variables: Lookup | undefined,
): boolean {
  const { key, values, quantifier, isIfExists } = condition
  const asked = lookup(key)
  if (condition.operator === 'Null') {
    return values.some((value) => (value.toLowerCase() === 'true') === (asked === undefined))
  }
  const positive = NEGATION_OF.get(condition.operator)
  const operator = OPERATORS.get(positive ?? condition.operator)
  if (!operator) return false
  const isRight = (one: string) =>
    values.some((value) => operator.test(one, value, variables)) !== (positive !== undefined)

  if (quantifier === 'ForAllValues') return (asked ?? []).every(isRight)
  if (asked === undefined || asked.length === 0) {
    return isIfExists || (positive !== undefined && quantifier === undefined)
  }
  if (quantifier === 'ForAnyValue') return asked.some(isRight)
  // Several values without a quantifier: a negated operator must hold for all, any other for one.
  return positive === undefined ? asked.some(isRight) : asked.every(isRight)
}

function numberOf(text: string): number | undefined {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** ISO 8601, or seconds since 1970. */
function timeOf(text: string): number | undefined {
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)
  const isZoned = /T.*(Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes('T')
  const time = isTime ? Date.parse(isZoned ? text : `${text}Z`) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
