import { invalidValue } from './faults.ts'

const MIN_RECORDS = 20
const MAX_RECORDS = 100

/**
 * One page of a list, and the marker for the next. The marker says after which record to go on, so that a
 * record that comes or goes in between neither hides nor repeats another.
 *
 * @param keyOf  the key that the list is ordered by; unique
 * @throws RdsFault `InvalidParameterValue`
 */
export function pageOf<T>(
  all: readonly T[],
  { MaxRecords, Marker }: { MaxRecords?: number | undefined; Marker?: string | undefined },
  keyOf: (item: T) => string,
): { items: T[]; next: { Marker?: string } } {
  const size = MaxRecords ?? MAX_RECORDS
  if (!Number.isInteger(size) || size < MIN_RECORDS || size > MAX_RECORDS) {
    throw invalidValue(
      `Invalid value ${size} for MaxRecords. Must be between ${MIN_RECORDS} and ${MAX_RECORDS}`,
    )
  }
  const after = Marker ? readMarker(Marker) : undefined
  const sorted = [...all].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const rest = after === undefined ? sorted : sorted.filter((item) => keyOf(item) > after)
  const items = rest.slice(0, size)
  const last = items.at(-1)
  const hasMore = rest.length > size && last !== undefined
  return { items, next: hasMore ? { Marker: writeMarker(keyOf(last)) } : {} }
}

function writeMarker(key: string): string {
  return Buffer.from(`after:${key}`).toString('base64url')
}

function readMarker(marker: string): string {
  const text = Buffer.from(marker, 'base64url').toString()
  if (!text.startsWith('after:')) throw invalidValue('The parameter Marker is not valid.')
  return text.slice('after:'.length)
}
