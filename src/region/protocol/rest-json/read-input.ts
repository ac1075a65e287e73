import { missingMember, readJsonMembers } from '../json-codec.ts'
import { type Operation, requiredMembers } from '../model.ts'
import { bindingsOf } from '../rest/bindings.ts'
import { type RestParts, readRestHead } from '../rest/read-head.ts'

/**
 * Decodes the input of an operation by its model: its head as REST does, and of its body JSON, or the bytes that are its payload.
 *
 * @throws Fault `InvalidArgument`, `SerializationException`, `ValidationException`
 * Source: Smithy, "AWS restJson1 protocol".
 */
export function readRestJsonInput({ input }: Operation, parts: RestParts): Record<string, unknown> {
  const { payload, body: bound } = bindingsOf(input)
  const { body = Buffer.alloc(0) } = parts
  const result = readRestHead(input, parts)
  if (payload && body.length > 0) result[payload.member] = body
  if (!payload && bound.length > 0) Object.assign(result, readJsonMembers(bound, body))
  for (const member of requiredMembers(input)) {
    if (result[member] === undefined) throw missingMember(member)
  }
  return result
}
