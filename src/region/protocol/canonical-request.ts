import { createHash, createHmac } from 'node:crypto'
import { Fault } from './fault.ts'

/**
 * The arithmetic of AWS Signature Version 4: what is hashed, and with which key. It decides nothing.
 *
 * Source: AWS General Reference, "Create a signed AWS API request".
 */

export interface CredentialScope {
  /** `YYYYMMDD` */
  readonly date: string
  readonly region: string
  readonly service: string
}

export interface SignedParts {
  readonly method: string
  /** As it stands in the request line, before `?`. */
  readonly path: string
  /** Decoded names and values, without `X-Amz-Signature`. */
  readonly query: readonly (readonly [string, string])[]
  /** Lower-case names with all values of each, in the order they arrived. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly signedHeaders: readonly string[]
  readonly payloadHash: string
  /** As S3 does it: the path is encoded once and not normalized, since `a//b` and `a/../b` are keys. */
  readonly isPathVerbatim?: boolean
}

/** The canonical request of a signature. */
export function canonicalRequest(parts: SignedParts): string {
  const headers = parts.signedHeaders.map((name) => {
    const values = parts.headers.get(name) ?? []
    return `${name}:${values.map((value) => value.trim().replace(/\s+/g, ' ')).join(',')}\n`
  })
  return [
    parts.method,
    parts.isPathVerbatim ? verbatimPath(parts.path) : canonicalPath(parts.path),
    canonicalQuery(parts.query),
    headers.join(''),
    parts.signedHeaders.join(';'),
    parts.payloadHash,
  ].join('\n')
}

/** @param time  `YYYYMMDDTHHMMSSZ` */
export function stringToSign(canonical: string, time: string, scope: CredentialScope): string {
  return ['AWS4-HMAC-SHA256', time, formatScope(scope), sha256Hex(canonical)].join('\n')
}

/** The 32 bytes that a holder of the secret would have sent, in hex. */
export function signatureOf(secretAccessKey: string, text: string, scope: CredentialScope): Buffer {
  return hmac(signingKeyOf(secretAccessKey, scope), text)
}

/** The key that signs for one day, region and service; S3 signs each chunk of a body with it. */
export function signingKeyOf(secretAccessKey: string, scope: CredentialScope): Buffer {
  const parts = [scope.date, scope.region, scope.service, 'aws4_request']
  return parts.reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`))
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export function formatScope({ date, region, service }: CredentialScope): string {
  return `${date}/${region}/${service}/aws4_request`
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** RFC 3986: all but unreserved characters are encoded, with upper-case hex digits. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function canonicalPath(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(uriEncode(segment))
  }
  const slash = kept.length > 0 && /\/\.{0,2}$/.test(path) ? '/' : ''
  return `/${kept.join('/')}${slash}`
}

/** Clients differ in what they escape; decoded and encoded again all their spellings are one. */
function verbatimPath(path: string): string {
  return uriEncode(decodePath(path)).replaceAll('%2F', '/')
}

/** @throws Fault `InvalidURI` */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    const wireCode = 'InvalidURI'
    throw new Fault(wireCode, "Couldn't parse the specified URI.", { wireCode, httpStatus: 400 })
  }
}

function canonicalQuery(query: readonly (readonly [string, string])[]): string {
  const pairs = query.map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
  return pairs
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
