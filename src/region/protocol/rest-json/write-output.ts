import { writeJsonOutput } from '../json-codec.ts'
import type { Operation } from '../model.ts'
import { bindingsOf } from '../rest/bindings.ts'

/**
 * Encodes the output of an operation by its model; a payload is sent as the bytes that it is.
 *
 * @returns `status` where the answer tells one itself
 */
export function writeRestJsonOutput(
  { output }: Operation,
  result: object,
): { status: number | undefined; headers: Record<string, string>; body: string | Buffer } {
  const bindings = bindingsOf(output)
  const held = result as Record<string, unknown>
  const headers: Record<string, string> = {}
  for (const { member, name } of bindings.headers) {
    if (held[member] !== undefined) headers[name] = String(held[member])
  }
  const status = bindings.status === undefined ? undefined : (held[bindings.status] as number)
  if (bindings.payload) {
    const bytes = held[bindings.payload.member] as Uint8Array | undefined
    return { status, headers, body: bytes === undefined ? '' : Buffer.from(bytes) }
  }
  const content = Object.fromEntries(bindings.body.map(({ member }) => [member, held[member]]))
  const body = bindings.body.length === 0 ? '' : writeJsonOutput(output, content)
  return { status, headers, body }
}
