import { timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { SecretsManagerFault } from '../protocol/models/secrets-manager.ts'
import { SealingKey } from '../protocol/sealing-key.ts'
import type { Secret, SecretVersion } from './secret.ts'

const COLLECTION = 'secrets'

/** A value as a client sent it: one of the two. */
export interface SecretValue {
  readonly SecretString?: string | undefined
  readonly SecretBinary?: Uint8Array | undefined
}

/** All secrets of a region, durable and sealed. Changes to one secret happen one after the other. */
export class Secrets {
  /** Called after each change. */
  onChange: (() => void) | undefined
  readonly #turns = new Map<string, Promise<unknown>>()

  private constructor(
    private readonly o: SecretsOptions,
    private readonly key: SealingKey,
  ) {}

  static async open(o: SecretsOptions): Promise<Secrets> {
    const secrets = new Secrets(o, await SealingKey.open(join(o.folder, 'sealing.key')))
    for (const secret of o.documents.list<Secret>(COLLECTION)) {
      if (secrets.#isGone(secret)) await o.documents.delete(COLLECTION, secret.name)
    }
    return secrets
  }

  now(): Date {
    return this.o.clock.now()
  }

  /** All secrets, also those whose deletion is scheduled; not those whose recovery window is over. */
  list(): Secret[] {
    return this.o.documents.list<Secret>(COLLECTION).filter((secret) => !this.#isGone(secret))
  }

  /** By name, ARN, or ARN without its random end. */
  find(secretId: string): Secret | undefined {
    const secret = this.o.documents.get<Secret>(COLLECTION, this.#nameOf(secretId))
    if (!secret || this.#isGone(secret)) return undefined
    const isArn = secretId.startsWith('arn:')
    const isSame = [secret.arn, secret.arn.slice(0, -ARN_SUFFIX_LENGTH)].includes(secretId)
    return isArn && !isSame ? undefined : secret
  }

  /** @throws SecretsManagerFault `ResourceNotFoundException` */
  get(secretId: string): Secret {
    const secret = this.find(secretId)
    if (!secret) {
      throw new SecretsManagerFault(
        'ResourceNotFoundException',
        "Secrets Manager can't find the specified secret.",
      )
    }
    return secret
  }

  /** @throws SecretsManagerFault also `InvalidRequestException` while a deletion is scheduled */
  getLive(secretId: string): Secret {
    return live(this.get(secretId))
  }

  /**
   * Stores what `make` returns under a name, durably. It gets the secret that has the name already; returning
   * that changes nothing.
   */
  async create(name: string, make: (existing: Secret | undefined) => Secret): Promise<Secret> {
    return await this.#inTurn(name, async () => {
      const before = this.find(name)
      return await this.#replace(before, make(before))
    })
  }

  /**
   * Replaces a secret by what `next` makes of it, durably; its replicas follow.
   *
   * @param prepare  makes durable what must be so before the change is
   * @throws as `getLive`, and `InvalidParameterException` for a replica
   */
  async change(
    secretId: string,
    next: (secret: Secret) => Secret,
    prepare?: (secret: Secret) => Promise<void>,
  ): Promise<Secret> {
    return await this.changeDeleted(secretId, (secret) => next(live(secret)), prepare)
  }

  /** As `change`, also while a deletion is scheduled. @throws as `get`, and for a replica */
  async changeDeleted(
    secretId: string,
    next: (secret: Secret) => Secret,
    prepare?: (secret: Secret) => Promise<void>,
  ): Promise<Secret> {
    return await this.#inTurn(this.#nameOf(secretId), async () => {
      const before = ownOf(this.get(secretId))
      const after = next(before)
      await prepare?.(before)
      return await this.#replace(before, after)
    })
  }

  /** As `changeDeleted`, of what replicas need not know, or of a replica itself. @throws as `get` */
  async note(secretId: string, next: (secret: Secret) => Secret): Promise<Secret> {
    return await this.#inTurn(this.#nameOf(secretId), async () => {
      const before = this.get(secretId)
      return await this.#write(before, next(before))
    })
  }

  /**
   * Stores what `make` returns under a name, or deletes the secret where it returns `null`, durably. It gets the secret that
   * has the name.
   */
  async put(
    name: string,
    make: (existing: Secret | undefined) => Secret | undefined | null,
  ): Promise<void> {
    await this.#inTurn(name, async () => {
      const before = this.find(name)
      const after = make(before)
      if (after === null) await this.o.documents.delete(COLLECTION, name)
      else if (after) await this.#write(before, after)
    })
  }

  /**
   * Deletes a secret for good, with all its versions; answers what it was.
   *
   * @param check  @throws what speaks against it
   */
  async remove(secretId: string, check: (secret: Secret) => void): Promise<Secret | undefined> {
    const name = this.#nameOf(secretId)
    return await this.#inTurn(name, async () => {
      const secret = this.find(secretId)
      if (!secret) return undefined
      check(ownOf(secret))
      await this.o.documents.delete(COLLECTION, name)
      return secret
    })
  }

  newArn(name: string): string {
    return this.arnWithSuffix(name, this.o.random.hex(ARN_SUFFIX_LENGTH - 1))
  }

  arnWithoutSuffix(name: string): string {
    return `arn:aws:secretsmanager:${this.o.region}:${this.o.accountId}:secret:${name}`
  }

  get region(): string {
    return this.o.region
  }

  /** A secret of that name has in every region the same end of its ARN when it is replicated. */
  arnWithSuffix(name: string, suffix: string): string {
    return `${this.arnWithoutSuffix(name)}-${suffix}`
  }

  newVersionId(): string {
    return this.o.random.hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  seal(value: SecretValue, arn: string, versionId: string): string {
    return this.key.seal(plainText(value), `${arn} ${versionId}`)
  }

  /** @throws SecretsManagerFault `DecryptionFailure` */
  unseal(secret: Secret, version: SecretVersion): SecretValue {
    const value = JSON.parse(this.#unsealText(secret, version))
    return value.binary === undefined
      ? { SecretString: value.string }
      : { SecretBinary: new Uint8Array(Buffer.from(value.binary, 'base64')) }
  }

  /** Whether a version holds this very value. */
  isValue(secret: Secret, version: SecretVersion, value: SecretValue): boolean {
    const [held, asked] = [this.#unsealText(secret, version), plainText(value)].map((text) =>
      Buffer.from(text),
    ) as [Buffer, Buffer]
    return held.length === asked.length && timingSafeEqual(held, asked)
  }

  /** A change that replicas follow counts. */
  async #replace(before: Secret | undefined, after: Secret): Promise<Secret> {
    const isFollowed = (after.replicas ?? before?.replicas ?? []).length > 0
    if (after === before || !isFollowed) return await this.#write(before, after)
    const counted = { ...after, revision: (before?.revision ?? 0) + 1 }
    return await this.#write(before, counted)
  }

  async #write(before: Secret | undefined, after: Secret): Promise<Secret> {
    if (after === before) return after
    await this.o.documents.put(COLLECTION, after.name, after)
    this.onChange?.()
    return after
  }

  #unsealText(secret: Secret, version: SecretVersion): string {
    try {
      return this.key.unseal(version.sealed, `${secret.arn} ${version.id}`)
    } catch (cause) {
      throw Object.assign(
        new SecretsManagerFault(
          'DecryptionFailure',
          "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
        ),
        { cause },
      )
    }
  }

  #isGone(secret: Secret): boolean {
    return secret.gonePast !== undefined && Date.parse(secret.gonePast) <= this.now().getTime()
  }

  #nameOf(secretId: string): string {
    const prefix = `arn:aws:secretsmanager:${this.o.region}:${this.o.accountId}:secret:`
    if (!secretId.startsWith(prefix)) return secretId
    const rest = secretId.slice(prefix.length)
    const isPartial = this.o.documents.get<Secret>(COLLECTION, rest) !== undefined
    return isPartial ? rest : rest.slice(0, -ARN_SUFFIX_LENGTH)
  }

  async #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#turns.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#turns.get(name) === mine) this.#turns.delete(name)
    }
  }
}

export interface SecretsOptions {
  readonly region: string
  readonly accountId: string
  /** Holds the sealing key. */
  readonly folder: string
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
}

/** @throws SecretsManagerFault `InvalidParameterException` for a replica */
function ownOf(secret: Secret): Secret {
  if (!secret.primary) return secret
  throw new SecretsManagerFault(
    'InvalidParameterException',
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
  )
}

function live(secret: Secret): Secret {
  if (secret.deletedAt) {
    throw new SecretsManagerFault(
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    )
  }
  return secret
}

/** The random end of a secret's ARN, which tells it from another one of its name. */
export function suffixOf({ arn }: Secret): string {
  return arn.slice(1 - ARN_SUFFIX_LENGTH)
}

/** AWS ends a secret's ARN with a hyphen and six random characters. */
const ARN_SUFFIX_LENGTH = 7

function plainText({ SecretString, SecretBinary }: SecretValue): string {
  return JSON.stringify(
    SecretBinary === undefined
      ? { string: SecretString }
      : { binary: Buffer.from(SecretBinary).toString('base64') },
  )
}
