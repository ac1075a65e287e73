import { S3Fault } from './faults.ts'

/** What a policy demands of the form that it comes with. */
interface PostPolicy {
  readonly expiresAt: Date
  readonly conditions: readonly PolicyCondition[]
}

type PolicyCondition =
  | { readonly kind: 'eq' | 'starts-with'; readonly field: string; readonly value: string }
  | { readonly kind: 'content-length-range'; readonly min: number; readonly max: number }

/** How long the file may be, in bytes. */
export interface SizeLimits {
  readonly min: number
  readonly max: number
}

/** Fields that no condition needs to be about. Source: S3 API Reference, "POST Policy". */
const FREE_FIELDS = new Set(['x-amz-signature', 'policy', 'awsaccesskeyid', 'signature', 'file'])

/**
 * Makes sure that a form is as the policy says that was signed for it: every condition holds, and every field has one.
 *
 * @param fields  by lower-case name; with `key` as the object will be called, and `bucket`
 * @returns the limits of the file's length, if the policy has any
 * @throws S3Fault `InvalidPolicyDocument`; `AccessDenied` when it has expired, or the form is not as it says
 */
export function checkPostPolicy(
  text: string,
  fields: ReadonlyMap<string, string>,
  now: Date,
): SizeLimits | undefined {
  const { expiresAt, conditions } = parsePolicy(text)
  if (expiresAt <= now) throw denied('Policy expired.')
  for (const condition of conditions) {
    if (condition.kind === 'content-length-range' || holds(condition, fields)) continue
    const { kind, field, value } = condition
    throw denied(`Policy Condition failed: ["${kind}", "$${field}", "${value}"]`)
  }
  const known = new Set(
    conditions.flatMap((condition) => ('field' in condition ? [condition.field] : [])),
  )
  const extra = [...fields.keys()].filter(
    (name) => !known.has(name) && !FREE_FIELDS.has(name) && !name.startsWith('x-ignore-'),
  )
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ')}`)
  const ranges = conditions.flatMap((condition) => ('min' in condition ? [condition] : []))
  if (ranges.length === 0) return undefined
  return {
    min: Math.max(...ranges.map(({ min }) => min)),
    max: Math.min(...ranges.map(({ max }) => max)),
  }
}

function holds(
  { kind, field, value }: Extract<PolicyCondition, { field: string }>,
  fields: ReadonlyMap<string, string>,
): boolean {
  const sent = fields.get(field)
  if (sent === undefined) return false
  if (kind === 'eq') return sent === value
  // Several content types are each to begin so.
  const parts = field === 'content-type' ? sent.split(',').map((part) => part.trim()) : [sent]
  return parts.every((part) => part.startsWith(value))
}

function parsePolicy(text: string): PostPolicy {
  const policy = parseJson(Buffer.from(text, 'base64').toString('utf8'))
  if (typeof policy !== 'object' || policy === null) throw invalid('Invalid JSON.')
  const { expiration, conditions } = policy as Record<string, unknown>
  if (typeof expiration !== 'string') throw invalid('Policy missing expiration.')
  if (!Array.isArray(conditions)) throw invalid('Policy missing conditions.')
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(expiration)
  const expiresAt = new Date(isTime ? expiration : Number.NaN)
  if (Number.isNaN(expiresAt.getTime())) {
    throw invalid(`Invalid 'expiration' value: '${expiration}'`)
  }
  return { expiresAt, conditions: conditions.flatMap((one) => conditionsIn(one)) }
}

function conditionsIn(value: unknown): PolicyCondition[] {
  if (Array.isArray(value)) return [listed(value)]
  if (typeof value !== 'object' || value === null) throw invalid('Invalid JSON.')
  const entries = Object.entries(value)
  if (entries.length !== 1) throw invalid('A simple condition has exactly one property.')
  return entries.map(([field, expected]) => {
    return { kind: 'eq', field: field.toLowerCase(), value: textOf(expected) }
  })
}

function listed([operator, first, second, ...rest]: readonly unknown[]): PolicyCondition {
  const kind = typeof operator === 'string' ? operator.toLowerCase() : ''
  if (rest.length > 0 || second === undefined) throw invalid('A condition has three elements.')
  if (kind === 'content-length-range') {
    const [min, max] = [first, second].map((limit) => Number(limit))
    const isRange = Number.isSafeInteger(min) && Number.isSafeInteger(max) && min! >= 0
    if (!isRange || max! < 0) throw invalid('Invalid content-length-range.')
    return { kind, min: min!, max: max! }
  }
  if (kind !== 'eq' && kind !== 'starts-with') throw invalid(`Unknown condition '${kind}'.`)
  if (typeof first !== 'string' || !first.startsWith('$')) {
    throw invalid('The name of a field begins with $.')
  }
  return { kind, field: first.slice(1).toLowerCase(), value: textOf(second) }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalid('The value of a condition is a text.')
}

/** A policy may escape the dollar sign, which JSON does not know. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/\\(.)/gs, (both, escaped) => (escaped === '$' ? '$' : both)))
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid('Invalid JSON.')
    throw error
  }
}

function invalid(reason: string): S3Fault {
  return new S3Fault('InvalidPolicyDocument', `Invalid Policy: ${reason}`)
}

function denied(reason: string): S3Fault {
  return new S3Fault('AccessDenied', `Invalid according to Policy: ${reason}`)
}
