import { behind, keyPrefix, textPrefix } from './version-key.ts'

/** An entry of an index, with the key of the object that it belongs to. */
export interface Row<Value> {
  readonly key: string
  readonly value: Value
  /** Whether no entry of that key came before it. */
  readonly isFirst: boolean
}

export interface Page<Value> {
  readonly rows: Row<Value>[]
  readonly commonPrefixes: string[]
  /** Whether there is more. */
  readonly isTruncated: boolean
  /** The key or common prefix that came last. */
  readonly last: string | undefined
}

/** So many entries are passed over one by one before it pays to seek. */
const PATIENCE = 4
/** The place that follows another at once. */
const NEXT = Buffer.from([0])
/** After so many that are not shown, others get their turn. */
const HIDDEN_AT_ONCE = 1000

/** What a page is made of. */
export interface Paged<Value> {
  /** The entries from a place on. */
  readonly rowsFrom: (start: Buffer) => Iterable<{ key: Buffer; value: Value }>
  readonly keyOf: (place: Buffer, value: Value) => string
  readonly bucket: number
  readonly prefix?: string | undefined
  readonly delimiter?: string | undefined
  readonly limit: number
  /** What came last on the page before, and the place behind it. */
  readonly after?: { readonly last: string; readonly place: Buffer } | undefined
  /** Passes over all but the first entry of each key. */
  readonly onlyFirst?: boolean
  readonly isHidden?: (value: Value) => boolean
}

/**
 * One page of an ordered index. Keys that hold `delimiter` behind `prefix` appear together, as the part up to it; `limit`
 * counts both. What stands under a common prefix is skipped, not read.
 */
export function page<Value>(o: Paged<Value>): Page<Value> {
  const steps = pageInSteps(o)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** As `page`, and lets others run while it passes over many entries that are not shown. What they change may be seen or not. */
export async function pageByTurns<Value>(o: Paged<Value>): Promise<Page<Value>> {
  const steps = pageInSteps(o)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await new Promise(setImmediate)
  }
}

/** Holds no iterator of the index while it rests. */
function* pageInSteps<Value>(o: Paged<Value>): Generator<undefined, Page<Value>> {
  const { bucket, prefix = '', limit, after } = o
  const rows: Row<Value>[] = []
  const commonPrefixes: string[] = []
  let last: string | undefined
  const result = (isTruncated: boolean) => ({ rows, commonPrefixes, isTruncated, last })
  if (limit <= 0) return result(false)

  const begin = textPrefix(bucket, prefix)
  let from = after && Buffer.compare(after.place, begin) > 0 ? after.place : begin
  let previousKey: string | undefined
  let hidden = 0
  for (;;) {
    let seek: Buffer | undefined
    let passed = 0
    for (const { key: place, value } of o.rowsFrom(from)) {
      const key = o.keyOf(place, value)
      const isFirst = key !== previousKey
      previousKey = key
      if (o.onlyFirst && !isFirst) {
        if (++passed < PATIENCE) continue
        seek = behind(keyPrefix(bucket, key))
        break
      }
      passed = 0
      if (o.isHidden?.(value)) {
        if (++hidden < HIDDEN_AT_ONCE) continue
        seek = Buffer.concat([place, NEXT])
        break
      }
      const group = commonPrefixOf(key, prefix, o.delimiter)
      const isKnown = group !== undefined && after?.last.startsWith(group) === true
      if (!isKnown && rows.length + commonPrefixes.length === limit) return result(true)
      if (group === undefined) {
        rows.push({ key, value, isFirst })
        last = key
        continue
      }
      if (!isKnown) {
        commonPrefixes.push(group)
        last = group
      }
      seek = behind(textPrefix(bucket, group))
      break
    }
    if (!seek) return result(false)
    from = seek
    if (hidden >= HIDDEN_AT_ONCE) {
      hidden = 0
      yield
    }
  }
}

function commonPrefixOf(key: string, prefix: string, delimiter = ''): string | undefined {
  if (delimiter === '') return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.slice(0, at + delimiter.length)
}
