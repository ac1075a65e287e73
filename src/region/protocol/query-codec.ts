import { Fault } from './fault.ts'
import { type FormNode, formTree, MAX_PARAMETERS } from './form.ts'
import { requiredMembers, type Schema } from './model.ts'
import { formatNumber, parseBoolean, parseBytes, parseNumber, parseTimestamp } from './scalars.ts'
import { xmlElement, xmlText } from './xml.ts'

/**
 * The AWS Query protocol, from the server's side: dotted form parameters in, XML out.
 *
 * Lists arrive in three forms, all accepted: by the model's name (`Filters.Filter.1`, botocore and the SDKs),
 * `Filters.member.1`, and flattened (`Filters.1`).
 * Source: Smithy, "AWS query protocol".
 */

/**
 * Decodes the parameters of one operation.
 *
 * @param parameters  all of them but `Action` and `Version`
 * @throws Fault `MissingParameter`, `InvalidParameterValue`, or `InvalidQueryParameter` for one that the
 *   model does not know: it could not be honoured.
 */
export function readQueryInput(
  input: Schema,
  parameters: ReadonlyMap<string, string>,
): Record<string, unknown> {
  return readStructure(input, formTree(parameters), '')
}

/** The body of an answer: `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`. */
export function writeQueryOutput(
  operation: string,
  output: Schema,
  result: object,
  { xmlNamespace, requestId }: { xmlNamespace: string; requestId: string },
): string {
  const members = output.isStructSchema() ? writeMembers(output, result) : ''
  const body =
    (output.isStructSchema() ? xmlElement(`${operation}Result`, members) : '') +
    xmlElement('ResponseMetadata', xmlElement('RequestId', xmlText(requestId)))
  return xmlElement(`${operation}Response`, body, { xmlns: xmlNamespace })
}

function readStructure(structure: Schema, node: FormNode, path: string): Record<string, unknown> {
  if (node.value) throw invalid(path, 'is a structure and has no value of its own')
  const result: Record<string, unknown> = {}
  const known = new Set<string>()
  if (structure.isStructSchema()) {
    for (const [name, member] of structure.structIterator()) {
      const wireName = nameOf(member) ?? name
      known.add(wireName)
      const child = node.childByName.get(wireName)
      if (child) result[name] = readValue(member, child, join(path, wireName))
    }
  }
  for (const name of node.childByName.keys()) {
    if (!known.has(name)) throw unknown(join(path, name))
  }
  for (const name of requiredMembers(structure)) {
    if (result[name] === undefined) throw missing(join(path, name))
  }
  return result
}

function readValue(schema: Schema, node: FormNode, path: string): unknown {
  if (schema.isListSchema()) return readList(schema, node, path)
  if (schema.isMapSchema()) return readMap(schema, node, path)
  if (schema.isStructSchema()) return readStructure(schema, node, path)
  if (node.childByName.size > 0 || node.value === undefined) {
    throw invalid(path, 'is a single value')
  }
  return readScalar(schema, node.value, path)
}

function readScalar(schema: Schema, text: string, path: string): unknown {
  if (schema.isBooleanSchema()) return parseBoolean(text) ?? fail(path, 'is true or false')
  if (schema.isNumericSchema()) return parseNumber(text) ?? fail(path, 'is a number')
  if (schema.isTimestampSchema()) return parseTimestamp(text) ?? fail(path, 'is a time with a zone')
  if (schema.isBlobSchema()) return parseBytes(text) ?? fail(path, 'is base64')
  // What XML cannot carry back is refused on the way in.
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text)) {
    throw invalid(path, 'has control characters')
  }
  return text
}

function readList(list: Schema, node: FormNode, path: string): unknown[] {
  const value = list.getValueSchema()
  return listMembers(node, [nameOf(value), 'member'], path).map(([index, child]) =>
    readValue(value, child, join(path, index)),
  )
}

function readMap(map: Schema, node: FormNode, path: string): Record<string, unknown> {
  const [key, value] = [map.getKeySchema(), map.getValueSchema()]
  const result: Record<string, unknown> = Object.create(null)
  for (const [index, entry] of listMembers(node, ['entry'], path)) {
    const name = entry.childByName.get(nameOf(key) ?? 'key')?.value
    const held = entry.childByName.get(nameOf(value) ?? 'value')
    if (name === undefined || !held || entry.childByName.size !== 2) {
      throw invalid(join(path, index), 'is a key and a value')
    }
    result[name] = readValue(value, held, join(path, index))
  }
  return result
}

/** The numbered children in order, under one of the wrapper names or under none. */
function listMembers(
  node: FormNode,
  wrappers: readonly (string | undefined)[],
  path: string,
): [string, FormNode][] {
  // An empty list is sent as the bare name: `Tags=`.
  if (node.childByName.size === 0 && node.value === '') return []
  if (node.value !== undefined) throw invalid(path, 'is a list')

  const [[first, only] = ['', node]] = node.childByName
  const isWrapped = node.childByName.size === 1 && wrappers.includes(first)
  const holder = isWrapped ? only : node
  if (isWrapped && holder.value !== undefined) {
    if (holder.value === '' && holder.childByName.size === 0) return []
    throw invalid(path, 'is a list')
  }
  const members = [...holder.childByName]
  for (const [index] of members) {
    if (!/^[1-9]\d{0,3}$/.test(index) || Number(index) > MAX_PARAMETERS) {
      throw invalid(path, `is a list numbered from 1 to ${MAX_PARAMETERS}`)
    }
  }
  return members.sort(([a], [b]) => Number(a) - Number(b))
}

function writeMembers(structure: Schema, value: object): string {
  let text = ''
  for (const [name, member] of structure.structIterator()) {
    const held = (value as Record<string, unknown>)[name]
    if (held !== undefined && held !== null)
      text += writeValue(member, held, nameOf(member) ?? name)
  }
  return text
}

function writeValue(schema: Schema, value: unknown, name: string): string {
  if (schema.isListSchema()) {
    const member = schema.getValueSchema()
    const isFlat = schema.getMergedTraits().xmlFlattened
    const memberName = isFlat ? name : (nameOf(member) ?? 'member')
    const members = (value as unknown[])
      .map((item) => writeValue(member, item, memberName))
      .join('')
    return isFlat ? members : xmlElement(name, members)
  }
  if (schema.isMapSchema()) {
    const [key, held] = [schema.getKeySchema(), schema.getValueSchema()]
    const entries = Object.entries(value as object).map(([k, v]) =>
      xmlElement(
        'entry',
        xmlElement(nameOf(key) ?? 'key', xmlText(k)) + writeValue(held, v, nameOf(held) ?? 'value'),
      ),
    )
    return xmlElement(name, entries.join(''))
  }
  if (schema.isStructSchema()) return xmlElement(name, writeMembers(schema, value as object))
  return xmlElement(name, xmlText(formatScalar(value)))
}

function formatScalar(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return typeof value === 'number' ? formatNumber(value) : String(value)
}

function nameOf(schema: Schema): string | undefined {
  return schema.getMergedTraits().xmlName as string | undefined
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function fail(path: string, claim: string): never {
  throw invalid(path, claim)
}

function invalid(path: string, claim: string) {
  return queryFault(
    'InvalidParameterValue',
    `Invalid value for the parameter ${path}: it ${claim}.`,
  )
}

function unknown(path: string) {
  return queryFault('InvalidQueryParameter', `The parameter ${path} is not known.`)
}

function missing(path: string) {
  return queryFault('MissingParameter', `The request must contain the parameter ${path}.`)
}

function queryFault(wireCode: string, message: string) {
  return new Fault(wireCode, message, { wireCode, httpStatus: 400 })
}
