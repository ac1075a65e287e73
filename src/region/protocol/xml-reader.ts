import { Fault } from './fault.ts'

/** An element without its namespace. */
export interface XmlNode {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlNode[]
  /** Its character data, without that of its children. */
  readonly text: string
}

const MAX_DEPTH = 32
/** More than the longest document has: an upload that is completed with 10,000 parts and their checksums. */
const MAX_ELEMENTS = 100_000

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/** One markup or one run of text, in the order of the alternatives. */
const TOKEN =
  /<!--([\s\S]*?)-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<\/([^\s<>/]+)\s*>|<([^\s<>/!?]+)((?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y

/**
 * Reads a document: elements, attributes and text. Document types are refused, and with them every entity
 * that is not XML's own; what has more elements or is nested deeper than any document of AWS is refused too.
 *
 * @throws Fault `MalformedXML`
 */
export function parseXml(document: string): XmlNode {
  const root: Draft = draft('')
  const open: Draft[] = [root]
  let elements = 0
  TOKEN.lastIndex = 0
  const text = document.replace(/^\ufeff/, '')
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text)
    if (!match) throw malformedXml()
    const [, , cdata, closed, opened, attributes = '', isEmpty, characters] = match
    const parent = open.at(-1)!
    if (opened !== undefined) {
      if (++elements > MAX_ELEMENTS) throw malformedXml()
      const node = draft(opened, attributes)
      parent.children.push(node)
      if (!isEmpty) open.push(node)
      if (open.length > MAX_DEPTH) throw malformedXml()
    } else if (closed !== undefined) {
      if (open.length < 2 || open.pop()!.qualifiedName !== closed) throw malformedXml()
    } else if (cdata !== undefined) parent.text += cdata
    else if (characters !== undefined) parent.text += unescapeXml(characters)
  }
  const [only, ...more] = root.children
  if (!only || more.length > 0 || open.length > 1 || root.text.trim() !== '') throw malformedXml()
  return only
}

interface Draft extends XmlNode {
  readonly qualifiedName: string
  readonly children: Draft[]
  text: string
}

function draft(qualifiedName: string, attributeText = ''): Draft {
  const attributes = new Map<string, string>()
  for (const [, name, , double, single] of attributeText.matchAll(
    /([^\s=]+)\s*=\s*("([^"]*)"|'([^']*)')/g,
  )) {
    if (attributes.has(name!)) throw malformedXml()
    attributes.set(name!, unescapeXml(double ?? single ?? ''))
  }
  const name = qualifiedName.slice(qualifiedName.indexOf(':') + 1)
  return { qualifiedName, name, attributes, children: [], text: '' }
}

function unescapeXml(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{1,8}));|&/g, (_, decimal, hex, name) => {
      if (name !== undefined && Object.hasOwn(ENTITIES, name)) return ENTITIES[name]!
      const code = decimal ? Number(decimal) : Number.parseInt(hex ?? '', 16)
      if (!(code > 0 && code <= 0x10ffff)) throw malformedXml()
      return String.fromCodePoint(code)
    })
}

export function malformedXml(): Fault {
  const wireCode = 'MalformedXML'
  return new Fault(
    wireCode,
    'The XML you provided was not well-formed or did not validate against our published schema',
    { wireCode, httpStatus: 400 },
  )
}
