import {
  createHash,
  createPrivateKey,
  createSign,
  generateKeyPair,
  type KeyObject,
} from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Clock } from '../../../core/clock.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { Random } from '../../../core/random.ts'
import { throwFolderFailure } from '../../../postgres/folder-failure.ts'
import { selfSignedCertificate } from './certificate.ts'

const KEY_BITS = 2048
const DAY_MS = 24 * 3_600_000
const VALID_DAYS = 3650
const FILE = 'signing.json'

/** By the version of the signature. Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages". */
const ALGORITHMS = { '1': 'RSA-SHA1', '2': 'RSA-SHA256' } as const
export type SignatureVersion = keyof typeof ALGORITHMS

interface Stored {
  readonly privateKey: string
  readonly certificate: string
}

/** The key with which a region's SNS signs, and the certificate by which anybody can verify that. */
interface SigningKey {
  readonly privateKey: KeyObject
  readonly certificate: string
}

/**
 * Signs messages. The key is made when it is first needed, and kept in a file that only the region's account reads.
 *
 * Unlike AWS: the certificate is the region's own and signed by itself. It is served by the region, over the loopback
 * interface, and not from a host of AWS over HTTPS.
 */
export class Signer {
  #key: Promise<SigningKey> | undefined

  constructor(
    private readonly o: { region: string; folder: string; clock: Clock; random: Random },
  ) {}

  /** Base64. @throws LifeboatError `FolderNotUsable`, `DiskFull`, `StateDamaged` */
  async sign(text: string, version: SignatureVersion): Promise<string> {
    const { privateKey } = await this.#ensureKey()
    return createSign(ALGORITHMS[version]).update(text).sign(privateKey, 'base64')
  }

  /** The certificate in PEM, and the name of its file, which begins as on AWS and tells the region. */
  async certificate(): Promise<{ name: string; pem: string }> {
    const { certificate: pem } = await this.#ensureKey()
    const digest = createHash('sha256').update(pem).digest('hex').slice(0, 32)
    return { name: `SimpleNotificationService-${this.o.region}-${digest}.pem`, pem }
  }

  #ensureKey(): Promise<SigningKey> {
    this.#key ??= this.#load().catch((error: unknown) => {
      this.#key = undefined
      throw error
    })
    return this.#key
  }

  async #load(): Promise<SigningKey> {
    const { folder } = this.o
    try {
      const stored = (await readStored(join(folder, FILE))) ?? (await this.#make())
      return {
        privateKey: createPrivateKey(stored.privateKey),
        certificate: stored.certificate,
      }
    } catch (error) {
      if (error instanceof LifeboatError) throw error
      throwFolderFailure(folder, error)
    }
  }

  async #make(): Promise<Stored> {
    const { region, folder, clock, random } = this.o
    const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
      modulusLength: KEY_BITS,
    })
    const nowMs = clock.now().getTime()
    const stored: Stored = {
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      certificate: selfSignedCertificate({
        commonName: `SNS of the embedded region ${region}`,
        publicKey,
        privateKey,
        serial: Buffer.from(random.hex(32), 'hex'),
        notBefore: new Date(nowMs - DAY_MS),
        notAfter: new Date(nowMs + VALID_DAYS * DAY_MS),
      }),
    }
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await write(join(folder, FILE), JSON.stringify(stored))
    return stored
  }
}

async function readStored(file: string): Promise<Stored | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (!(cause instanceof SyntaxError)) throw cause
    // The parser's message quotes what it read, which holds a key: it goes no further (I12).
    throw new LifeboatError('StateDamaged', `'${file}' does not hold a signing key`, {
      hint: 'Put the file back, or remove it to have a new key made.',
    })
  }
}

async function write(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`
  try {
    const handle = await open(temporary, 'w', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
