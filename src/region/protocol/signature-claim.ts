import { AuthFault } from './auth-fault.ts'
import type { CredentialScope } from './canonical-request.ts'
import { Fault } from './fault.ts'
import { parseForm } from './form.ts'
import { headersByName, type RawHead, splitTarget } from './raw-request.ts'

/** What a request says about its own signature. Well formed, and not believed yet. */
export interface Claim {
  readonly accessKeyId: string
  readonly scope: CredentialScope
  /** `YYYYMMDDTHHMMSSZ` */
  readonly time: string
  readonly signedAt: Date
  /** How long a presigned URL lives; undefined for a signed header. */
  readonly expiresSeconds: number | undefined
  readonly signedHeaders: readonly string[]
  /** 32 bytes. */
  readonly signature: Buffer
  /** What temporary keys come with. */
  readonly sessionToken: string | undefined
  /** What a presigned URL says of its body's hash. */
  readonly contentSha256?: string | undefined
}

/** Source: AWS General Reference: a presigned URL lives for at most seven days. */
const MAX_EXPIRES_SECONDS = 7 * 86_400

/**
 * Reads the signature of a request from its Authorization header, or from its URL if it is presigned. Of a
 * header that occurs twice the first is read; it is for the verification to refuse the second.
 *
 * @throws AuthFault `MissingAuthenticationToken`, `IncompleteSignature`
 */
export function claimOf(
  headers: ReadonlyMap<string, readonly string[]>,
  query: ReadonlyMap<string, string>,
  { isLifetimeOptional = false }: { isLifetimeOptional?: boolean } = {},
): Claim {
  const authorization = headers.get('authorization')?.[0]
  const isPresigned = [...query.keys()].some((name) => /^x-amz-/i.test(name))
  if (authorization !== undefined && isPresigned) {
    throw incomplete('Only one of the Authorization header and the X-Amz-* parameters may sign.')
  }
  if (authorization !== undefined) {
    // A request is routed by it before it is verified.
    const claim = CLAIMS.get(headers) ?? fromHeader(authorization, headers)
    CLAIMS.set(headers, claim)
    return claim
  }
  if (isPresigned) return fromQuery(query, headers, isLifetimeOptional)
  throw new AuthFault('MissingAuthenticationToken', 'Request is missing Authentication Token')
}

const CLAIMS = new WeakMap<ReadonlyMap<string, readonly string[]>, Claim>()

/**
 * The region and service in a request's credential scope, before anything is verified: for routing alone.
 */
export function claimedScope(
  headers: ReadonlyMap<string, readonly string[]>,
  query: ReadonlyMap<string, string>,
): CredentialScope {
  return claimOf(headers, query).scope
}

/** The service in a request's credential scope, before anything is verified: for routing alone. */
export function serviceInClaim(head: RawHead): string | undefined {
  return claimIn(head)?.scope.service
}

/** What a request says about its own signature; undefined for one that says nothing of the kind. */
export function claimIn(head: RawHead): Claim | undefined {
  try {
    const query = parseForm(splitTarget(head.target).queryText)
    return claimOf(headersByName(head.rawHeaders), query)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

/**
 * Whether nobody signed a request, nor tried to, and it names a resource by its path. Only a service that has
 * resources open to everybody is addressed so.
 */
export function isAnonymous({ method, target, rawHeaders }: RawHead): boolean {
  const { path, queryText } = splitTarget(target)
  // A browser asks before it sends what is signed, and does not sign that.
  if (method === 'OPTIONS') return /^\/./.test(path)
  const isSigned = authorizationIn(rawHeaders) !== '' || /x-amz-|signature/i.test(queryText)
  return /^\/./.test(path) && !isSigned
}

/**
 * Whether a request that names a resource by its path brings an Authorization that tells no service. Only a service that has
 * resources open to everybody is addressed so.
 */
export function isSignedOtherwise({ target, rawHeaders }: RawHead): boolean {
  const authorization = authorizationIn(rawHeaders)
  const isOther = authorization !== '' && !/^AWS4-.*Credential=/.test(authorization)
  return /^\/./.test(splitTarget(target).path) && isOther
}

function authorizationIn(rawHeaders: readonly string[]): string {
  return headersByName(rawHeaders).get('authorization')?.[0] ?? ''
}

function fromHeader(authorization: string, headers: ReadonlyMap<string, readonly string[]>): Claim {
  const match = /^AWS4-HMAC-SHA256 +(\S.*)$/.exec(authorization)
  if (!match) throw incomplete('Authorization header does not use AWS4-HMAC-SHA256.')
  const parts = new Map<string, string>()
  for (const part of match[1]!.split(',')) {
    const [, name, value] = /^ *([A-Za-z]+)=(\S+) *$/.exec(part) ?? []
    if (!name || !value || parts.has(name))
      throw incomplete('Authorization header is not well formed.')
    parts.set(name, value)
  }
  const credential = parts.get('Credential')
  const signedHeaders = parts.get('SignedHeaders')
  const signature = parts.get('Signature')
  if (!credential || !signedHeaders || !signature || parts.size !== 3) {
    throw incomplete(
      "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
    )
  }
  const time = headers.get('x-amz-date')?.[0]
  // Unlike AWS: the Date header does not stand in for X-Amz-Date; no SDK sends it so.
  if (time === undefined)
    throw incomplete("Authorization header requires existence of 'X-Amz-Date'.")
  return {
    ...readParts({ credential, signedHeaders, signature, time }),
    expiresSeconds: undefined,
    sessionToken: headers.get('x-amz-security-token')?.[0],
  }
}

function fromQuery(
  query: ReadonlyMap<string, string>,
  headers: ReadonlyMap<string, readonly string[]>,
  isLifetimeOptional: boolean,
): Claim {
  const required = (name: string) => {
    const value = query.get(name)
    if (!value) throw incomplete(`AWS query-string parameters must include '${name}'.`)
    return value
  }
  if (required('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') {
    throw incomplete('X-Amz-Algorithm is not AWS4-HMAC-SHA256.')
  }
  const [tokenInUrl, tokenInHeader] = [
    query.get('X-Amz-Security-Token'),
    headers.get('x-amz-security-token')?.[0],
  ]
  if (tokenInUrl !== undefined && tokenInHeader !== undefined) {
    throw incomplete('The session token is in the URL or in a header, not in both.')
  }
  const isUnlimited = isLifetimeOptional && !query.has('X-Amz-Expires')
  return {
    ...readParts({
      credential: required('X-Amz-Credential'),
      signedHeaders: required('X-Amz-SignedHeaders'),
      signature: required('X-Amz-Signature'),
      time: required('X-Amz-Date'),
    }),
    expiresSeconds: isUnlimited ? undefined : lifetime(required('X-Amz-Expires')),
    sessionToken: tokenInUrl ?? tokenInHeader,
    contentSha256: query.get('X-Amz-Content-Sha256'),
  }
}

function lifetime(expires: string): number {
  const seconds = Number(expires)
  if (/^\d{1,6}$/.test(expires) && seconds >= 1 && seconds <= MAX_EXPIRES_SECONDS) return seconds
  throw incomplete('X-Amz-Expires must be between 1 and 604800 seconds.')
}

function readParts(text: {
  credential: string
  signedHeaders: string
  signature: string
  time: string
}) {
  const credential =
    /^([^/]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/.exec(
      text.credential,
    )
  if (!credential)
    throw incomplete('Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request.')
  const [, accessKeyId, date, region, service] = credential as unknown as [string, ...string[]]
  if (!/^[0-9a-f]{64}$/.test(text.signature))
    throw incomplete('The signature is not 64 hex digits.')
  return {
    accessKeyId: accessKeyId!,
    scope: { date: date!, region: region!, service: service! },
    time: text.time,
    signedAt: parseTime(text.time),
    signedHeaders: parseSignedHeaders(text.signedHeaders),
    signature: Buffer.from(text.signature, 'hex'),
  }
}

function parseTime(text: string): Date {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  const [, year, month, day, hour, minute, second] = match ?? []
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (!match || Number.isNaN(time.getTime()))
    throw incomplete('Date must be in ISO-8601 basic format.')
  return time
}

function parseSignedHeaders(text: string): string[] {
  const names = text.split(';')
  const isSorted = names.every((name, index) => index === 0 || names[index - 1]! < name)
  if (!isSorted || !names.every((name) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))) {
    throw incomplete('SignedHeaders must be lower-case names, each once, in order.')
  }
  return names
}

function incomplete(message: string) {
  return new AuthFault('IncompleteSignature', message)
}
