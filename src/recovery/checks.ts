import { LifeboatError } from '../core/errors.ts'
import { type Database, sqlStateOf } from '../probe/database.ts'
import type { Check } from './workload.ts'

/**
 * passed   the database answered, with the value that is expected
 * failed   the database answered otherwise, or said that what is asked for does not exist
 * unknown  there is no answer; unreachable is never green and never red
 */
export type CheckState = 'passed' | 'failed' | 'unknown'

export type CheckResult = {
  readonly check: string
  readonly state: CheckState
  /** What the query returned, as text; undefined when there is no answer. */
  readonly value?: string | null
  /** Why, in words, unless it passed. */
  readonly reason?: string
}

/** Undefined table, column, function, schema, view: what the check speaks of is gone. */
const GONE = new Set(['42P01', '42703', '42883', '3F000', '42704'])

/**
 * Runs one check. Inside a transaction it is kept in a savepoint, so that its failure spoils nothing.
 *
 * Never throws for what a database can answer.
 */
export async function runCheck(database: Database, check: Check): Promise<CheckResult> {
  const ended = { check: check.name }
  try {
    await database.query(`SAVEPOINT lifeboat_check`)
    await database.query(`SET LOCAL statement_timeout = ${Math.ceil(check.timeoutSeconds * 1000)}`)
    const rows = await database.query(check.sql)
    await database.query('RELEASE SAVEPOINT lifeboat_check')
    return { ...ended, ...judge(rows, check) }
  } catch (error) {
    if (error instanceof LifeboatError) return { ...ended, state: 'unknown', reason: error.message }
    const state = sqlStateOf(error)
    if (state === undefined) throw error
    await database.query('ROLLBACK TO SAVEPOINT lifeboat_check')
    const reason = `${state}: ${error instanceof Error ? error.message : 'no message'}`
    return { ...ended, state: GONE.has(state) ? 'failed' : 'unknown', reason }
  }
}

function judge(
  rows: readonly Record<string, string | null>[],
  check: Check,
): Omit<CheckResult, 'check'> {
  const values = rows.flatMap((row) => Object.values(row))
  if (values.length !== 1) {
    const shape = `${rows.length} rows with ${Object.keys(rows[0] ?? {}).length} columns`
    return { state: 'unknown', reason: `the query returned ${shape}, not one value` }
  }
  const value = values[0]!
  if (isExpected(value, check.expect)) return { state: 'passed', value }
  return { state: 'failed', value, reason: `expected ${check.expect}, found ${value}` }
}

/** Compares PostgreSQL's text with what the workload file says, by value: `0` and `0.00` are equal. */
export function isExpected(value: string | null, expected: Check['expect']): boolean {
  if (value === null || expected === null) return value === expected
  if (typeof expected === 'boolean') return (value === 't' || value === 'true') === expected
  if (value === String(expected)) return true
  return typeof expected === 'number' && value.trim() !== '' && Number(value) === expected
}
