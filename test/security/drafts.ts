import {
  type CredentialScope,
  canonicalRequest,
  formatScope,
  sha256Hex,
  signatureOf,
  stringToSign,
  uriEncode,
} from '../../src/region/protocol/canonical-request.ts'
import { headersByName } from '../../src/region/protocol/raw-request.ts'

/** A request in the making: everything can be bent, before it is signed and after. */
export interface Draft {
  method: string
  path: string
  query: [string, string][]
  headers: [string, string][]
  body: string | Buffer
}

export interface Signing {
  accessKeyId: string
  secretAccessKey: string
  scope: CredentialScope
  /** `YYYYMMDDTHHMMSSZ` */
  time: string
  /** All headers of the draft unless given. */
  signedHeaders?: string[]
  /** In place of the hash of the body. */
  payloadHash?: string
  algorithm?: string
  /** As S3 signs paths. */
  isPathVerbatim?: boolean
}

/** Signs with an Authorization header, as the SDKs do. */
export function signed(draft: Draft, signing: Signing): Draft {
  const dated = withHeader(draft, 'X-Amz-Date', signing.time)
  const names = signing.signedHeaders ?? headerNames(dated)
  const { accessKeyId, scope, algorithm = 'AWS4-HMAC-SHA256' } = signing
  const authorization =
    `${algorithm} Credential=${accessKeyId}/${formatScope(scope)}, ` +
    `SignedHeaders=${names.join(';')}, Signature=${signature(dated, names, signing)}`
  return withHeader(dated, 'Authorization', authorization)
}

/** Signs in the URL, as presigners do. */
export function presigned(draft: Draft, signing: Signing, expires: string): Draft {
  const names = signing.signedHeaders ?? headerNames(draft)
  const { accessKeyId, scope, algorithm = 'AWS4-HMAC-SHA256' } = signing
  const query: [string, string][] = [
    ...draft.query,
    ['X-Amz-Algorithm', algorithm],
    ['X-Amz-Credential', `${accessKeyId}/${formatScope(scope)}`],
    ['X-Amz-Date', signing.time],
    ['X-Amz-Expires', expires],
    ['X-Amz-SignedHeaders', names.join(';')],
  ]
  const complete = { ...draft, query }
  return withQuery(complete, 'X-Amz-Signature', signature(complete, names, signing))
}

export function withHeader(draft: Draft, name: string, value: string): Draft {
  return { ...draft, headers: [...draft.headers, [name, value]] }
}

export function withoutHeader(draft: Draft, name: string): Draft {
  const isIt = (other: string) => other.toLowerCase() === name.toLowerCase()
  return { ...draft, headers: draft.headers.filter(([other]) => !isIt(other)) }
}

/** Replaces every value of a header by what `change` makes of it. */
export function mapHeader(draft: Draft, name: string, change: (value: string) => string): Draft {
  const isIt = (other: string) => other.toLowerCase() === name.toLowerCase()
  const headers = draft.headers.map(([other, value]): [string, string] => [
    other,
    isIt(other) ? change(value) : value,
  ])
  return { ...draft, headers }
}

export function withQuery(draft: Draft, name: string, value: string): Draft {
  return { ...draft, query: [...draft.query, [name, value]] }
}

export function mapQuery(draft: Draft, name: string, change: (value: string) => string): Draft {
  const query = draft.query.map(([other, value]): [string, string] => [
    other,
    other === name ? change(value) : value,
  ])
  return { ...draft, query }
}

export function withoutQuery(draft: Draft, name: string): Draft {
  return { ...draft, query: draft.query.filter(([other]) => other !== name) }
}

/** The draft as bytes of HTTP/1.1, with the length of its body unless it says another. */
export function bytesOf(draft: Draft): Buffer {
  const query = draft.query.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
  const target = query.length > 0 ? `${draft.path}?${query.join('&')}` : draft.path
  const body = Buffer.from(draft.body)
  const hasLength = headerNames(draft).some((name) =>
    ['content-length', 'transfer-encoding'].includes(name),
  )
  const lines = [
    `${draft.method} ${target} HTTP/1.1`,
    ...draft.headers.map(([name, value]) => `${name}: ${value}`),
    ...(hasLength ? [] : [`Content-Length: ${body.length}`]),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}

function signature(draft: Draft, signedHeaders: string[], signing: Signing): string {
  const canonical = canonicalRequest({
    method: draft.method,
    path: draft.path,
    query: draft.query,
    headers: headersByName(draft.headers.flat()),
    signedHeaders,
    payloadHash: signing.payloadHash ?? sha256Hex(draft.body),
    isPathVerbatim: signing.isPathVerbatim ?? false,
  })
  const text = stringToSign(canonical, signing.time, signing.scope)
  return signatureOf(signing.secretAccessKey, text, signing.scope).toString('hex')
}

function headerNames(draft: Draft): string[] {
  return [...new Set(draft.headers.map(([name]) => name.toLowerCase()))].sort()
}
