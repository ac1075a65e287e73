import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { Turns } from '../../core/turns.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { KmsFault } from '../protocol/models/kms.ts'
import { SealingKey } from '../protocol/sealing-key.ts'
import { awsManagedKey } from './aws-managed-keys.ts'
import { type AliasRecord, type KeyRecord, stateOf } from './key.ts'

const KEYS = 'keys'
const ALIASES = 'aliases'
const MATERIAL_BYTES = 32

export interface KmsOptions {
  readonly region: string
  readonly accountId: string
  /** Holds the key that seals the material of all keys. */
  readonly folder: string
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
  /** What is wrong with the policy of a key, in words; undefined when it can be understood. */
  readonly findPolicyProblem: (policy: string) => string | undefined
}

/** All KMS keys of a region and their aliases, durable and sealed. Changes happen one after the other. */
export class Keys {
  readonly #turns = new Turns()

  private constructor(
    readonly o: KmsOptions,
    private readonly sealing: SealingKey,
  ) {}

  static async open(o: KmsOptions): Promise<Keys> {
    const keys = new Keys(o, await SealingKey.open(join(o.folder, 'sealing.key')))
    for (const key of o.documents.list<KeyRecord>(KEYS)) {
      if (!keys.#isGone(key)) continue
      for (const { name } of keys.aliasesOf(key)) await o.documents.delete(ALIASES, name)
      await o.documents.delete(KEYS, key.id)
    }
    return keys
  }

  now(): Date {
    return this.o.clock.now()
  }

  /** Not those whose waiting period is over. */
  list(): KeyRecord[] {
    return this.o.documents.list<KeyRecord>(KEYS).filter((key) => !this.#isGone(key))
  }

  /** By id, ARN, alias or ARN of an alias. */
  find(keyId: string): KeyRecord | undefined {
    const alias = this.aliasIn(keyId)
    const id = alias === undefined ? this.#idIn(keyId) : this.findAlias(alias)?.keyId
    const key = id === undefined ? undefined : this.o.documents.get<KeyRecord>(KEYS, id)
    return key && !this.#isGone(key) ? key : undefined
  }

  /** @throws KmsFault `NotFoundException` */
  get(keyId: string): KeyRecord {
    const key = this.find(keyId)
    if (key) return key
    const alias = this.aliasIn(keyId)
    throw new KmsFault(
      'NotFoundException',
      alias === undefined
        ? `Key '${this.arnOf('key', keyId)}' does not exist`
        : `Alias ${this.arnOf('alias', alias)} is not found.`,
    )
  }

  /** As `get`, of actions that take no alias. */
  getById(keyId: string): KeyRecord {
    if (this.aliasIn(keyId) === undefined) return this.get(keyId)
    throw new KmsFault('NotFoundException', `Invalid keyId '${keyId}'`)
  }

  /** @throws KmsFault `NotFoundException`, `DisabledException`, `KMSInvalidStateException` */
  getUsable(keyId: string): KeyRecord {
    const key = this.get(keyId)
    const state = stateOf(key)
    if (state === 'Enabled') return key
    throw state === 'Disabled'
      ? new KmsFault('DisabledException', `${key.arn} is disabled.`)
      : new KmsFault('KMSInvalidStateException', `${key.arn} is pending deletion.`)
  }

  /** As `get`; the key behind an alias of AWS is made when it is first asked for. */
  async ensure(keyId: string): Promise<KeyRecord> {
    const alias = this.aliasIn(keyId)
    const managed = alias === undefined ? undefined : awsManagedKey(alias, this.o)
    if (alias === undefined || !managed || this.find(keyId)) return this.get(keyId)
    return await this.#turns.take(async () => {
      const known = this.find(keyId)
      if (known) return known
      const key = this.newKey({ ...managed, manager: 'AWS', tags: [] })
      await this.o.documents.put(KEYS, key.id, key)
      const now = this.now().toISOString()
      const record: AliasRecord = { name: alias, keyId: key.id, createdAt: now, changedAt: now }
      await this.o.documents.put(ALIASES, alias, record)
      return key
    })
  }

  newKey(o: Pick<KeyRecord, 'manager' | 'description' | 'policy' | 'tags'>): KeyRecord {
    const id = this.o.random.hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    const material = randomBytes(MATERIAL_BYTES).toString('base64')
    return {
      ...o,
      id,
      arn: this.arnOf('key', id),
      isEnabled: true,
      createdAt: this.now().toISOString(),
      sealedMaterial: this.sealing.seal(material, placeOf(id)),
    }
  }

  async add(key: KeyRecord): Promise<void> {
    await this.#turns.take(() => this.o.documents.put(KEYS, key.id, key))
  }

  /** Replaces a key by what `next` makes of it, durably. @throws as `getById`, and what `next` throws */
  async change(keyId: string, next: (key: KeyRecord) => KeyRecord): Promise<KeyRecord> {
    return await this.#turns.take(async () => {
      const after = next(this.getById(keyId))
      await this.o.documents.put(KEYS, after.id, after)
      return after
    })
  }

  material({ id, sealedMaterial }: KeyRecord): Buffer {
    return Buffer.from(this.sealing.unseal(sealedMaterial, placeOf(id)), 'base64')
  }

  aliases(): AliasRecord[] {
    const all = this.o.documents.list<AliasRecord>(ALIASES)
    return all.filter(({ keyId }) => this.find(keyId) !== undefined)
  }

  aliasesOf({ id }: KeyRecord): AliasRecord[] {
    return this.o.documents.list<AliasRecord>(ALIASES).filter(({ keyId }) => keyId === id)
  }

  findAlias(name: string): AliasRecord | undefined {
    return this.o.documents.get<AliasRecord>(ALIASES, name)
  }

  /** Replaces an alias by what `next` makes of it, undefined for none, durably. */
  async changeAlias(
    name: string,
    next: (alias: AliasRecord | undefined) => AliasRecord | undefined,
  ): Promise<void> {
    await this.#turns.take(async () => {
      const after = next(this.findAlias(name))
      if (after) await this.o.documents.put(ALIASES, name, after)
      else await this.o.documents.delete(ALIASES, name)
    })
  }

  /** `alias/NAME` of an alias or its ARN; undefined for anything else. */
  aliasIn(keyId: string): string | undefined {
    const prefix = this.#prefix
    const name = keyId.startsWith(prefix) ? keyId.slice(prefix.length) : keyId
    return name.startsWith('alias/') ? name : undefined
  }

  /** Of a key's id or an alias; what is an ARN already stays one. */
  arnOf(kind: 'key' | 'alias', name: string): string {
    if (name.startsWith('arn:')) return name
    return `${this.#prefix}${kind === 'key' ? `key/${name}` : name}`
  }

  get #prefix(): string {
    return `arn:aws:kms:${this.o.region}:${this.o.accountId}:`
  }

  #idIn(keyId: string): string {
    const prefix = `${this.#prefix}key/`
    return keyId.startsWith(prefix) ? keyId.slice(prefix.length) : keyId
  }

  #isGone({ deletionAt }: KeyRecord): boolean {
    return deletionAt !== undefined && Date.parse(deletionAt) <= this.now().getTime()
  }
}

function placeOf(id: string): string {
  return `kms key ${id}`
}
