import { assert } from '../../../core/assert.ts'
import { requiredMembers, type Schema } from '../model.ts'
import { formatNumber, parseBoolean, parseBytes, parseNumber, parseTimestamp } from '../scalars.ts'
import { xmlElement, xmlText } from '../xml.ts'
import { malformedXml, type XmlNode } from '../xml-reader.ts'

const XSI = 'http://www.w3.org/2001/XMLSchema-instance'

/**
 * Reads an element by its shape; what the shape does not know is refused, as it could not be honoured.
 *
 * @throws Fault `MalformedXML`
 */
export function readXmlShape(schema: Schema, node: XmlNode): unknown {
  if (schema.isStructSchema()) return readStructure(schema, node)
  if (schema.isListSchema()) {
    const name = nameOf(schema.getValueSchema()) ?? 'member'
    return node.children.map((child) => {
      if (child.name !== name) throw malformedXml()
      return readXmlShape(schema.getValueSchema(), child)
    })
  }
  if (node.children.length > 0) throw malformedXml()
  return readScalar(schema, node.text)
}

/** Writes an element by its shape, members in the order of the model. */
export function writeXmlShape(
  schema: Schema,
  value: unknown,
  name: string,
  attributes: Record<string, string> = {},
): string {
  const form = formOf(schema)
  if (form.kind === 'list') {
    const { item, isFlat, itemName } = form
    let content = ''
    for (const one of value as unknown[]) {
      content += writeXmlShape(item, one, isFlat ? name : itemName)
    }
    return isFlat ? content : xmlElement(name, content, attributes)
  }
  if (form.kind === 'scalar') return xmlElement(name, xmlText(formatScalar(value)), attributes)
  const own = { ...attributes }
  let content = ''
  for (const { memberName, member, wireName, isAttribute } of form.members) {
    const held = (value as Record<string, unknown>)[memberName]
    if (held === undefined || held === null) continue
    if (isAttribute) Object.assign(own, { 'xmlns:xsi': XSI, [wireName]: String(held) })
    else content += writeXmlShape(member, held, wireName)
  }
  return xmlElement(name, content, own)
}

/** What a schema means for who writes XML: to ask it again for each of a thousand entries is slow. */
type Form =
  | { readonly kind: 'scalar' }
  | {
      readonly kind: 'list'
      readonly item: Schema
      readonly itemName: string
      readonly isFlat: boolean
    }
  | { readonly kind: 'structure'; readonly members: readonly FormMember[] }

interface FormMember {
  readonly memberName: string
  readonly member: Schema
  readonly wireName: string
  readonly isAttribute: boolean
}

const FORMS = new WeakMap<Schema, Form>()

function formOf(schema: Schema): Form {
  const known = FORMS.get(schema)
  if (known) return known
  const form = formFrom(schema)
  FORMS.set(schema, form)
  return form
}

function formFrom(schema: Schema): Form {
  if (schema.isListSchema()) {
    const item = schema.getValueSchema()
    const isFlat = Boolean(schema.getMergedTraits().xmlFlattened)
    return { kind: 'list', item, itemName: nameOf(item) ?? 'member', isFlat }
  }
  if (!schema.isStructSchema()) return { kind: 'scalar' }
  const members = membersOf(schema).map(([memberName, member]) => ({
    ...{ memberName, member, wireName: nameOf(member) ?? memberName },
    isAttribute: Boolean(member.getMergedTraits().xmlAttribute),
  }))
  return { kind: 'structure', members }
}

/** The members of a structure with their schemas; making those anew each time is slow. */
export function membersOf(structure: Schema): readonly (readonly [string, Schema])[] {
  const key = structure.getSchema()
  assert(typeof key === 'object', 'a structure has a schema of its own')
  const known = MEMBERS.get(key)
  if (known) return known
  const members = [...structure.structIterator()]
  MEMBERS.set(key, members)
  return members
}

const MEMBERS = new WeakMap<object, readonly (readonly [string, Schema])[]>()

export function nameOf(schema: Schema): string | undefined {
  return schema.getMergedTraits().xmlName as string | undefined
}

function readStructure(structure: Schema, node: XmlNode): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  const memberByName = new Map<string, readonly [string, Schema]>()
  for (const member of membersOf(structure)) {
    const wireName = nameOf(member[1]) ?? member[0]
    const isAttribute = member[1].getMergedTraits().xmlAttribute
    if (!isAttribute) memberByName.set(wireName, member)
    else if (node.attributes.has(wireName)) result[member[0]] = node.attributes.get(wireName)
  }
  for (const child of node.children) {
    const [name, member] = memberByName.get(child.name) ?? []
    if (name === undefined || !member) throw malformedXml()
    if (member.isListSchema() && member.getMergedTraits().xmlFlattened) {
      result[name] ??= []
      ;(result[name] as unknown[]).push(readXmlShape(member.getValueSchema(), child))
      continue
    }
    if (Object.hasOwn(result, name)) throw malformedXml()
    result[name] = readXmlShape(member, child)
  }
  if (node.children.length > 0 && node.text.trim() !== '') throw malformedXml()
  if (!requiredMembers(structure).every((name) => Object.hasOwn(result, name))) throw malformedXml()
  return result
}

function readScalar(schema: Schema, text: string): unknown {
  if (schema.isBooleanSchema()) return parsed(parseBoolean(text.trim()))
  if (schema.isNumericSchema()) return parsed(parseNumber(text.trim()))
  if (schema.isTimestampSchema())
    return parsed(parseDay(text.trim()) ?? parseTimestamp(text.trim()))
  return schema.isBlobSchema() ? parsed(parseBytes(text.trim())) : text
}

/** Lifecycle dates are days; AWS takes them as midnight in UTC. */
function parseDay(text: string): Date | undefined {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? parseTimestamp(`${text}T00:00:00Z`) : undefined
}

function parsed<T>(value: T | undefined): T {
  if (value === undefined) throw malformedXml()
  return value
}

function formatScalar(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return typeof value === 'number' ? formatNumber(value) : String(value)
}
