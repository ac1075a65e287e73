import { jsonIn } from '../../../core/json.ts'
import { invalid } from '../faults.ts'
import type { Message, MessageAttribute } from '../records.ts'

/** A filter policy as it is understood; only `parseFilterPolicy` makes one. */
export type FilterPolicy = ReadonlyMap<string, Filter>

/** Any of the conditions, for one key; or a policy for what is below it. */
type Filter = readonly Condition[] | FilterPolicy

/** @param value  undefined when the message does not have the key */
type Condition = (value: Value) => boolean
type Value = string | number | boolean | null | undefined

export type FilterPolicyScope = 'MessageAttributes' | 'MessageBody'

/** Source: SNS Developer Guide, "Filter policy constraints". */
const MAX_KEYS = 5
const MAX_COMBINATIONS = 150
const MAX_BYTES = 256 * 1024
const MAX_DEPTH = 5

/**
 * Reads a filter policy. Everything in it is understood, or it is refused: a condition that was skipped would deliver, or
 * hold back, what its author did not mean.
 *
 * Unlike AWS: there are no `cidr`, wildcards and `$or`.
 *
 * Source: SNS Developer Guide, "Subscription filter policies".
 *
 * @throws SnsFault `InvalidParameterException`
 */
export function parseFilterPolicy(text: string, scope: FilterPolicyScope): FilterPolicy {
  if (Buffer.byteLength(text) > MAX_BYTES) throw wrong(`it has at most ${MAX_BYTES} bytes`)
  const policy = readPolicy(parse(text), scope, 1)
  const leaves = leavesOf(policy)
  if (leaves.length > MAX_KEYS) throw wrong(`it has at most ${MAX_KEYS} keys`)
  const combinations = leaves.reduce((product, conditions) => product * conditions.length, 1)
  if (combinations > MAX_COMBINATIONS) {
    throw wrong(`it has at most ${MAX_COMBINATIONS} combinations of values`)
  }
  return policy
}

/** Whether a message is for a subscription: every key of its policy has a value that it asks for. */
export function matches(
  policy: FilterPolicy,
  scope: FilterPolicyScope,
  { text, attributes = {} }: Pick<Message, 'text' | 'attributes'>,
): boolean {
  if (scope === 'MessageBody') return matchesBody(policy, jsonIn(text))
  return [...policy].every(([key, filter]) => {
    const attribute = Object.hasOwn(attributes, key) ? attributes[key] : undefined
    return isAny(filter as readonly Condition[], attribute ? valuesOf(attribute) : [undefined])
  })
}

function matchesBody(policy: FilterPolicy, body: unknown): boolean {
  // A policy for many objects is met by any of them.
  if (Array.isArray(body)) return body.some((item) => matchesBody(policy, item))
  const object = typeof body === 'object' && body !== null ? body : {}
  return [...policy].every(([key, filter]) => {
    const held = Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined
    if (isPolicy(filter)) return matchesBody(filter, held)
    const values = Array.isArray(held) ? held : [held]
    return isAny(filter, values.filter(isValue))
  })
}

function isAny(conditions: readonly Condition[], values: readonly Value[]): boolean {
  return conditions.some((condition) => values.some(condition))
}

function isPolicy(filter: Filter): filter is FilterPolicy {
  return filter instanceof Map
}

function isValue(value: unknown): value is Value {
  return value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value)
}

/** Binary attributes have no values that could match. */
function valuesOf({ type, value }: MessageAttribute): Value[] {
  if (type.startsWith('Number')) return [Number(value)]
  if (type === 'String.Array') {
    const list = jsonIn(value)
    return Array.isArray(list) ? list.filter(isValue) : []
  }
  return type.startsWith('String') ? [value] : []
}

function readPolicy(value: unknown, scope: FilterPolicyScope, depth: number): FilterPolicy {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong('it is an object of lists')
  }
  if (depth > MAX_DEPTH) throw wrong(`it is at most ${MAX_DEPTH} levels deep`)
  const policy = new Map<string, Filter>()
  for (const [key, held] of Object.entries(value)) {
    if (key.startsWith('$')) throw wrong(`'${key}' is not available in an embedded region`)
    if (Array.isArray(held)) policy.set(key, readConditions(key, held))
    else if (scope === 'MessageBody') policy.set(key, readPolicy(held, scope, depth + 1))
    else throw wrong(`'${key}' has a list of values`)
  }
  if (policy.size === 0 && depth > 1) throw wrong('it has no empty objects')
  return policy
}

function leavesOf(policy: FilterPolicy): (readonly Condition[])[] {
  return [...policy.values()].flatMap((filter) => (isPolicy(filter) ? leavesOf(filter) : [filter]))
}

function readConditions(key: string, list: readonly unknown[]): Condition[] {
  if (list.length === 0) throw wrong(`'${key}' has no values`)
  return list.map((item) => readCondition(key, item))
}

function readCondition(key: string, item: unknown): Condition {
  if (isValue(item)) return (value) => value === item
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw wrong(`a value of '${key}' is none`)
  }
  const [[name, operand] = ['', undefined], ...others] = Object.entries(item)
  if (others.length > 0) throw wrong(`'${key}' has a condition with more than one operator`)
  switch (name) {
    case 'prefix':
    case 'suffix':
    case 'equals-ignore-case':
      return textCondition(name, textOf(key, name, operand))
    case 'anything-but':
      return anythingBut(key, operand)
    case 'exists':
      if (typeof operand !== 'boolean') throw wrong(`'exists' of '${key}' is true or false`)
      return (value) => (value !== undefined) === operand
    case 'numeric':
      return numeric(key, operand)
    default:
      throw wrong(`'${key}' has the operator '${name}', which is not available`)
  }
}

function textCondition(name: string, operand: string): Condition {
  if (name === 'prefix') return (value) => typeof value === 'string' && value.startsWith(operand)
  if (name === 'suffix') return (value) => typeof value === 'string' && value.endsWith(operand)
  const lower = operand.toLowerCase()
  return (value) => typeof value === 'string' && value.toLowerCase() === lower
}

function anythingBut(key: string, operand: unknown): Condition {
  const isSet = isValue(operand) || Array.isArray(operand)
  if (!isSet) {
    const isPresent: Condition = (value) => value !== undefined
    const excluded = readCondition(key, operand)
    return (value) => isPresent(value) && !excluded(value)
  }
  const values: unknown[] = Array.isArray(operand) ? operand : [operand]
  if (values.length === 0 || !values.every(isValue))
    throw wrong(`'anything-but' of '${key}' has no values`)
  return (value) => value !== undefined && !values.includes(value)
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

function numeric(key: string, operand: unknown): Condition {
  const list: unknown[] = Array.isArray(operand) ? operand : []
  const tests: ((value: number) => boolean)[] = []
  for (let i = 0; i < list.length; i += 2) {
    const [operator, bound] = [list[i], list[i + 1]]
    const compare =
      typeof operator === 'string' && Object.hasOwn(COMPARISONS, operator)
        ? COMPARISONS[operator]
        : undefined
    if (!compare || typeof bound !== 'number') break
    tests.push((value) => compare(value, bound))
  }
  if (tests.length < 1 || tests.length > 2 || tests.length * 2 !== list.length) {
    throw wrong(`'numeric' of '${key}' is one or two of =, <, <=, >, >= with a number`)
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value))
}

function textOf(key: string, name: string, operand: unknown): string {
  if (typeof operand === 'string' && operand !== '') return operand
  throw wrong(`'${name}' of '${key}' is a text`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong('it is not JSON')
    throw error
  }
}

function wrong(reason: string) {
  return invalid('FilterPolicy', reason)
}
