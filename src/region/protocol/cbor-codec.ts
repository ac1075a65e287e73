import { cbor, tag } from '@smithy/core/cbor'
import { Fault } from './fault.ts'
import { readJsonValue } from './json-codec.ts'
import type { Schema } from './model.ts'
import { queryErrorHeader, type Reply } from './reply.ts'

/**
 * The Smithy RPC v2 CBOR protocol, from the server's side. Timestamps are seconds since 1970 under tag 1.
 *
 * Source: Smithy, "Smithy RPC v2 CBOR protocol".
 */

const EPOCH_SECONDS = 1

/** The operation that a path names, or undefined when the request is not of this protocol. */
export function cborOperation(path: string, version: string): string | undefined {
  const [, service, operation] = /^\/service\/(\w+)\/operation\/(\w+)$/.exec(path) ?? []
  return service === version ? operation : undefined
}

/** @throws Fault `SerializationException`, `ValidationException` */
export function readCborInput(input: Schema, body: Buffer): Record<string, unknown> {
  return readJsonValue(input, body.length === 0 ? {} : plain(decode(body)))
}

export function cborReply(output: Schema, result: object, requestId: string): Reply {
  return reply(200, tagged(output, result), requestId)
}

/** @param o.isCompatible  see `jsonErrorReply` */
export function cborErrorReply(
  fault: Fault,
  requestId: string,
  { isCompatible }: { isCompatible: boolean },
): Reply {
  const code = isCompatible ? fault.shape : fault.wireCode
  const told = { __type: code, message: fault.message }
  const { headers, ...answered } = reply(fault.httpStatus, told, requestId)
  return { ...answered, headers: { ...headers, ...(isCompatible ? queryErrorHeader(fault) : {}) } }
}

function reply(status: number, value: unknown, requestId: string): Reply {
  return {
    status,
    headers: {
      'content-type': 'application/cbor',
      'smithy-protocol': 'rpc-v2-cbor',
      'x-amzn-requestid': requestId,
    },
    body: Buffer.from(cbor.serialize(value)),
  }
}

function decode(body: Buffer): unknown {
  try {
    return cbor.deserialize(body)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const shape = { wireCode: 'SerializationException', httpStatus: 400 }
    throw new Fault('SerializationException', 'The body is not CBOR.', shape)
  }
}

/** Times as JSON has them. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const { tag: number, value: held } = value as { tag?: unknown; value?: unknown }
  if (number === EPOCH_SECONDS && typeof held === 'number') return held
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

function tagged(schema: Schema, value: unknown): unknown {
  if (value instanceof Date) return tag({ tag: EPOCH_SECONDS, value: value.getTime() / 1000 })
  if (schema.isListSchema()) {
    return (value as unknown[]).map((item) => tagged(schema.getValueSchema(), item))
  }
  if (!schema.isStructSchema()) return value
  const result: Record<string, unknown> = {}
  for (const [name, member] of schema.structIterator()) {
    const held = (value as Record<string, unknown>)[name]
    if (held !== undefined && held !== null) result[name] = tagged(member, held)
  }
  return result
}
