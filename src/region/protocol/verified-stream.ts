import { createHash } from 'node:crypto'
import { type CredentialScope, decodePath, signingKeyOf } from './canonical-request.ts'
import { ChunkSignatures } from './chunk-signatures.ts'
import { chunkedBody } from './chunked-body.ts'
import { parseForm } from './form.ts'
import { bodyFault, type PayloadMode, parsePayloadMode } from './payload-mode.ts'
import { verifyPresignedV2 } from './presigned-v2.ts'
import { headersByName, type RawStream, splitTarget } from './raw-request.ts'
import type { Caller } from './service.ts'
import type { Claim } from './signature-claim.ts'
import { type VerifiedHead, type Verifier, verifyHead } from './sigv4.ts'

/**
 * A request whose head is proven and whose body proves itself while it is read: it throws instead of ending
 * when the bytes are not those that were signed. As with `VerifiedRequest`, there is no other way to get one.
 */
export class VerifiedStream {
  readonly caller: Caller
  readonly scope: CredentialScope
  /** Decoded. */
  readonly path: string
  /** Decoded parameters of the URL, without those that a presigned URL carries for headers. */
  readonly query: ReadonlyMap<string, string>
  /** Lower-case names, one value each. A presigned URL's `x-amz-…` parameters are among them. */
  readonly headers: ReadonlyMap<string, string>
  /** @throws Fault while it is read, of a body that is not what was signed */
  readonly body: AsyncIterable<Buffer>
  /** The length of the body's content; undefined when it is not known before its end. */
  readonly contentLength: number | undefined
  /** How it was signed; undefined when nobody did. */
  readonly authentication: Authentication | undefined
  readonly #trailers = new Map<string, string>()

  private constructor(
    head: Pick<VerifiedHead, 'caller' | 'path' | 'query' | 'headers'> & {
      scope: CredentialScope
      signatures?: ChunkSignatures
      authentication?: Authentication
    },
    readonly method: string,
    body: AsyncIterable<Buffer>,
    mode: PayloadMode,
  ) {
    this.caller = head.caller
    this.scope = head.scope
    this.authentication = head.authentication
    this.path = decodePath(head.path)
    this.headers = singleHeaders(head)
    this.query = new Map([...head.query].filter(([name]) => !isHoisted(name)))
    const length = mode.kind === 'chunked' ? 'x-amz-decoded-content-length' : 'content-length'
    this.contentLength = parseLength(this.headers.get(length))
    this.body = this.#provenBody(head.signatures, body, mode)
  }

  /**
   * Verifies the head of a request at once, and has its body verified while it is read.
   *
   * @throws Fault as `VerifiedRequest.verify`; `InvalidURI`, `InvalidArgument`, `MissingContentLength`
   */
  static verify(raw: RawStream, verifier: Verifier): VerifiedStream {
    let mode: PayloadMode = { kind: 'unsigned' }
    const head = verifyHead(raw, verifier, {
      isPathVerbatim: true,
      payloadHashOf: (headers, claim) => {
        const isPresigned = claim.expiresSeconds !== undefined
        const text = headers.get('x-amz-content-sha256')?.[0] ?? claim.contentSha256
        mode = parsePayloadMode(text, isPresigned)
        return text ?? 'UNSIGNED-PAYLOAD'
      },
    })
    const { scope, expiresSeconds, signedAt } = head.claim
    const authentication: Authentication = {
      type: expiresSeconds === undefined ? 'REST-HEADER' : 'REST-QUERY-STRING',
      version: 'AWS4-HMAC-SHA256',
      signedAt,
    }
    const proven = { ...head, scope, signatures: chunkSignatures(head), authentication }
    return new VerifiedStream(proven, raw.method, raw.body, mode)
  }

  /** Of a URL that was presigned with version 2. @throws Fault as `verify` */
  static verifyV2(raw: RawStream, verifier: Verifier, scope: CredentialScope): VerifiedStream {
    const { caller, query } = verifyPresignedV2(raw, verifier)
    const headers = headersByName(raw.rawHeaders)
    const { path } = splitTarget(raw.target)
    const authentication: Authentication = { type: 'REST-QUERY-STRING', version: 'AWS' }
    const head = { caller, scope, path, query, headers, authentication }
    return new VerifiedStream(head, raw.method, raw.body, { kind: 'unsigned' })
  }

  /**
   * A request that nobody signed: its caller is `ANONYMOUS`, who may what a resource's policy allows everybody.
   *
   * @throws Fault `InvalidURI`, `InvalidArgument`, `MalformedQueryString`
   */
  static anonymous(raw: RawStream, scope: CredentialScope): VerifiedStream {
    const headers = headersByName(raw.rawHeaders)
    const { path, queryText } = splitTarget(raw.target)
    const text = headers.get('x-amz-content-sha256')?.[0]
    // Chunks are signed by those who have a key.
    const mode = parsePayloadMode(text, true)
    const head = { caller: ANONYMOUS, scope, path, query: parseForm(queryText), headers }
    return new VerifiedStream(head, raw.method, raw.body, mode)
  }

  /** What followed the body, by lower-case name: complete when the body has ended. */
  get trailers(): ReadonlyMap<string, string> {
    return this.#trailers
  }

  #provenBody(
    signatures: ChunkSignatures | undefined,
    body: AsyncIterable<Buffer>,
    mode: PayloadMode,
  ) {
    if (mode.kind === 'unsigned') return body
    if (mode.kind === 'hashed') return hashedBody(body, mode.sha256)
    if (this.contentLength === undefined) {
      throw bodyFault('MissingContentLength', 'You must provide the Content-Length HTTP header.')
    }
    const names = (this.headers.get('x-amz-trailer') ?? '').toLowerCase().split(',')
    return chunkedBody(body, {
      signatures: mode.isSigned ? signatures : undefined,
      contentLength: this.contentLength,
      trailerNames: mode.hasTrailer ? names.map((name) => name.trim()).filter(Boolean) : undefined,
      onTrailer: (name, value) => this.#trailers.set(name, value),
    })
  }
}

/** How a request was signed, in the words of S3's condition keys. */
export interface Authentication {
  readonly type: 'REST-HEADER' | 'REST-QUERY-STRING' | 'POST'
  readonly version: 'AWS4-HMAC-SHA256' | 'AWS'
  /** Where the signature tells it. */
  readonly signedAt?: Date
}

/** Who did not say who they are. */
export const ANONYMOUS: Caller = {
  accountId: 'anonymous',
  arn: 'anonymous',
  userId: 'anonymous',
  accessKeyId: '',
}

/** Passes a body on and throws at its end when it is another one. */
async function* hashedBody(
  body: AsyncIterable<Buffer>,
  sha256: string,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256')
  for await (const piece of body) {
    hash.update(piece)
    yield piece
  }
  if (hash.digest('hex') !== sha256) {
    throw bodyFault(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
  }
}

function chunkSignatures({ secretAccessKey, claim }: VerifiedHead): ChunkSignatures {
  const { scope, time, signature } = claim satisfies Claim
  const signingKey = signingKeyOf(secretAccessKey, scope)
  return new ChunkSignatures({ signingKey, seed: signature.toString('hex'), time, scope })
}

function singleHeaders({
  headers,
  query,
}: Pick<VerifiedHead, 'headers' | 'query'>): Map<string, string> {
  const single = new Map<string, string>()
  for (const [name, value] of query) if (isHoisted(name)) single.set(name.toLowerCase(), value)
  for (const [name, values] of headers) single.set(name, values.join(','))
  return single
}

/** Presigners move `x-amz-…` headers to the URL. */
function isHoisted(name: string): boolean {
  return /^x-amz-/i.test(name)
}

function parseLength(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw bodyFault('InvalidArgument', 'A length is not a number.')
  return Number(text)
}
