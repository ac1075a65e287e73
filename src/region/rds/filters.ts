import type { Filter } from '../protocol/models/rds.ts'
import { invalidValue } from './faults.ts'

/** What a filter of that name compares with: every value that a record goes by. */
export type FilterTable<T> = Readonly<Record<string, (record: T) => readonly string[]>>

/**
 * The claim that a record passes all filters: each by any of its values, letter case aside.
 *
 * @throws RdsFault `InvalidParameterValue` for a filter that the action does not know
 */
export function passes<T>(
  filters: readonly Filter[] | undefined,
  table: FilterTable<T>,
): (record: T) => boolean {
  const tests = (filters ?? []).map(({ Name = '', Values = [] }) => {
    const valuesOf = Object.hasOwn(table, Name) ? table[Name] : undefined
    if (!valuesOf) throw invalidValue(`Unrecognized filter name: ${Name}`)
    const wanted = new Set(Values.map((value) => value.toLowerCase()))
    return (record: T) => valuesOf(record).some((value) => wanted.has(value.toLowerCase()))
  })
  return (record) => tests.every((test) => test(record))
}
