import { timingSafeEqual } from 'node:crypto'
import { type CredentialScope, formatScope, hmac, sha256Hex } from './canonical-request.ts'
import { bodyFault } from './payload-mode.ts'

const EMPTY_HASH = sha256Hex('')

/**
 * The chain of signatures in a body that is sent in signed chunks: each one covers its chunk and the signature
 * before it, from that of the request's head to that of the trailer.
 *
 * Source: S3 API Reference, "Signature Calculations: Transferring Payload in Multiple Chunks".
 */
export class ChunkSignatures {
  #previous: string

  constructor(
    private readonly o: {
      signingKey: Buffer
      /** Of the head, in hex. */
      seed: string
      /** `YYYYMMDDTHHMMSSZ` */
      time: string
      scope: CredentialScope
    },
  ) {
    this.#previous = o.seed
  }

  /** @throws Fault `SignatureDoesNotMatch` */
  verifyChunk(signature: string, sha256: string): void {
    this.#verify(signature, 'AWS4-HMAC-SHA256-PAYLOAD', [EMPTY_HASH, sha256])
  }

  /** @param trailer  its lines, `name:value\n` each. @throws Fault `SignatureDoesNotMatch` */
  verifyTrailer(signature: string, trailer: string): void {
    this.#verify(signature, 'AWS4-HMAC-SHA256-TRAILER', [sha256Hex(trailer)])
  }

  #verify(signature: string, kind: string, hashes: readonly string[]): void {
    const { time, scope, signingKey } = this.o
    const text = [kind, time, formatScope(scope), this.#previous, ...hashes].join('\n')
    const claimed = Buffer.from(/^[0-9a-f]{64}$/.test(signature) ? signature : '', 'hex')
    const expected = hmac(signingKey, text)
    if (claimed.length !== expected.length || !timingSafeEqual(claimed, expected)) {
      throw bodyFault(
        'SignatureDoesNotMatch',
        'A chunk signature we calculated does not match the one you provided.',
      )
    }
    this.#previous = signature
  }
}
