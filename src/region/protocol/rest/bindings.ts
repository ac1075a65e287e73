import type { Schema } from '../model.ts'
import { membersOf } from '../rest-xml/xml-shapes.ts'

/** Where the members of a request or an answer travel. */
export interface Bindings {
  /** Lower-case header names. */
  readonly headers: readonly Bound[]
  /** Maps whose entries are headers with a common prefix. */
  readonly prefixes: readonly Bound[]
  readonly query: readonly Bound[]
  readonly labels: readonly string[]
  /** The member that tells the status of an answer. */
  readonly status: string | undefined
  /** The one member that is the whole body. */
  readonly payload: Bound | undefined
  /** The members of which the body is made when none is all of it. */
  readonly body: readonly Bound[]
}

export interface Bound {
  readonly member: string
  /** The name on the wire. */
  readonly name: string
  readonly schema: Schema
}

const KNOWN = new WeakMap<object, Bindings>()

/** Reads the bindings from the traits of a structure's members. */
export function bindingsOf(structure: Schema): Bindings {
  if (!structure.isStructSchema()) return NOTHING
  const key = structure.getSchema() as object
  const known = KNOWN.get(key)
  if (known) return known

  const made = { headers: [], prefixes: [], query: [], labels: [], body: [] } as {
    [Place in 'headers' | 'prefixes' | 'query' | 'body']: Bound[]
  } & { labels: string[] }
  let payload: Bound | undefined
  let status: string | undefined
  for (const [member, schema] of membersOf(structure)) {
    const traits = schema.getMergedTraits()
    const at = (name: string) => ({ member, name, schema })
    if (typeof traits.httpHeader === 'string')
      made.headers.push(at(traits.httpHeader.toLowerCase()))
    else if (typeof traits.httpPrefixHeaders === 'string') {
      made.prefixes.push(at(traits.httpPrefixHeaders))
    } else if (typeof traits.httpQuery === 'string') made.query.push(at(traits.httpQuery))
    else if (traits.httpLabel) made.labels.push(member)
    else if (traits.httpPayload) payload = at(member)
    else if (traits.httpResponseCode) status = member
    else made.body.push(at(member))
  }
  const bindings = { ...made, payload, status }
  KNOWN.set(key, bindings)
  return bindings
}

const NOTHING: Bindings = {
  headers: [],
  prefixes: [],
  query: [],
  labels: [],
  status: undefined,
  payload: undefined,
  body: [],
}
