import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * The region's own key, with which secret values are encrypted at rest: AES-256-GCM.
 *
 * A sealed value is bound to its place (ARN and version), so that one cannot be put in another's stead.
 * The key lies beside the state in a file that only its owner reads: it protects copies of the state that
 * leave without the key, not a host that is taken over.
 */
export class SealingKey {
  readonly #key: Buffer

  private constructor(key: Buffer) {
    this.#key = key
  }

  /**
   * Reads the key, or makes it once.
   *
   * @throws LifeboatError `StateDamaged` when the file is not a key
   */
  static async open(file: string): Promise<SealingKey> {
    const key = await readFile(file).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return await makeKey(file)
    })
    if (key.length !== KEY_BYTES) {
      throw new LifeboatError('StateDamaged', `'${file}' is not a key of ${KEY_BYTES} bytes`, {
        hint: 'Put the file back from a backup: without it the secrets of the region are lost.',
      })
    }
    return new SealingKey(key)
  }

  /** Another key of 32 bytes, for one purpose alone. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#key, Buffer.alloc(0), purpose, KEY_BYTES))
  }

  /** @param place  what the value belongs to; `unseal` needs the same */
  seal(value: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(place))
    const sealed = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final()])
    return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64')
  }

  /** The inverse of `seal`; throws when a bit or the place differs. */
  unseal(text: string, place: string): string {
    const bytes = Buffer.from(text, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
    const sealed = bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8')
  }
}

/** Written beside and linked, so that a key file is whole or absent, and the first one made stays. */
async function makeKey(file: string): Promise<Buffer> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}.tmp`
  await rm(temporary, { force: true })
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(randomBytes(KEY_BYTES))
    await handle.sync()
  } finally {
    await handle.close()
  }
  // Of two processes that make a key at once, the first one's stays.
  await link(temporary, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(temporary)
  return await readFile(file)
}
