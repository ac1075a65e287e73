import { invalidParameter } from './checks.ts'

const MAX_RESULTS = 100

/** One page of a list, and the token for the next. @throws EcsFault `InvalidParameterException` */
export function pageOf<T>(
  all: readonly T[],
  { maxResults, nextToken }: { maxResults?: number | undefined; nextToken?: string | undefined },
  usual = MAX_RESULTS,
): { items: T[]; next: { nextToken?: string } } {
  const size = maxResults ?? usual
  if (!Number.isInteger(size) || size < 1 || size > MAX_RESULTS) {
    throw invalidParameter(`maxResults is between 1 and ${MAX_RESULTS}.`)
  }
  if (nextToken !== undefined && !/^after-\d{1,9}$/.test(nextToken)) {
    throw invalidParameter('Invalid token.')
  }
  const start = nextToken === undefined ? 0 : Number(nextToken.slice('after-'.length))
  const end = start + size
  return {
    items: all.slice(start, end),
    next: end < all.length ? { nextToken: `after-${end}` } : {},
  }
}
