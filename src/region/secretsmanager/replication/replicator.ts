import type { Clock } from '../../../core/clock.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { Random } from '../../../core/random.ts'
import type { Peer } from '../../peer/peer.ts'
import { SecretsManagerFault } from '../../protocol/models/secrets-manager.ts'
import type { ReplicaLink, Secret } from '../secret.ts'
import { type Secrets, suffixOf } from '../secrets.ts'
import type { ReplicaMessage, ReplicaOutcome } from './receive-replica.ts'
import type { Removals } from './removals.ts'
import { withLinks } from './replica-links.ts'

/** How long to wait before a region that was away is asked again: from, and at most. In milliseconds. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 4000

/**
 * Brings secrets to the regions that they are replicated to.
 *
 * What is to be done is read from the secrets themselves: a link that has not the secret's revision yet, a removal, a promotion
 * that the former primary has not heard of. So nothing is lost whichever side dies when, and a region that is away only delays.
 * For each region one thing is done at a time.
 */
export class Replicator {
  readonly #ending = new AbortController()
  readonly #running = new Map<string, Promise<void>>()

  constructor(
    private readonly o: {
      secrets: Secrets
      removals: Removals
      peer: Peer
      clock: Clock
      random: Random
      onError: (error: unknown) => void
    },
  ) {}

  begin(): void {
    this.o.secrets.onChange = () => this.wake()
    this.wake()
  }

  /** Says that there may be something to do. */
  wake(): void {
    if (this.#ending.signal.aborted) return
    for (const region of this.#regions()) {
      if (this.#running.has(region)) continue
      const run = this.#run(region)
        .catch((error: unknown) => {
          if (!this.#ending.signal.aborted) this.o.onError(error)
        })
        .finally(() => {
          this.#running.delete(region)
          // What came in between the last look and the end.
          if (this.#next(region)) this.wake()
        })
      this.#running.set(region, run)
    }
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#running.values())
  }

  #regions(): Set<string> {
    const secrets = this.o.secrets.list()
    return new Set([
      ...secrets.flatMap((secret) =>
        (secret.replicas ?? []).flatMap((link) => (isBehind(secret, link) ? link.region : [])),
      ),
      ...secrets.flatMap(({ promotedFrom }) => promotedFrom?.region ?? []),
      ...this.o.removals.list().map(({ region }) => region),
    ])
  }

  /** The next thing to do for a region. */
  #next(region: string): (() => Promise<void>) | undefined {
    const removal = this.o.removals.list().find((one) => one.region === region)
    if (removal) {
      return async () => {
        const { name, suffix, revision } = removal
        await this.#ask(region, 'DeleteReplica', { name, suffix, revision })
        await this.o.removals.done(removal)
      }
    }
    for (const secret of this.o.secrets.list()) {
      const { promotedFrom } = secret
      if (promotedFrom?.region === region) return () => this.#tellPromotion(secret, promotedFrom)
      const link = secret.replicas?.find((one) => one.region === region && isBehind(secret, one))
      if (link) return () => this.#deliver(secret, link)
    }
    return undefined
  }

  async #run(region: string): Promise<void> {
    const { signal } = this.#ending
    let tries = 0
    for (let next = this.#next(region); next && !signal.aborted; next = this.#next(region)) {
      try {
        await next()
        tries = 0
      } catch (error) {
        if (signal.aborted) throw error
        // Nothing is lost by trying again.
        const isAway = error instanceof LifeboatError && error.code === 'RegionUnreachable'
        if (!isAway) this.o.onError(error)
        const longest = Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS)
        tries += 1
        const chance = Number.parseInt(this.o.random.hex(4), 16) / 0xffff
        await this.o.clock.sleep(longest * (0.5 + chance / 2), signal)
      }
    }
  }

  async #deliver(secret: Secret, link: ReplicaLink): Promise<void> {
    const message = this.#messageOf(secret, link)
    if (typeof message === 'string') {
      await this.#settle(secret, link, (now) => ({ ...now, failure: message }))
      return
    }
    const answer = await this.#ask<ReplicaOutcome>(link.region, 'PutReplica', message)
    const { outcome, isPromoted } = answer
    await this.#settle(secret, link, (now) => {
      // It was our replica, and somebody has made a primary secret of it.
      if (isPromoted && now.delivered !== undefined) return undefined
      if (outcome === 'taken') return { ...now, isForced: false, delivered: message.revision }
      const failure = `Replication failed: Secret name ${secret.name} already exists in region ${link.region}.`
      return { ...now, failure }
    })
  }

  async #tellPromotion(
    secret: Secret,
    { region, revision }: NonNullable<Secret['promotedFrom']>,
  ): Promise<void> {
    await this.#ask(region, 'Unlink', { name: secret.name, suffix: suffixOf(secret), revision })
    await this.o.secrets.put(secret.name, (now) => {
      if (!now || suffixOf(now) !== suffixOf(secret)) return now
      const { promotedFrom: _, ...rest } = now
      return rest
    })
  }

  /** Replaces or removes the link, if it is still the one that was delivered. */
  async #settle(
    secret: Secret,
    { region }: ReplicaLink,
    next: (link: ReplicaLink) => ReplicaLink | undefined,
  ): Promise<void> {
    await this.o.secrets.put(secret.name, (now) => {
      if (!now?.replicas || suffixOf(now) !== suffixOf(secret)) return now
      const links = now.replicas.flatMap((link) => {
        return link.region === region ? (next(link) ?? []) : link
      })
      return withLinks(now, links)
    })
  }

  async #ask<Output extends object>(
    region: string,
    operation: string,
    input: object,
  ): Promise<Output> {
    const own = this.o.secrets.region
    const { output } = await this.o.peer.ask<Output>({
      region,
      operation,
      input: { ...input, region: own },
      signal: this.#ending.signal,
    })
    return output
  }

  /** What is sent, or why it cannot be. */
  #messageOf(secret: Secret, link: ReplicaLink): ReplicaMessage | string {
    const { name, description, tags, createdAt, changedAt, revision = 0 } = secret
    try {
      return {
        ...{ name, suffix: suffixOf(secret), tags, createdAt, changedAt, revision },
        ...(description === undefined ? {} : { description }),
        ...(link.kmsKeyId === undefined ? {} : { kmsKeyId: link.kmsKeyId }),
        primaryRegion: this.o.secrets.region,
        isForced: link.isForced,
        versions: secret.versions.map(({ sealed, ...version }) => {
          const value = this.o.secrets.unseal(secret, { sealed, ...version })
          const { SecretString: string, SecretBinary: binary } = value
          return {
            ...version,
            ...(string === undefined ? {} : { string }),
            ...(binary === undefined ? {} : { binary: Buffer.from(binary).toString('base64') }),
          }
        }),
      }
    } catch (error) {
      if (!(error instanceof SecretsManagerFault)) throw error
      return `Replication failed: ${error.message}`
    }
  }
}

function isBehind({ revision }: Secret, { delivered, failure }: ReplicaLink): boolean {
  return failure === undefined && delivered !== revision
}
