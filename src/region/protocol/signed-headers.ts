import {
  canonicalRequest,
  formatScope,
  type SignedParts,
  sha256Hex,
  signatureOf,
  stringToSign,
} from './canonical-request.ts'

/** Temporary keys that sign. */
export interface SessionKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

/**
 * The headers of a request that its signature covers, and the signature: what one process of a home sends to another.
 *
 * @param o.path  as it stands in the request line
 * @param o.body  undefined: S3 takes bodies that nobody has signed
 */
export function signedHeaders(o: {
  method: string
  path: string
  region: string
  service: string
  body: string | undefined
  headers: Readonly<Record<string, string>>
  keys: SessionKeys
  now: Date
}): Record<string, string> {
  const time = o.now.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const scope = { date: time.slice(0, 8), region: o.region, service: o.service }
  const payloadHash = o.body === undefined ? 'UNSIGNED-PAYLOAD' : sha256Hex(o.body)
  const headers: Record<string, string> = {
    ...o.headers,
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': time,
    'x-amz-security-token': o.keys.sessionToken,
  }
  const names = Object.keys(headers).sort()
  const parts: SignedParts = {
    method: o.method,
    path: o.path,
    query: [],
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
    signedHeaders: names,
    payloadHash,
    isPathVerbatim: o.service === 's3',
  }
  const text = stringToSign(canonicalRequest(parts), time, scope)
  const signature = signatureOf(o.keys.secretAccessKey, text, scope).toString('hex')
  const credential = `${o.keys.accessKeyId}/${formatScope(scope)}`
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...headers, authorization }
}
