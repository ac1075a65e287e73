import { LifeboatError } from '../../../core/errors.ts'
import type { Lsn } from '../../../core/lsn.ts'
import { readProgress, type StandbyProgress } from '../../../postgres/standby/standby.ts'
import { ServerError } from '../../../postgres/wire/server-error.ts'
import { RdsFault } from '../faults.ts'
import { rebootInstance } from '../jobs/start-instance.ts'
import type { LiveInstance } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { reconfigure } from '../server-settings.ts'
import { forgetEnded } from '../transfer/backup-source.ts'
import { admitted, askSource, departure } from './ask-source.ts'
import type { ReplicaSource } from './replica.ts'
import { dismiss, dropForgottenSlots, type Observation } from './source.ts'

const TICK_MS = 1_000
/** How often the source is asked, in ticks; at once when nothing arrives. */
const ASK_EVERY = 5
/** How often it is looked for replicas that follow no more, in ticks. */
const TIDY_EVERY = 10

/** How a replica stands to its source, as it was seen last. */
export interface ReplicationState {
  readonly isStreaming: boolean
  /** Why not, in words for whoever reads the status. */
  readonly problem?: string | undefined
  /** Seconds since the commit that was replayed last; undefined while there was none. */
  readonly lagSeconds?: number | undefined
  readonly receivedLsn?: Lsn | undefined
  readonly replayedLsn?: Lsn | undefined
}

const UNSEEN: ReplicationState = {
  isStreaming: false,
  problem: 'The replica has not been seen yet.',
}

/**
 * Looks after the read replicas of a region: whether WAL arrives, and if not, why; that each follows its source when that moves
 * to another port, is renamed or asks for more room; that what is over is known to be over.
 */
export class ReplicaWatch {
  readonly #stopping = new AbortController()
  readonly #states = new Map<string, ReplicationState>()
  #running: Promise<void> = Promise.resolve()

  constructor(private readonly rds: Rds) {}

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the region closes'))
    await this.#running
  }

  stateOf(resourceId: string): ReplicationState {
    return this.#states.get(resourceId) ?? UNSEEN
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (let tick = 0; !signal.aborted; tick++) {
      const replicas = this.rds.instances().filter(({ record }) => record.replicaOf)
      await Promise.all(replicas.map((replica) => this.#look(replica, tick)))
      if (tick % TIDY_EVERY === 0) await this.#tidy()
      await this.rds.clock.sleep(TICK_MS, signal).catch((reason: unknown) => {
        if (reason !== signal.reason) throw reason
      })
    }
  }

  /** Lets go of replicas that follow this region's instances no more, as after a promotion while this region was away. */
  async #tidy(): Promise<void> {
    for (const instance of this.rds.instances().filter(({ isServing }) => isServing)) {
      try {
        await this.#tidyUp(instance)
      } catch (error) {
        if (!this.#stopping.signal.aborted) this.rds.report(error)
      }
    }
  }

  async #tidyUp(instance: LiveInstance): Promise<void> {
    const { resourceId: source, replicas = [], replicaOf, status } = instance.record
    if (replicaOf || status !== 'available') return
    for (const { region, resourceId } of replicas) {
      const asked = { source, replica: resourceId }
      const left = await departure(this.rds, region, 'FindReplica', asked)
      if (left) await dismiss(this.rds, instance, resourceId, left)
    }
    await dropForgottenSlots(instance)
    await forgetEnded(this.rds, instance)
  }

  /** One replica's trouble must not keep the others from being looked at. */
  async #look(instance: LiveInstance, tick: number): Promise<void> {
    const { resourceId, replicaOf, status } = instance.record
    if (!replicaOf || status !== 'available') return
    const before = this.stateOf(resourceId)
    try {
      const progress = await progressOf(instance)
      const isAsked = tick % ASK_EVERY === 0 || !progress?.isStreaming || progress.isPaused
      const problem = replicaOf.ended ?? (isAsked ? await this.#ask(instance) : before.problem)
      this.#see(instance, stateFrom(progress, problem))
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#see(instance, { isStreaming: false, problem: wordsFor(error) })
      const isExpected = error instanceof LifeboatError || error instanceof ServerError
      if (!isExpected) this.rds.report(error)
    }
  }

  #see(instance: LiveInstance, state: ReplicationState): void {
    const { resourceId } = instance.record
    const before = this.#states.get(resourceId)
    this.#states.set(resourceId, state)
    if (!before || before.isStreaming === state.isStreaming) return
    const event = state.isStreaming ? 'replication resumed' : 'replication stopped'
    this.rds.tell(instance, event).catch((error) => this.rds.report(error))
  }

  /** What the source says of the replica; in words what keeps it from replicating, if anything does. */
  async #ask(instance: LiveInstance): Promise<string | undefined> {
    try {
      const seen = await askSource<Observation>(this.rds, instance, 'ObserveReplica', {})
      await this.#keepUp(instance, seen)
      return seen.isSlotLost
        ? 'The source gave up WAL that the replica needs: requested WAL segment has already been removed.'
        : undefined
    } catch (error) {
      if (error instanceof RdsFault && error.shape === 'DBInstanceNotFoundFault') {
        return await this.#askAgain(instance)
      }
      if (error instanceof RdsFault) return error.message
      if (!(error instanceof LifeboatError) || error.code !== 'RegionUnreachable') throw error
      return `The region of the source does not answer: ${instance.record.replicaOf?.region}.`
    }
  }

  /** The source is gone, or it has forgotten the replica, as one that was put back to a former state. */
  async #askAgain(instance: LiveInstance): Promise<string | undefined> {
    try {
      await admitted(this.rds, instance, { isFresh: false })
      return undefined
    } catch (error) {
      if (!(error instanceof RdsFault)) throw error
      if (error.shape !== 'DBInstanceNotFoundFault') return error.message
    }
    const ended = 'The source was deleted.'
    await instance.change((record) => ({ ...record, ...withSource(record.replicaOf, { ended }) }))
    await this.rds.tell(instance, 'replication ended')
    return ended
  }

  /** The source may have another name, another port, or more room than when it was asked last. */
  async #keepUp(instance: LiveInstance, seen: Observation): Promise<void> {
    const { replicaOf, recoveryMinimums } = instance.record
    const { primary } = replicaOf ?? {}
    if (replicaOf && replicaOf.arn !== seen.arn) {
      const { arn } = seen
      await instance.change((record) => ({ ...record, ...withSource(record.replicaOf, { arn }) }))
    }
    if (primary && (primary.port !== seen.port || primary.host !== seen.host)) {
      await admitted(this.rds, instance, { isFresh: false })
      await reconfigure(this.rds, instance)
    }
    const more = Object.entries(seen.recoveryMinimums).filter(
      ([name, value]) => value > (recoveryMinimums[name] ?? 0),
    )
    if (more.length === 0) return
    await instance.begin('reboot', {
      prepare: async (record) => ({
        ...record,
        recoveryMinimums: { ...record.recoveryMinimums, ...Object.fromEntries(more) },
      }),
      work: rebootInstance(this.rds),
    })
  }
}

function withSource(source: ReplicaSource | undefined, more: Partial<ReplicaSource>) {
  return source ? { replicaOf: { ...source, ...more } } : {}
}

async function progressOf(instance: LiveInstance): Promise<StandbyProgress | undefined> {
  if (!instance.isServing) return undefined
  return await instance.server.connected((connection) => readProgress(connection))
}

function stateFrom(
  progress: StandbyProgress | undefined,
  problem: string | undefined,
): ReplicationState {
  if (!progress) return { isStreaming: false, problem: problem ?? 'The replica does not run.' }
  const { isStreaming, isPaused, receivedLsn, replayedLsn, sinceLastCommitSeconds } = progress
  const words = isPaused ? 'Replay waits for a restart with more room.' : problem
  return {
    isStreaming: isStreaming && !isPaused,
    problem: words ?? (isStreaming ? undefined : 'The replica is connecting to its source.'),
    lagSeconds: sinceLastCommitSeconds,
    receivedLsn,
    replayedLsn,
  }
}

function wordsFor(error: unknown): string {
  return error instanceof LifeboatError ? error.message : 'The replica cannot be asked.'
}
