import { timingSafeEqual } from 'node:crypto'
import { AuthFault } from './auth-fault.ts'
import {
  type CredentialScope,
  canonicalRequest,
  sha256Hex,
  signatureOf,
  stringToSign,
} from './canonical-request.ts'
import { parseForm } from './form.ts'
import { GLOBAL_SERVICES } from './global-services.ts'
import { headersByName, type RawHead, type RawRequest, splitTarget } from './raw-request.ts'
import type { Caller } from './service.ts'
import { type Claim, claimOf } from './signature-claim.ts'

/**
 * The one place where a signature is verified (AWS Signature Version 4), before routing.
 *
 * A `VerifiedRequest` can be had from `verify` only, and everything behind it takes no other type: an action
 * cannot be reached by a request that was not checked. A check that is missing here is missing everywhere,
 * and `test/security/` tries them all.
 *
 * Source: AWS General Reference, "Elements of an AWS API request signature".
 */
export class VerifiedRequest {
  readonly #isVerified = true

  private constructor(
    readonly caller: Caller,
    readonly scope: CredentialScope,
    readonly method: string,
    readonly path: string,
    /** Decoded parameters of the URL, without those of the signature itself. */
    readonly query: ReadonlyMap<string, string>,
    readonly headers: ReadonlyMap<string, readonly string[]>,
    readonly body: Buffer,
  ) {}

  /**
   * Verifies the signature of a request, in its Authorization header or its URL.
   *
   * Unknown keys and wrong signatures take the same path: both cost one full verification.
   *
   * @throws Fault `AuthFault`, or `MalformedQueryString` for a URL that cannot be read.
   */
  static verify(
    raw: RawRequest,
    verifier: Verifier,
    o: { isLifetimeOptional?: boolean } = {},
  ): VerifiedRequest {
    const { caller, claim, path, query, headers } = verifyHead(raw, verifier, {
      ...o,
      payloadHashOf: (headers) => checkedPayloadHash(headers, raw.body),
    })
    return new VerifiedRequest(caller, claim.scope, raw.method, path, query, headers, raw.body)
  }

  /** Keeps the type from being matched by a look-alike object. */
  get isVerified(): boolean {
    return this.#isVerified
  }
}

/**
 * Verifies all of a request but its body, whose hash it takes from `payloadHashOf`.
 *
 * For the classes that stand for a verified request, and nobody else.
 *
 * @throws as `VerifiedRequest.verify`
 */
export function verifyHead(
  raw: RawHead,
  { keys, region, now }: Verifier,
  o: {
    payloadHashOf: (headers: ReadonlyMap<string, readonly string[]>, claim: Claim) => string
    isPathVerbatim?: boolean
    /** Whether a presigned URL may leave out how long it lives: then for the time that a request does. */
    isLifetimeOptional?: boolean
  },
): VerifiedHead {
  const headers = headersByName(raw.rawHeaders)
  const { path, queryText } = splitTarget(raw.target)
  if (!path.startsWith('/')) throw new AuthFault('IncompleteSignature', 'The path is not absolute.')
  const query = parseForm(queryText)

  const claim = claimOf(headers, query, o)
  checkHeaders(headers, claim)
  checkScope(claim, region)
  checkTime(claim, now)
  const payloadHash = o.payloadHashOf(headers, claim)

  const key = keys.get(claim.accessKeyId, claim.sessionToken)
  const secretAccessKey = key?.secretAccessKey ?? UNKNOWN_SECRET
  const text = stringToSign(
    canonicalRequest({
      method: raw.method,
      path,
      query: [...query].filter(([name]) => name !== 'X-Amz-Signature'),
      headers,
      signedHeaders: claim.signedHeaders,
      payloadHash,
      isPathVerbatim: o.isPathVerbatim ?? false,
    }),
    claim.time,
    claim.scope,
  )
  const expected = signatureOf(secretAccessKey, text, claim.scope)
  const isSame = timingSafeEqual(expected, claim.signature)
  if (!key) {
    throw new AuthFault(
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
    )
  }
  if (!isSame) throw mismatch()
  checkExpiry(key, now)

  const parameters = new Map([...query].filter(([name]) => !SIGNATURE_PARAMETERS.has(name)))
  return { caller: key.caller, secretAccessKey, claim, path, query: parameters, headers }
}

/** The proven head of a request. */
export interface VerifiedHead {
  readonly caller: Caller
  readonly secretAccessKey: string
  readonly claim: Claim
  readonly path: string
  /** Decoded parameters of the URL, without those of the signature itself. */
  readonly query: ReadonlyMap<string, string>
  readonly headers: ReadonlyMap<string, readonly string[]>
}

/** What a region verifies against. */
export interface Verifier {
  readonly keys: KeyRing
  readonly region: string
  readonly now: Date
}

/** The keys that sign. */
export interface KeyRing {
  /**
   * The key, or undefined when there is none, it is inactive, or it and the token do not belong together.
   * Expired temporary keys are found, so that their owners are told.
   */
  get(accessKeyId: string, sessionToken?: string): SigningKey | undefined
}

export interface SigningKey {
  readonly secretAccessKey: string
  readonly caller: Caller
  /** Of temporary keys. */
  readonly expiresAt?: Date
}

/** Source: AWS General Reference: requests must reach AWS within 15 minutes of their time stamp. */
const MAX_SKEW_MS = 15 * 60_000

/** Stands in for the secret of an unknown key, so that looking one up costs what verifying does. */
const UNKNOWN_SECRET = 'an access key that does not exist has no secret'

/** One value each, or not at all: what the signature, the routing or the length of the body depends on. */
const SINGULAR_HEADERS = ['authorization', 'host', 'date', 'content-type', 'content-length']

const SIGNATURE_PARAMETERS = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Security-Token',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
])

function checkHeaders(headers: ReadonlyMap<string, readonly string[]>, claim: Claim): void {
  for (const [name, values] of headers) {
    const isSingular = SINGULAR_HEADERS.includes(name) || name.startsWith('x-amz-')
    if (values.length > 1 && (isSingular || claim.signedHeaders.includes(name))) {
      throw new AuthFault('IncompleteSignature', `The header '${name}' occurs more than once.`)
    }
    if (name.startsWith('x-amz-') && !claim.signedHeaders.includes(name)) {
      throw new AuthFault('SignatureDoesNotMatch', `The header '${name}' is not signed.`)
    }
  }
  if (!claim.signedHeaders.includes('host')) {
    throw new AuthFault('SignatureDoesNotMatch', "'Host' must be a 'SignedHeader'.")
  }
  for (const name of claim.signedHeaders) {
    if (!headers.has(name)) {
      throw new AuthFault('SignatureDoesNotMatch', `The signed header '${name}' is not there.`)
    }
  }
}

function checkScope({ scope, time }: Claim, region: string): void {
  if (scope.region !== region && !GLOBAL_SERVICES.has(scope.service)) {
    throw new AuthFault('SignatureDoesNotMatch', 'Credential should be scoped to a valid region.', {
      region: scope.region,
      expected: region,
    })
  }
  if (!time.startsWith(scope.date)) {
    throw new AuthFault(
      'SignatureDoesNotMatch',
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP',
    )
  }
}

function checkTime({ signedAt, expiresSeconds }: Claim, now: Date): void {
  const ageMs = now.getTime() - signedAt.getTime()
  const limitMs = expiresSeconds === undefined ? MAX_SKEW_MS : expiresSeconds * 1000
  if (ageMs > limitMs)
    throw new AuthFault('RequestExpired', 'Signature expired: the request is too old.')
  if (ageMs < -MAX_SKEW_MS) {
    throw new AuthFault(
      'RequestExpired',
      'Signature not yet current: the request is from the future.',
    )
  }
}

function checkExpiry({ expiresAt }: SigningKey, now: Date): void {
  if (!expiresAt || now < expiresAt) return
  throw new AuthFault('ExpiredToken', 'The security token included in the request is expired')
}

/** The hash of the body that arrived; a header that claims another, or none, is refused. */
function checkedPayloadHash(headers: ReadonlyMap<string, readonly string[]>, body: Buffer): string {
  const hash = sha256Hex(body)
  const claimed = headers.get('x-amz-content-sha256')?.[0]
  if (claimed !== undefined && claimed !== hash) {
    throw new AuthFault(
      'SignatureDoesNotMatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
  }
  return hash
}

function mismatch() {
  return new AuthFault(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. ' +
      'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  )
}
