import { SecretsManagerFault } from '../protocol/models/secrets-manager.ts'
import { invalidParameter } from './checks.ts'

const MAX_RESULTS = 100

/**
 * One page of a list, and the token for the next.
 *
 * @throws SecretsManagerFault `InvalidNextTokenException`, `InvalidParameterException`
 */
export function pageOf<T>(
  all: readonly T[],
  { MaxResults, NextToken }: { MaxResults?: number | undefined; NextToken?: string | undefined },
): { items: T[]; next: { NextToken?: string } } {
  const size = MaxResults ?? MAX_RESULTS
  if (!Number.isInteger(size) || size < 1 || size > MAX_RESULTS) {
    throw invalidParameter(`MaxResults is between 1 and ${MAX_RESULTS}.`)
  }
  if (NextToken !== undefined && !/^after-\d{1,9}$/.test(NextToken)) {
    throw new SecretsManagerFault('InvalidNextTokenException', 'The NextToken value is invalid.')
  }
  const start = NextToken === undefined ? 0 : Number(NextToken.slice('after-'.length))
  const end = start + size
  return {
    items: all.slice(start, end),
    next: end < all.length ? { NextToken: `after-${end}` } : {},
  }
}
