import { Fault } from '../fault.ts'
import { type Operation, requiredMembers, type Schema } from '../model.ts'
import { parseBoolean, parseNumber, parseTimestamp } from '../scalars.ts'
import { malformedXml, parseXml } from '../xml-reader.ts'
import { bindingsOf } from './bindings.ts'
import { nameOf, readXmlShape } from './xml-shapes.ts'

/** The parts of a request, each decoded as far as HTTP goes. */
export interface RestParts {
  readonly labels: Readonly<Record<string, string>>
  readonly query: ReadonlyMap<string, string>
  readonly headers: ReadonlyMap<string, string>
  /** Undefined when the action reads it as a stream. */
  readonly body: Buffer | undefined
}

/**
 * Decodes the input of an operation by its model.
 *
 * @throws Fault `InvalidArgument`, `InvalidRequest`, `MalformedXML`
 */
export function readRestInput({ input }: Operation, parts: RestParts): Record<string, unknown> {
  const bindings = bindingsOf(input)
  const result: Record<string, unknown> = { ...parts.labels }
  for (const { member, name, schema } of bindings.headers) {
    const text = parts.headers.get(name)
    if (text !== undefined) result[member] = readText(schema, text, name)
  }
  for (const { member, name } of bindings.prefixes) {
    const entries = [...parts.headers].filter(([header]) => header.startsWith(name))
    result[member] = Object.fromEntries(entries.map(([k, v]) => [k.slice(name.length), v]))
  }
  for (const { member, name, schema } of bindings.query) {
    const text = parts.query.get(name)
    if (text !== undefined) result[member] = readText(schema, text, name)
  }
  if (bindings.payload && parts.body) {
    Object.assign(result, readPayload({ input }, parts.body))
  }
  if (!bindings.payload && bindings.body.length > 0 && parts.body && parts.body.length > 0) {
    Object.assign(result, readBody(input, parts.body))
  }
  for (const member of requiredMembers(input)) {
    if (result[member] !== undefined) continue
    if (member === bindings.payload?.member) throw malformedXml()
    const message = `Missing required parameter for this request: ${member}`
    throw new Fault('InvalidRequest', message, { wireCode: 'InvalidRequest', httpStatus: 400 })
  }
  return result
}

/** The members of which the body is made, in an element that is named after the input. */
function readBody(input: Schema, body: Buffer): Record<string, unknown> {
  const root = parseXml(textOf(body))
  if (root.name !== (nameOf(input) ?? input.getName())) throw malformedXml()
  const bound = bindingsOf(input).body
  const result: Record<string, unknown> = {}
  for (const child of root.children) {
    const found = bound.find(({ member, schema }) => (nameOf(schema) ?? member) === child.name)
    if (!found || Object.hasOwn(result, found.member)) throw malformedXml()
    result[found.member] = readXmlShape(found.schema, child)
  }
  return result
}

/** The member of an input that is the whole body. @throws Fault `MalformedXML` */
export function readPayload({ input }: Pick<Operation, 'input'>, body: Buffer): object {
  const { payload } = bindingsOf(input)
  if (!payload || body.length === 0) return {}
  const { member, schema } = payload
  const text = textOf(body)
  if (!schema.isStructSchema()) return { [member]: text }
  const root = parseXml(text)
  if (root.name !== (nameOf(schema) ?? schema.getName())) throw malformedXml()
  return { [member]: readXmlShape(schema, root) }
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch (error) {
    if (error instanceof TypeError) throw malformedXml()
    throw error
  }
}

function readText(schema: Schema, text: string, name: string): unknown {
  if (schema.isListSchema()) return text.split(',').map((item) => item.trim())
  const value = readScalar(schema, text)
  if (value === undefined) {
    const shape = { wireCode: 'InvalidArgument', httpStatus: 400 }
    throw new Fault('InvalidArgument', `Provided ${name} is not of the type that it has.`, shape)
  }
  return value
}

/** Of a text, spaces are a part: a prefix may begin with one. */
function readScalar(schema: Schema, text: string): unknown {
  const trimmed = text.trim()
  if (schema.isNumericSchema()) return parseNumber(trimmed)
  if (schema.isBooleanSchema()) return parseBoolean(trimmed)
  if (schema.isTimestampSchema()) return parseTimestamp(trimmed) ?? parseHttpDate(trimmed)
  // A prefix may end with a space, and a delimiter be one.
  return text
}

/** RFC 9110; in three forms, all of which `Date` reads. */
function parseHttpDate(text: string): Date | undefined {
  const time = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? new Date(text) : undefined
  return time && !Number.isNaN(time.getTime()) ? time : undefined
}
