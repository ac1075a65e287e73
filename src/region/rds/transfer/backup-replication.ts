import { LifeboatError } from '../../../core/errors.ts'
import type { BackupFollower } from '../../../postgres/transfer/backup-follower.ts'
import { sealedHere } from '../disclosed-facts.ts'
import type { EventName } from '../events.ts'
import { RdsFault } from '../faults.ts'
import type { Rds } from '../rds.ts'
import type { BackupReplica, BackupSource } from './backup-source.ts'
import { PeerSupply } from './peer-supply.ts'
import type { ReplicatedBackups } from './replicated-backups.ts'

/** How often the source is asked about, in milliseconds: it may have been renamed, or be gone. */
const ASK_EVERY_MS = 2_000
const MAX_PAUSE_MS = 60_000
/** A source that is asked for its own good must answer soon. */
const SILENCE_MS = 10_000

/**
 * The replication of automated backups that has begun in this region: WAL comes as it is written, and each base backup when it
 * is complete. While the other region is away it waits; it ends when the instance is gone, or a key.
 */
export class BackupReplication {
  readonly #running = new Map<string, { ending: AbortController; done: Promise<void> }>()

  constructor(private readonly rds: Rds) {}

  /** Goes on with what a killed region was at. */
  resume(): void {
    for (const { instance, ended } of this.rds.replicated.list()) {
      if (!ended) this.begin(instance.resourceId)
    }
  }

  /** Safe to call again. */
  begin(resourceId: string): void {
    if (this.#running.has(resourceId)) return
    const ending = new AbortController()
    const done = this.#keep(resourceId, ending.signal)
      .catch((error: unknown) => {
        if (!ending.signal.aborted) this.rds.report(error)
      })
      .finally(() => this.#running.delete(resourceId))
    this.#running.set(resourceId, { ending, done })
  }

  /** Resolves when nothing writes to the backups any more. */
  async end(resourceId: string): Promise<void> {
    const running = this.#running.get(resourceId)
    running?.ending.abort(new Error('the replication was ended'))
    await running?.done
  }

  /** Ends it for good, because somebody asked for it. */
  async stop(resourceId: string): Promise<void> {
    await this.end(resourceId)
    await this.#retire(resourceId, 'It was stopped.')
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((resourceId) => this.end(resourceId)))
  }

  async #keep(resourceId: string, signal: AbortSignal): Promise<void> {
    let follower: BackupFollower | undefined
    try {
      for (let pauseMs = ASK_EVERY_MS; ; ) {
        try {
          const over = await this.#care(resourceId, follower, signal)
          if (over !== undefined) return await this.#retire(resourceId, over)
          follower ??= await this.#follow(resourceId)
          pauseMs = ASK_EVERY_MS
        } catch (error) {
          signal.throwIfAborted()
          this.#report(error)
          pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
        }
        await this.rds.clock.sleep(pauseMs, signal)
      }
    } finally {
      await follower?.stop()
    }
  }

  /** Keeps what is known of the source. @returns why nothing more will come, when that is so */
  async #care(
    resourceId: string,
    follower: BackupFollower | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { rds } = this
    const before = rds.replicated.find(resourceId)
    if (!before) return 'The replicated backups were deleted.'
    const { instance } = before
    if (!rds.keys.isUsable(instance.encryption)) return 'The KMS key cannot be used.'
    const askedAt = rds.clock.now()
    const source = await this.#ask(before, signal)
    if (source instanceof RdsFault) return source.message
    await this.#see(before, source)
    const caughtUpAt = follower?.status().caughtUpAt
    const isAllHere = caughtUpAt !== undefined && caughtUpAt > askedAt
    return source.isGone && isAllHere ? 'The DB instance was deleted.' : undefined
  }

  /** @returns a refusal where the source has none for us any more */
  async #ask(replicated: ReplicatedBackups, signal: AbortSignal): Promise<BackupSource | RdsFault> {
    const { instance, sourceRegion } = replicated
    const { names, peer } = this.rds
    const replica: BackupReplica = { arn: this.#arnOf(replicated), region: names.region }
    try {
      const { output } = await peer.ask<BackupSource>({
        region: sourceRegion,
        operation: 'FollowBackups',
        input: { source: instance.resourceId, replica },
        silenceMs: SILENCE_MS,
        signal,
      })
      return output
    } catch (error) {
      if (error instanceof RdsFault) return error
      throw error
    }
  }

  async #see(before: ReplicatedBackups, source: BackupSource): Promise<void> {
    const { rds } = this
    const { sealedSuperuserPassword: sealed, ...known } = before.instance
    const isSamePassword = rds.key.password(sealed) === source.superuserPassword
    const seen = sealedHere(rds, source, before.instance.encryption)
    const after: ReplicatedBackups = {
      ...before,
      sourceArn: source.arn,
      instance: {
        ...seen,
        ...(isSamePassword ? { sealedSuperuserPassword: sealed } : {}),
        automatedBackupsName: known.automatedBackupsName,
        tags: known.tags,
        settings: {
          ...seen.settings,
          backupRetentionDays: known.settings.backupRetentionDays,
        },
      },
    }
    if (JSON.stringify(after) !== JSON.stringify(before)) await rds.replicated.put(after)
  }

  async #follow(resourceId: string): Promise<BackupFollower | undefined> {
    const { rds } = this
    const replicated = rds.replicated.find(resourceId)
    if (!replicated) return undefined
    const protection = await rds.backups.open(replicated.instance)
    const follower = protection.follow(
      new PeerSupply(rds.peer, replicated.sourceRegion, { kind: 'automated', resourceId }),
    )
    follower.on('gap', () => {
      this.tell(replicated, 'gap in backups').catch((error) => rds.report(error))
    })
    follower.on('problem', (problem) => this.#report(problem))
    follower.start()
    return follower
  }

  /** Nothing comes any more; what is here stays for as long as its retention says. */
  async #retire(resourceId: string, reason: string): Promise<void> {
    const { rds } = this
    const replicated = rds.replicated.find(resourceId)
    if (!replicated || replicated.ended) return
    await rds.replicated.put({ ...replicated, ended: { at: rds.now(), reason } })
    await this.tell(replicated, 'backup replication ended', reason)
    try {
      await rds.peer.ask({
        region: replicated.sourceRegion,
        operation: 'ForgetBackups',
        input: { source: resourceId, arn: this.#arnOf(replicated) },
        silenceMs: SILENCE_MS,
      })
    } catch (error) {
      // It finds out by itself.
      this.#report(error)
    }
  }

  /** That the other region is away is ordinary; it shows in the restore window. */
  #report(error: unknown): void {
    const isAway = error instanceof LifeboatError && error.code === 'RegionUnreachable'
    if (!isAway && !(error instanceof RdsFault)) this.rds.report(error)
  }

  #arnOf({ instance }: ReplicatedBackups): string {
    return this.rds.names.arn('auto-backup', instance.automatedBackupsName)
  }

  async tell(
    { instance: { identifier }, sourceArn: arn }: ReplicatedBackups,
    event: EventName,
    more = '',
  ): Promise<void> {
    await this.rds.events.record({ source: 'db-instance', identifier, arn }, event, more)
  }
}
