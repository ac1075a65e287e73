import { Fault } from './fault.ts'
import { requiredMembers, type Schema } from './model.ts'
import { parseBytes, parseTimestamp } from './scalars.ts'

/**
 * The AWS JSON 1.1 protocol, from the server's side. Timestamps are seconds since 1970, blobs are base64.
 *
 * Source: Smithy, "AWS JSON 1.1 protocol".
 */

/**
 * Decodes the body of one operation; values of another type than the model's are refused, never coerced.
 *
 * @throws Fault `SerializationException` for what is no JSON of that form, `ValidationException` for a
 *   missing member or one that the model does not know: it could not be honoured.
 */
export function readJsonInput(input: Schema, body: Buffer): Record<string, unknown> {
  return readJsonValue(input, parse(body))
}

/** As `readJsonInput`, of a value that is parsed already. */
export function readJsonValue(input: Schema, value: unknown): Record<string, unknown> {
  return readStructure(input, value, '')
}

/**
 * The members of which a body is made where a REST protocol binds others to the path, the parameters and the headers. Which of
 * all are missing, its caller knows.
 *
 * @throws Fault as `readJsonInput`
 */
export function readJsonMembers(
  members: readonly { readonly member: string; readonly schema: Schema }[],
  body: Buffer,
): Record<string, unknown> {
  return readMembers(
    members.map(({ member, schema }) => [member, schema]),
    parse(body),
    '',
  )
}

/** As an operation refuses an input that lacks a member. */
export function missingMember(path: string): Fault {
  return validation(`Value at '${path}' failed to satisfy constraint: Member must not be null`)
}

/** The body of an answer. */
export function writeJsonOutput(output: Schema, result: object): string {
  return JSON.stringify(writeStructure(output, result))
}

function parse(body: Buffer): unknown {
  try {
    return body.length === 0
      ? {}
      : JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) {
      throw serialization('The body is not JSON.')
    }
    throw error
  }
}

function readStructure(structure: Schema, value: unknown, path: string): Record<string, unknown> {
  const members = structure.isStructSchema() ? structure.structIterator() : []
  const result = readMembers(members, value, path)
  for (const name of requiredMembers(structure)) {
    if (result[name] === undefined) throw missingMember(join(path, name))
  }
  return result
}

function readMembers(
  members: Iterable<readonly [string, Schema]>,
  value: unknown,
  path: string,
): Record<string, unknown> {
  if (!isObject(value)) throw serialization(`${path || 'The body'} is not an object.`)
  const result: Record<string, unknown> = {}
  const known = new Set<string>()
  for (const [name, member] of members) {
    known.add(name)
    // A null member is an absent one.
    if (!Object.hasOwn(value, name) || value[name] === null) continue
    result[name] = readValue(member, value[name], join(path, name))
  }
  for (const name of Object.keys(value)) {
    if (!known.has(name)) throw validation(`'${join(path, name)}' is not known.`)
  }
  return result
}

function readValue(schema: Schema, value: unknown, path: string): unknown {
  if (schema.isStructSchema()) return readStructure(schema, value, path)
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) throw serialization(`${path} is not a list.`)
    return value.map((item, index) =>
      readValue(schema.getValueSchema(), item, join(path, `${index}`)),
    )
  }
  if (schema.isMapSchema()) {
    if (!isObject(value)) throw serialization(`${path} is not a map.`)
    const result: Record<string, unknown> = Object.create(null)
    for (const [key, held] of Object.entries(value)) {
      result[key] = readValue(schema.getValueSchema(), held, join(path, key))
    }
    return result
  }
  return readScalar(schema, value, path)
}

function readScalar(schema: Schema, value: unknown, path: string): unknown {
  if (schema.isBooleanSchema() && typeof value === 'boolean') return value
  if (schema.isNumericSchema() && typeof value === 'number') return value
  if (schema.isStringSchema() && typeof value === 'string') return value
  if (schema.isBlobSchema() && typeof value === 'string') {
    const bytes = parseBytes(value)
    if (bytes) return bytes
  }
  if (schema.isTimestampSchema()) {
    const time = typeof value === 'number' ? new Date(value * 1000) : parseTimestamp(String(value))
    if (time && !Number.isNaN(time.getTime())) return time
  }
  throw serialization(`${path} is of another type.`)
}

function writeStructure(structure: Schema, value: object): object {
  const result: Record<string, unknown> = {}
  if (!structure.isStructSchema()) return result
  for (const [name, member] of structure.structIterator()) {
    const held = (value as Record<string, unknown>)[name]
    if (held !== undefined && held !== null) result[name] = writeValue(member, held)
  }
  return result
}

function writeValue(schema: Schema, value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (schema.isStructSchema()) return writeStructure(schema, value as object)
  if (schema.isListSchema()) {
    return (value as unknown[]).map((item) => writeValue(schema.getValueSchema(), item))
  }
  if (schema.isMapSchema()) {
    const entries = Object.entries(value as object)
    return Object.fromEntries(entries.map(([k, v]) => [k, writeValue(schema.getValueSchema(), v)]))
  }
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function serialization(message: string) {
  return jsonFault('SerializationException', message)
}

function validation(message: string) {
  return jsonFault('ValidationException', `1 validation error detected: ${message}`)
}

function jsonFault(wireCode: string, message: string) {
  return new Fault(wireCode, message, { wireCode, httpStatus: 400 })
}
