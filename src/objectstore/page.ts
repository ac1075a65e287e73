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

/**
 * One page of an ordered index. Keys that hold `delimiter` behind `prefix` appear together, as the part up to it; `limit`
 * counts both. What stands under a common prefix is skipped, not read.
 */
export function page<Value>(o: {
  /** The entries from a place on. */
  rowsFrom: (start: Buffer) => Iterable<{ key: Buffer; value: Value }>
  keyOf: (place: Buffer, value: Value) => string
  bucket: number
  prefix?: string | undefined
  delimiter?: string | undefined
  limit: number
  /** What came last on the page before, and the place behind it. */
  after?: { readonly last: string; readonly place: Buffer } | undefined
  /** Passes over all but the first entry of each key. */
  onlyFirst?: boolean
  isHidden?: (value: Value) => boolean
}): Page<Value> {
  const { bucket, prefix = '', limit, after } = o
  const rows: Row<Value>[] = []
  const commonPrefixes: string[] = []
  let last: string | undefined
  const result = (isTruncated: boolean) => ({ rows, commonPrefixes, isTruncated, last })
  if (limit <= 0) return result(false)

  const begin = textPrefix(bucket, prefix)
  let from = after && Buffer.compare(after.place, begin) > 0 ? after.place : begin
  let previousKey: string | undefined
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
      if (o.isHidden?.(value)) continue
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
  }
}

function commonPrefixOf(key: string, prefix: string, delimiter = ''): string | undefined {
  if (delimiter === '') return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.slice(0, at + delimiter.length)
}
