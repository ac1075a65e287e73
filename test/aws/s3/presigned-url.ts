import { uriEncode } from '../../../src/region/protocol/canonical-request.ts'
import { presigned } from '../../security/drafts.ts'
import { basicTime } from '../../security/forgeries.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'

/** A URL that anybody may use until it expires, as `aws s3 presign` makes one. */
export function presignedUrl(o: {
  endpoint: string
  method: string
  /** `/bucket/key`, encoded. */
  path: string
  query?: [string, string][]
  expires?: string
  at?: Date
}): string {
  const { endpoint, method, path, query = [], expires = '60', at = new Date() } = o
  const time = basicTime(at)
  const scope = { date: time.slice(0, 8), region: REGION, service: 's3' }
  const draft = { method, path, query, headers: [], body: '' }
  const host: [string, string] = ['Host', new URL(endpoint).host]
  const signing = {
    ...CREDENTIALS,
    scope,
    time,
    payloadHash: 'UNSIGNED-PAYLOAD',
    isPathVerbatim: true,
  }
  const made = presigned({ ...draft, headers: [host] }, signing, expires)
  const pairs = made.query.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
  return `${endpoint}${path}?${pairs.join('&')}`
}
