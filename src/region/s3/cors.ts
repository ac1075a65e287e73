import type { Bucket } from '../../objectstore/bucket.ts'
import type { ObjectStore } from '../../objectstore/object-store.ts'
import type { CORSConfiguration, CORSRule } from '../protocol/models/s3.ts'
import { headersByName, type RawHead } from '../protocol/raw-request.ts'
import type { StreamReply } from '../protocol/stream-service.ts'
import { addressOfTarget } from './address.ts'
import { S3Fault } from './faults.ts'
import { commonHeaders } from './refusal.ts'

type Headers = ReadonlyMap<string, string>

const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'

/**
 * Answers the question of a browser whether a page of another origin may send a request. Nobody signs it.
 *
 * Source: S3 User Guide, "Using cross-origin resource sharing (CORS)".
 *
 * @throws S3Fault `BadRequest`, `AccessForbidden`
 */
export function preflight(
  bucket: Bucket | undefined,
  headers: Headers,
  requestId: string,
): StreamReply {
  const method = headers.get('access-control-request-method')
  if (!headers.has('origin') || method === undefined) {
    const name = headers.has('origin') ? 'Access-Control-Request-Method' : 'Origin'
    throw new S3Fault('BadRequest', `Insufficient information. ${name} request header needed.`)
  }
  const asked = headers.get('access-control-request-headers') ?? ''
  const names = asked
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  const rules = rulesOf(bucket)
  const rule = matchingRule(rules, headers, method, names.filter(Boolean))
  if (!rule) {
    throw new S3Fault(
      'AccessForbidden',
      rules.length === 0
        ? 'CORSResponse: CORS is not enabled for this bucket.'
        : 'CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource’s CORS spec.',
      { elements: { Method: method, ResourceType: 'OBJECT' } },
    )
  }
  const more = {
    ...(asked === '' ? {} : { 'access-control-allow-headers': names.join(', ') }),
    ...(rule.MaxAgeSeconds === undefined
      ? {}
      : { 'access-control-max-age': `${rule.MaxAgeSeconds}` }),
    'content-length': '0',
  }
  const told = { ...commonHeaders(requestId), ...allowances(rule, headers), ...more }
  return { status: 200, headers: told, body: '' }
}

/** What an answer says to the browser that asked from a page of another origin. */
export function corsHeaders(
  bucket: Bucket | undefined,
  headers: Headers,
  method: string,
): Record<string, string> {
  if (!headers.has('origin')) return {}
  const asked = headers.get('access-control-request-method') ?? method
  const rule = matchingRule(rulesOf(bucket), headers, asked, [])
  return rule ? allowances(rule, headers) : {}
}

/** What a refusal says to it: also one of a request that proves nothing. */
export function corsOfRefusal(
  store: ObjectStore,
  { method, target, rawHeaders }: RawHead,
): Record<string, string> {
  const headers = new Map(
    [...headersByName(rawHeaders)].map(([name, [value = '']]) => [name, value]),
  )
  if (method === 'OPTIONS' || !headers.has('origin')) return {}
  const bucket = addressOfTarget(headers.get('host') ?? '', target)?.bucket
  return corsHeaders(store.findBucket(bucket ?? ''), headers, method)
}

function rulesOf(bucket: Bucket | undefined): readonly CORSRule[] {
  return bucket?.setting<CORSConfiguration>('cors')?.CORSRules ?? []
}

/** The first rule that allows all of it. */
function matchingRule(
  rules: readonly CORSRule[],
  headers: Headers,
  method: string,
  names: readonly string[],
): CORSRule | undefined {
  const origin = headers.get('origin') ?? ''
  return rules.find(({ AllowedOrigins = [], AllowedMethods = [], AllowedHeaders = [] }) => {
    const allowed = AllowedHeaders.map((name) => name.toLowerCase())
    return (
      AllowedOrigins.some((pattern) => matches(pattern, origin)) &&
      AllowedMethods.includes(method) &&
      names.every((name) => allowed.some((pattern) => matches(pattern, name)))
    )
  })
}

function allowances(rule: CORSRule, headers: Headers): Record<string, string> {
  const isOpen = rule.AllowedOrigins?.includes('*')
  const exposed = rule.ExposeHeaders ?? []
  return {
    'access-control-allow-origin': isOpen ? '*' : (headers.get('origin') ?? ''),
    'access-control-allow-methods': (rule.AllowedMethods ?? []).join(', '),
    ...(isOpen ? {} : { 'access-control-allow-credentials': 'true' }),
    ...(exposed.length > 0 ? { 'access-control-expose-headers': exposed.join(', ') } : {}),
    vary: VARY,
  }
}

/** A pattern has one `*` at most. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === text
  const [start, end] = [pattern.slice(0, star), pattern.slice(star + 1)]
  return text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end)
}
