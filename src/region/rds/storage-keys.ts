import { LifeboatError } from '../../core/errors.ts'
import type { AccessRequest } from '../protocol/authorization.ts'
import { Fault } from '../protocol/fault.ts'
import { RdsFault } from './faults.ts'
import type { InstanceFacts } from './instance.ts'

/** How backups are encrypted: by a key of their own, which only the KMS key opens. */
export interface Encryption {
  /** ARN of the KMS key. */
  readonly keyArn: string
  readonly sealedKey: string
}

/** What RDS asks of KMS. Every refusal is a Fault. */
export interface KeyService {
  usable(keyId: string): Promise<string>
  isUsable(keyArn: string): boolean
  create(keyArn: string, context: Readonly<Record<string, string>>): string
  open(sealedKey: string, context: Readonly<Record<string, string>>): Buffer
  accesses(keyId: string): AccessRequest[]
}

/** The key of encrypted instances for which none was named. */
export const DEFAULT_KEY = 'alias/aws/rds'

/**
 * The keys of encrypted storage.
 *
 * Unlike AWS: `StorageEncrypted` encrypts automated backups and snapshots, not the files of a running server.
 */
export class StorageKeys {
  constructor(private readonly service: KeyService) {}

  /** The ARN of a key that a caller named. @throws RdsFault `KMSKeyNotAccessibleFault` */
  async checked(keyId: string): Promise<string> {
    try {
      return await this.service.usable(keyId)
    } catch (error) {
      throw error instanceof Fault ? notAccessible(keyId) : error
    }
  }

  /** @throws RdsFault `KMSKeyNotAccessibleFault` when the key of encrypted backups cannot be used at this moment */
  check(encryption: Encryption | undefined): void {
    if (!this.isUsable(encryption)) throw notAccessible(encryption?.keyArn ?? '')
  }

  isUsable(encryption: Encryption | undefined): boolean {
    return encryption === undefined || this.service.isUsable(encryption.keyArn)
  }

  /** A new key for the backups of an instance. @throws RdsFault `KMSKeyNotAccessibleFault` */
  create(keyArn: string, resourceId: string): Encryption {
    try {
      return { keyArn, sealedKey: this.service.create(keyArn, contextOf(resourceId)) }
    } catch (error) {
      throw error instanceof Fault ? notAccessible(keyArn) : error
    }
  }

  /** 32 bytes; undefined when the backups are not encrypted. @throws LifeboatError `KeyNotUsable` */
  open({
    encryption,
    resourceId,
  }: Pick<InstanceFacts, 'encryption' | 'resourceId'>): Buffer | undefined {
    if (!encryption) return undefined
    try {
      return this.service.open(encryption.sealedKey, contextOf(resourceId))
    } catch (cause) {
      if (!(cause instanceof Fault)) throw cause
      throw new LifeboatError('KeyNotUsable', `the KMS key '${encryption.keyArn}' cannot be used`, {
        hint: 'Enable the key, or cancel its deletion.',
        cause,
      })
    }
  }

  accesses(keyId: string): AccessRequest[] {
    return this.service.accesses(keyId)
  }
}

function contextOf(resourceId: string) {
  return { 'aws:rds:db-id': resourceId }
}

function notAccessible(keyId: string): RdsFault {
  return new RdsFault(
    'KMSKeyNotAccessibleFault',
    `The specified KMS key [${keyId}] does not exist, is not enabled or you do not have permissions to access it.`,
  )
}
