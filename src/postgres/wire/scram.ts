import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { LifeboatError } from '../../core/errors.ts'
import { saslPrep } from './sasl-prep.ts'

const MECHANISM = 'SCRAM-SHA-256'
/** A server may ask for as much work as it likes; more than this is an attack on the client. */
const MAX_ITERATIONS = 1_000_000

/**
 * The client's side of one SCRAM-SHA-256 exchange, without channel binding.
 *
 * Source: RFC 5802 and RFC 7677; PostgreSQL manual, "SASL Authentication".
 */
export class ScramClient {
  readonly mechanism = MECHANISM
  readonly #nonce = randomBytes(18).toString('base64')
  readonly #firstBare: string
  #expectedServerSignature: Buffer | undefined

  constructor(private readonly password: string) {
    // PostgreSQL takes the user from the startup message and ignores the name here.
    this.#firstBare = `n=,r=${this.#nonce}`
  }

  first(): string {
    return `n,,${this.#firstBare}`
  }

  /** @throws LifeboatError `CredentialsRefused` when the server's challenge is not a continuation of ours. */
  answer(serverFirst: string): string {
    const { r: nonce = '', s: salt = '', i = '' } = attributes(serverFirst)
    const iterations = Number(i)
    if (
      !nonce.startsWith(this.#nonce) ||
      !salt ||
      !(iterations >= 1 && iterations <= MAX_ITERATIONS)
    ) {
      throw new LifeboatError('CredentialsRefused', 'the server sent an unusable SCRAM challenge')
    }
    const salted = pbkdf2Sync(
      saslPrep(this.password),
      Buffer.from(salt, 'base64'),
      iterations,
      32,
      'sha256',
    )
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash('sha256').update(clientKey).digest()
    const withoutProof = `c=biws,r=${nonce}`
    const authMessage = `${this.#firstBare},${serverFirst},${withoutProof}`
    const signature = hmac(storedKey, authMessage)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
    this.#expectedServerSignature = hmac(hmac(salted, 'Server Key'), authMessage)
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** @throws LifeboatError `CredentialsRefused` when the server cannot prove that it knows the password's verifier. */
  verify(serverFinal: string): void {
    const signature = Buffer.from(attributes(serverFinal).v ?? '', 'base64')
    const expected = this.#expectedServerSignature
    if (
      !expected ||
      signature.length !== expected.length ||
      !timingSafeEqual(signature, expected)
    ) {
      throw new LifeboatError('CredentialsRefused', 'the server could not prove who it is', {
        hint: 'Check that the endpoint is the database it should be.',
      })
    }
  }
}

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()

function attributes(message: string): Record<string, string | undefined> {
  return Object.fromEntries(message.split(',').map((part) => [part[0], part.slice(2)]))
}
