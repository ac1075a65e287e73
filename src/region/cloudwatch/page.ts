import { CloudWatchFault } from '../protocol/models/cloudwatch.ts'
import { invalid } from './faults.ts'

/**
 * One page of a list, and the token for the next. The token says after which item to go on, so that one that comes or goes
 * in between neither hides nor repeats another.
 *
 * @param items  in the order of the page
 * @param keyOf  unique
 * @throws CloudWatchFault `InvalidNextToken`, `InvalidParameterValueException`
 */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  o: {
    token: string | undefined
    size: number | undefined
    most: number
    order?: 'ascending' | 'descending'
  },
): { page: T[]; NextToken?: string } {
  const { token, most, order = 'ascending' } = o
  const size = o.size ?? most
  if (!Number.isInteger(size) || size < 1 || size > most) {
    throw invalid(`MaxRecords is from 1 to ${most}.`)
  }
  const after = token === undefined ? undefined : readToken(token)
  const isBehind = (key: string) =>
    after === undefined || (order === 'ascending' ? key > after : key < after)
  const rest = items.filter((item) => isBehind(keyOf(item)))
  const page = rest.slice(0, size)
  const last = page.at(-1)
  const hasMore = rest.length > page.length && last !== undefined
  return { page, ...(hasMore ? { NextToken: writeToken(keyOf(last)) } : {}) }
}

function writeToken(key: string): string {
  return Buffer.from(`after:${key}`).toString('base64url')
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  if (text.startsWith('after:')) return text.slice('after:'.length)
  throw new CloudWatchFault('InvalidNextToken', 'The next token specified is invalid.')
}
