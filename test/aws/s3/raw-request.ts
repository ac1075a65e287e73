import { sha256Hex, uriEncode } from '../../../src/region/protocol/canonical-request.ts'
import { signed } from '../../security/drafts.ts'
import { basicTime } from '../../security/forgeries.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'

/** A signed request of any content, sent as it is. */
export async function rawRequest(
  region: { endpoint: () => string },
  o: {
    method: string
    path: string
    query?: [string, string][]
    headers?: [string, string][]
    body?: string | Buffer
    /** What is signed as the hash of the body, in place of it. */
    payloadHash?: string
    /** What is sent in place of the body that is signed. */
    sent?: string | Buffer
  },
): Promise<Response> {
  const { method, path, query = [], body = '' } = o
  const payloadHash = o.payloadHash ?? sha256Hex(body)
  const time = basicTime(new Date())
  const scope = { date: time.slice(0, 8), region: REGION, service: 's3' }
  const headers: [string, string][] = [
    ['host', new URL(region.endpoint()).host],
    ['x-amz-content-sha256', payloadHash],
    ...(o.headers ?? []),
  ]
  const draft = signed(
    { method, path, query, headers, body },
    { ...CREDENTIALS, scope, time, payloadHash },
  )
  const pairs = query.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
  const sent = o.sent ?? body
  return await fetch(`${region.endpoint()}${path}?${pairs.join('&')}`, {
    method,
    headers: Object.fromEntries(draft.headers.filter(([name]) => name !== 'host')),
    ...(method === 'GET' || method === 'HEAD' ? {} : { body: sent }),
  })
}
