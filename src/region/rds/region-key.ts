import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { SealingKey } from '../protocol/sealing-key.ts'

/**
 * The region's own key, in a file that only its owner reads. It wraps the encryption keys of instances and
 * seals passwords.
 *
 * Unlike AWS: there is no KMS. `StorageEncrypted` encrypts automated backups and snapshots, not the files of a
 * running server.
 */
export class RegionKey {
  private constructor(private readonly key: SealingKey) {}

  static async open(folder: string): Promise<RegionKey> {
    return new RegionKey(await SealingKey.open(join(folder, 'region.key')))
  }

  /** An encryption key for the backups of one instance: wrapped. */
  newEncryptionKey(): string {
    return this.key.seal(randomBytes(32).toString('base64'), 'encryption key')
  }

  encryptionKey(sealed: string): Buffer {
    return Buffer.from(this.key.unseal(sealed, 'encryption key'), 'base64')
  }

  sealPassword(password: string): string {
    return this.key.seal(password, 'password')
  }

  password(sealed: string): string {
    return this.key.unseal(sealed, 'password')
  }
}
