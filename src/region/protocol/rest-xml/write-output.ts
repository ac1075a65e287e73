import type { Operation, Schema } from '../model.ts'
import { bindingsOf } from '../rest/bindings.ts'
import { formatNumber } from '../scalars.ts'
import { nameOf, writeXmlShape } from './xml-shapes.ts'

/** An answer in the parts of which HTTP makes one. */
export interface RestAnswer {
  readonly headers: Record<string, string>
  readonly body: string | AsyncIterable<Buffer>
}

/** Encodes the output of an operation by its model. */
export function writeRestOutput(
  { output }: Operation,
  result: object,
  xmlNamespace: string,
): RestAnswer {
  const bindings = bindingsOf(output)
  const held = result as Record<string, unknown>
  const headers: Record<string, string> = {}
  for (const { member, name, schema } of bindings.headers) {
    if (held[member] !== undefined) headers[name] = formatHeader(schema, held[member])
  }
  for (const { member, name } of bindings.prefixes) {
    for (const [key, value] of Object.entries(held[member] ?? {})) headers[name + key] = value
  }
  if (bindings.payload) {
    const { member, schema } = bindings.payload
    const value = held[member]
    if (value === undefined) return { headers, body: '' }
    if (!schema.isStructSchema()) return { headers, body: value as RestAnswer['body'] }
    const name = nameOf(schema) ?? schema.getName() ?? member
    return { headers: asXml(headers), body: document(schema, value, name, xmlNamespace) }
  }
  if (bindings.body.length === 0) return { headers, body: '' }
  const content = Object.fromEntries(bindings.body.map(({ member }) => [member, held[member]]))
  const name = nameOf(output) ?? output.getName() ?? ''
  return { headers: asXml(headers), body: document(output, content, name, xmlNamespace) }
}

function asXml(headers: Record<string, string>): Record<string, string> {
  return { 'content-type': 'application/xml', ...headers }
}

function document(schema: Schema, value: unknown, name: string, xmlns: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${writeXmlShape(schema, value, name, { xmlns })}`
}

function formatHeader(schema: Schema, value: unknown): string {
  if (value instanceof Date) {
    const isIso = schema.getSchema() === TIMESTAMP_DATE_TIME
    return isIso ? value.toISOString() : value.toUTCString()
  }
  return typeof value === 'number' ? formatNumber(value) : String(value)
}

/** The number by which the SDK marks a timestamp that is ISO 8601 wherever it travels. */
const TIMESTAMP_DATE_TIME = 5
