import { Fault } from '../fault.ts'
import type { Schema } from '../model.ts'
import { parseBoolean, parseNumber, parseTimestamp } from '../scalars.ts'
import { bindingsOf } from './bindings.ts'

/** The parts of a request, each decoded as far as HTTP goes. */
export interface RestParts {
  readonly labels: Readonly<Record<string, string>>
  readonly query: ReadonlyMap<string, string>
  readonly headers: ReadonlyMap<string, string>
  /** Undefined when the action reads it as a stream. */
  readonly body: Buffer | undefined
}

/**
 * Decodes what the path, the parameters and the headers of a request hold of an input.
 *
 * @throws Fault `InvalidArgument`
 */
export function readRestHead(
  input: Schema,
  parts: Omit<RestParts, 'body'>,
): Record<string, unknown> {
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
  return result
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
