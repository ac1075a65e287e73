import { Fault } from '../fault.ts'
import { type Operation, requiredMembers, type Schema } from '../model.ts'
import { bindingsOf } from '../rest/bindings.ts'
import { type RestParts, readRestHead } from '../rest/read-head.ts'
import { malformedXml, parseXml } from '../xml-reader.ts'
import { nameOf, readXmlShape } from './xml-shapes.ts'

/**
 * Decodes the input of an operation by its model.
 *
 * @throws Fault `InvalidArgument`, `InvalidRequest`, `MalformedXML`
 */
export function readRestInput({ input }: Operation, parts: RestParts): Record<string, unknown> {
  const bindings = bindingsOf(input)
  const result = readRestHead(input, parts)
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
