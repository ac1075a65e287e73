import { Fault } from './fault.ts'

/** Most parameters that one request may carry, and the highest index of a list member. */
export const MAX_PARAMETERS = 1000
const MAX_DEPTH = 16
const MAX_NAME_LENGTH = 512

/** One name of a dotted parameter: `Filters` → `Filter` → `1` → `Name` = `db-instance-id`. */
export interface FormNode {
  value?: string
  readonly childByName: Map<string, FormNode>
}

/**
 * Reads `a=1&b.c=2`, a form body or a query string, strictly: one value per name, valid percent-encoding
 * of valid UTF-8.
 *
 * @throws Fault `MalformedQueryString`
 */
export function parseForm(text: string): Map<string, string> {
  const values = new Map<string, string>()
  if (text === '') return values
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    if (name === '') throw malformed('A parameter has no name.')
    if (values.has(name)) throw malformed('A parameter occurs twice.')
    if (values.size >= MAX_PARAMETERS) throw malformed('The request has too many parameters.')
    values.set(name, value)
  }
  return values
}

/**
 * The tree that dotted names span. Maps, not objects: a name like `__proto__` is only a name.
 *
 * @throws Fault `MalformedQueryString`
 */
export function formTree(values: ReadonlyMap<string, string>): FormNode {
  const root = emptyNode()
  for (const [name, value] of values) {
    const path = name.length <= MAX_NAME_LENGTH ? name.split('.') : []
    if (path.length === 0 || path.length > MAX_DEPTH || path.includes('')) {
      throw malformed('A parameter name is not well formed.')
    }
    let node = root
    for (const part of path) {
      const next = node.childByName.get(part) ?? emptyNode()
      node.childByName.set(part, next)
      node = next
    }
    node.value = value
  }
  return root
}

function emptyNode(): FormNode {
  return { childByName: new Map() }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) throw malformed('The percent-encoding is not valid.')
    throw error
  }
}

function malformed(message: string) {
  // Source: "Common Errors" of the RDS API Reference, which gives this code the status 404.
  return new Fault('MalformedQueryString', message, {
    wireCode: 'MalformedQueryString',
    httpStatus: 404,
  })
}
