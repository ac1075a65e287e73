/** The head of a request as it came off the socket. Nothing in it is proven. */
export interface RawHead {
  readonly method: string
  /** The request target of the request line, as sent. */
  readonly target: string
  /** Names and values by turns, as sent (`IncomingMessage.rawHeaders`). */
  readonly rawHeaders: readonly string[]
}

/** A request with its whole body. */
export interface RawRequest extends RawHead {
  readonly body: Buffer
}

/** A request whose body is still arriving; who does not read it makes the client wait. */
export interface RawStream extends RawHead {
  /** Throws when the client goes away before the end. */
  readonly body: AsyncIterable<Buffer>
}

/** Lower-case header names with every value that arrived, in order. Made once for each request. */
export function headersByName(
  rawHeaders: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const known = HEADERS.get(rawHeaders)
  if (known) return known
  const headers = new Map<string, string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    const values = headers.get(name)
    if (values) values.push(rawHeaders[i + 1]!)
    else headers.set(name, [rawHeaders[i + 1]!])
  }
  HEADERS.set(rawHeaders, headers)
  return headers
}

const HEADERS = new WeakMap<readonly string[], ReadonlyMap<string, readonly string[]>>()

/** The path and the query of a request target, cut at the first `?`. */
export function splitTarget(target: string): { path: string; queryText: string } {
  const mark = target.indexOf('?')
  return mark < 0
    ? { path: target, queryText: '' }
    : { path: target.slice(0, mark), queryText: target.slice(mark + 1) }
}
