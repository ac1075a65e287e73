import { invalid } from './faults.ts'

const PAGE = 100

/**
 * One page of a list that is ordered by ARNs, and the token for the next, which says after which ARN to go on.
 *
 * @throws SnsFault `InvalidParameterException`
 */
export function pageOf<T extends { readonly arn: string }>(
  items: readonly T[],
  token: string | undefined,
): { page: T[]; next: { NextToken?: string } } {
  const after = token ? readToken(token) : ''
  const rest = items.filter(({ arn }) => arn > after)
  const page = rest.slice(0, PAGE)
  const last = page.at(-1)
  const hasMore = rest.length > page.length && last !== undefined
  const NextToken = Buffer.from(`after:${last?.arn ?? ''}`).toString('base64url')
  return { page, next: hasMore ? { NextToken } : {} }
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  if (text.startsWith('after:')) return text.slice('after:'.length)
  throw invalid('NextToken', 'It is none that was told')
}
