import { randomBytes } from 'node:crypto'
import type { AccessRequest } from '../protocol/authorization.ts'
import { keyAccess } from './accesses.ts'
import { decrypt, encrypt, keyIdOf } from './ciphertext.ts'
import type { EncryptionContext } from './encryption-context.ts'
import type { Keys } from './keys.ts'

const DATA_KEY_BYTES = 32

/**
 * What another service of the region does with keys for its resources: it keeps a data key that only KMS can open.
 *
 * Whether the caller may have a key used is asked once, when a resource begins to depend on it, as by a grant on AWS. From
 * then on only the key's own state counts.
 */
export class DataKeys {
  /** @param service  as `rds` */
  constructor(
    private readonly keys: Keys,
    private readonly o: { readonly service: string; readonly region: string; accountId: string },
  ) {}

  /** The ARN of a key that can be used. @throws KmsFault as `Keys.getUsable` */
  async usable(keyId: string): Promise<string> {
    const { arn } = await this.keys.ensure(keyId)
    this.keys.getUsable(arn)
    return arn
  }

  /** Whether the key behind an ARN can be used at this moment. */
  isUsable(arn: string): boolean {
    const key = this.keys.find(arn)
    return key?.isEnabled === true && key.deletionAt === undefined
  }

  /** A new data key, encrypted. @throws KmsFault as `Keys.getUsable` */
  create(arn: string, context: EncryptionContext): string {
    const key = this.keys.getUsable(arn)
    const { id } = key
    const material = this.keys.material(key)
    return encrypt(randomBytes(DATA_KEY_BYTES), { id, material }, context).toString('base64')
  }

  /** The inverse of `create`: 32 bytes. @throws KmsFault as `Keys.getUsable`, `InvalidCiphertextException` */
  open(sealed: string, context: EncryptionContext): Buffer {
    const ciphertext = Buffer.from(sealed, 'base64')
    const key = this.keys.getUsable(keyIdOf(ciphertext))
    return decrypt(ciphertext, this.keys.material(key), context)
  }

  /** What a caller must be allowed before the service makes a resource depend on a key for it. */
  accesses(keyId: string): AccessRequest[] {
    const { service, region, accountId } = this.o
    const alias = this.keys.aliasIn(keyId)
    // Everybody may make a service use its own key.
    if (alias?.startsWith('alias/aws/')) return []
    const context = {
      'kms:CallerAccount': accountId,
      'kms:ViaService': `${service}.${region}.amazonaws.com`,
      'kms:GrantIsForAWSResource': 'true',
    }
    return ['kms:DescribeKey', 'kms:CreateGrant'].map((action) =>
      keyAccess(this.keys, { action, keyId, context }),
    )
  }
}
