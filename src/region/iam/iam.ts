import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { IamFault } from '../protocol/models/iam.ts'
import { SealingKey } from '../protocol/sealing-key.ts'
import { AWS_MANAGED_POLICIES } from './aws-managed-policies.ts'
import { Directory } from './directory.ts'
import type { PolicyRecord, RoleRecord, UserRecord } from './records.ts'

export interface IamOptions {
  readonly accountId: string
  /** Shared by all regions of a home: the directory and the key that seals. */
  readonly folder: string
  /** How long changes take until requests are decided by them, in milliseconds. */
  readonly delayMs: number
  readonly clock: Clock
  readonly random: Random
}

/** AWS Identity and Access Management: what its actions and the decisions about requests share. */
export class Iam {
  private constructor(
    private readonly o: IamOptions,
    readonly directory: Directory,
    readonly sealing: SealingKey,
  ) {}

  /** @throws LifeboatError `FolderNotUsable`, `StateDamaged` */
  static async open(o: IamOptions): Promise<Iam> {
    const directory = await Directory.open(o)
    return new Iam(o, directory, await SealingKey.open(join(o.folder, 'sealing.key')))
  }

  async close(): Promise<void> {
    await this.directory.close()
  }

  get accountId(): string {
    return this.o.accountId
  }

  now(): Date {
    return this.o.clock.now()
  }

  timestamp(): string {
    return this.now().toISOString()
  }

  arn(kind: 'user' | 'role' | 'policy', path: string, name: string): string {
    return `arn:aws:iam::${this.o.accountId}:${kind}${path}${name}`
  }

  /** As `AIDAXXXXXXXXXXXXXXXXX`; the prefix tells what it is the id of. */
  newId(prefix: 'AIDA' | 'AROA' | 'ANPA' | 'AKIA' | 'ASIA'): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
    const length = prefix === 'AKIA' || prefix === 'ASIA' ? 16 : 17
    const bytes = Buffer.from(this.o.random.hex(length * 2), 'hex')
    return prefix + Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join('')
  }

  /** 40 characters, of 240 random bits. */
  newSecret(): string {
    return Buffer.from(this.o.random.hex(60), 'hex').toString('base64')
  }

  /** @throws IamFault `NoSuchEntityException` */
  getUser(name: string): UserRecord {
    const user = this.directory.get('users', name.toLowerCase())
    if (user?.name === name) return user
    throw noSuchEntity(`The user with name ${name} cannot be found.`)
  }

  /** @throws IamFault `NoSuchEntityException` */
  getRole(name: string): RoleRecord {
    const role = this.directory.get('roles', name.toLowerCase())
    if (role?.name === name) return role
    throw noSuchEntity(`The role with name ${name} cannot be found.`)
  }

  /** A policy of the account, or one that AWS manages. @throws IamFault `NoSuchEntityException` */
  getPolicy(arn: string): PolicyRecord {
    const policy = AWS_MANAGED_POLICIES.get(arn) ?? this.directory.get('policies', arn)
    if (policy) return policy
    throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`)
  }
}

export function noSuchEntity(message: string) {
  return new IamFault('NoSuchEntityException', message)
}
