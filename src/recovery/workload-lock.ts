import type { Documents, StoredDocument } from '../aws/documents.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import type {
  ExecutionLock,
  HeldLock,
  LockClaim,
  LockHolder,
  LockRecord,
  Takeover,
} from '../runbook/execution-lock.ts'
import type { Json } from '../runbook/runbook.ts'

const LEASE_SECONDS = 30
/** S3 tells whole seconds, of the writing and of the reading. */
const ROUNDING_SECONDS = 2
const TRIES = 20

/**
 * The object that a lock is. It is never deleted, so that the generation only grows.
 *
 * held      a process executes and renews; nobody has it when its lease has passed, but a person has to say so
 * waiting   the execution waits for a person and no process runs it: there is no lease
 * released  anybody may take it
 */
interface LockObject {
  readonly workload: string
  readonly generation: number
  readonly state: 'held' | 'waiting' | 'released'
  readonly execution: string
  readonly runbook: string
  readonly host: string
  readonly user: string
  readonly pid: number
  readonly journal: string
  /** ISO 8601, by the clock of S3. Empty until the first renewal when there was no lock before: when it was written. */
  readonly since: string
  readonly leaseSeconds: number
  /** Tells processes apart that claim for the same execution, and a write of our own from another's. */
  readonly nonce: string
  /** Makes every renewal another object: an entity tag is a hash of the content. */
  readonly renewal: number
  readonly takenOver?: Takeover
  /**
   * The execution's journal when its holder last wrote this, so that another machine can go on with it. So whoever may write
   * this object may steer a recovery that is taken over.
   */
  readonly copy?: Json | undefined
  /** Whose journal the copy is of; without it, its holder's. Another's until it is restored where the execution goes on. */
  readonly copyOf?: string
  /** When a former holder, which may know nothing of this one yet, has stopped by itself; ISO 8601, by the clock of S3. */
  readonly formerUntil?: string | undefined
}

type Written = { readonly etag: string; readonly at: Date }
type Seen = { readonly object: LockObject; readonly document: StoredDocument }

/** The lock of a workload: one small object in S3, which is only ever written on condition of what was read before. */
export class WorkloadLock implements ExecutionLock {
  readonly #key: string
  readonly #place: string

  constructor(
    private readonly o: {
      readonly documents: Pick<Documents, 'read' | 'write'>
      readonly bucket: string
      readonly prefix: string
      readonly workload: string
      readonly clock: Clock
      readonly random: Random
      readonly leaseSeconds?: number
    },
  ) {
    this.#key = `${o.prefix}${o.workload}.json`
    this.#place = `s3://${o.bucket}/${this.#key}`
  }

  async holder(): Promise<LockHolder | undefined> {
    const seen = await this.#read()
    if (!seen) return undefined
    const { workload: owns, execution, runbook, host, state, copy } = seen.object
    const isReleased = state === 'released'
    return { owns, execution, runbook, journal: knownTo(seen.object), host, isReleased, copy }
  }

  async acquire(claim: LockClaim, signal?: AbortSignal): Promise<HeldLock> {
    const nonce = this.o.random.hex(16)
    for (let tries = 1; tries <= TRIES; tries++) {
      const seen = await this.#read()
      if (seen && !isFreeFor(claim, seen) && !claim.takeOver) throw this.#locked(seen)
      const object = this.#claimed(claim, nonce, seen)
      const written = await this.#write(object, seen?.document.etag)
      if (!written) continue
      await this.#outlast(object, written.at, signal)
      return this.#held(
        { ...object, since: object.since || written.at.toISOString() },
        written.etag,
      )
    }
    throw new LifeboatError(
      'ExecutionLocked',
      `the lock at ${this.#place} changes hands all the time`,
    )
  }

  #claimed(claim: LockClaim, nonce: string, seen: Seen | undefined): LockObject {
    const { execution, runbook, host, user, pid, journal, takeOver } = claim
    const at = seen?.document.readAt.toISOString() ?? ''
    const isTaken = seen && takeOver && !isFreeFor(claim, seen)
    const left = seen?.object.execution === execution ? seen.object : undefined
    const leftSeconds = seen && stoppedInSeconds(claim, seen)
    return {
      workload: this.o.workload,
      generation: (seen?.object.generation ?? 0) + 1,
      state: 'held',
      execution,
      runbook,
      host,
      user,
      pid,
      journal,
      since: at,
      leaseSeconds: this.o.leaseSeconds ?? LEASE_SECONDS,
      nonce,
      renewal: 0,
      ...(isTaken && {
        takenOver: { from: holderOf(seen), by: user, reason: takeOver, at },
      }),
      ...(left?.copy !== undefined && { copy: left.copy, copyOf: knownTo(left) }),
      ...(seen && leftSeconds && { formerUntil: after(seen.document.readAt, leftSeconds) }),
    }
  }

  /** Undefined: somebody else has written meanwhile. */
  async #write(object: LockObject, former: string | undefined): Promise<Written | undefined> {
    const { documents, bucket } = this.o
    const condition = former === undefined ? 'absent' : { etag: former }
    const text = `${JSON.stringify(object, null, 2)}\n`
    const written = await documents.write(bucket, this.#key, text, condition)
    if (written !== 'conflict') return written
    // It may have been our own, without an answer.
    const found = await documents.read(bucket, this.#key)
    return found?.text === text ? { etag: found.etag, at: found.writtenAt } : undefined
  }

  /** Waits until a holder that knows nothing of us yet has stopped by itself, by the clock of S3. */
  async #outlast(
    { formerUntil }: LockObject,
    now: Date,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const leftMs = formerUntil ? Date.parse(formerUntil) - now.getTime() : 0
    if (leftMs > 0) await this.o.clock.sleep(leftMs, signal)
  }

  #held(acquired: LockObject, acquiredEtag: string): HeldLock {
    let object = acquired
    let etag = acquiredEtag
    const write = async (state: LockObject['state'], ours?: Json) => {
      for (let tries = 1; ; tries++) {
        const { copy, copyOf, formerUntil: _, renewal, ...kept } = object
        const known = ours === undefined ? { copy, copyOf } : { copy: ours }
        const more = state === 'released' ? {} : known
        const next = { ...kept, ...more, state, renewal: renewal + 1 }
        const written = await this.#write(next, etag)
        if (written) {
          object = next
          etag = written.etag
          return
        }
        const seen = await this.#read()
        if (seen?.object.nonce !== object.nonce || tries === TRIES) throw this.#lost(object, seen)
        // An earlier write of ours, which nobody has answered: what was to be kept with it has changed since.
        object = seen.object
        etag = seen.document.etag
      }
    }
    const { generation, takenOver, copy: found } = acquired
    const record: LockRecord = {
      place: this.#place,
      generation,
      ...(takenOver && { takenOver }),
    }
    return {
      record,
      leaseMs: acquired.leaseSeconds * 1000,
      found,
      renew: (copy) => write('held', copy),
      park: (copy) => write('waiting', copy),
      release: () => write('released'),
    }
  }

  #lost(object: LockObject, seen: Seen | undefined): LifeboatError {
    if (seen) return this.#locked(seen, object.generation)
    return new LifeboatError('ExecutionLocked', `the lock at ${this.#place} was removed`, {
      hint: `Find out who removed it, then: lifeboat execution resume ${object.execution} --take-over WHY`,
    })
  }

  async #read(): Promise<Seen | undefined> {
    const document = await this.o.documents.read(this.o.bucket, this.#key)
    if (!document) return undefined
    const object = parse(document.text)
    if (object) return { object, document }
    throw new LifeboatError('StateDamaged', `the lock at ${this.#place} is not one of Lifeboat`, {
      hint: 'Look at it, and remove it when it is in the way.',
    })
  }

  #locked(seen: Seen, former?: number): LifeboatError {
    const { object, document } = seen
    const { execution, host, user, pid, state } = object
    const { since } = holderOf(seen)
    const renewed = document.writtenAt.toISOString()
    const now = {
      held:
        leaseLeftSeconds(seen) > 0
          ? `renewed at ${renewed}`
          : `not heard of since ${renewed}: its process is gone or cut off`,
      waiting: 'it waits for a person there',
      released: 'it has ended',
    }[state]
    const lost = former === undefined ? '' : ` and generation ${former} is no longer valid`
    return new LifeboatError(
      'ExecutionLocked',
      `execution '${execution}' of ${user} on ${host} (process ${pid}) has owned '${object.workload}' since ${since} (${now})${lost}`,
      {
        hint: `Finish or cancel it on ${host}. If that cannot be done, go on with it here: lifeboat execution resume ${execution} --take-over WHY`,
      },
    )
  }
}

/**
 * Its own lock an execution may take again, unless another had it in between and may have changed the workload; or went on
 * with this one on another machine, of which our journal knows nothing.
 */
function isFreeFor(claim: LockClaim, { object }: Seen): boolean {
  const { execution, journal, formerGeneration } = claim
  if (formerGeneration !== undefined) {
    const isOurs = object.execution === execution && object.journal === journal
    return isOurs && knownTo(object) === journal
  }
  return object.state === 'released'
}

/** The journal that knows what the execution has done. */
function knownTo({ copyOf, journal }: LockObject): string {
  return copyOf ?? journal
}

/** How long a former holder may still be in the middle of a step, at the most; so may one that it had just taken over from. */
function stoppedInSeconds(claim: LockClaim, seen: Seen): number {
  const { formerUntil } = seen.object
  const since = seen.document.readAt.getTime()
  const former = formerUntil ? (Date.parse(formerUntil) - since) / 1000 : 0
  return Math.max(0, former, isFreeFor(claim, seen) ? 0 : leaseLeftSeconds(seen))
}

function after(time: Date, seconds: number): string {
  return new Date(time.getTime() + seconds * 1000).toISOString()
}

function holderOf({ object, document }: Seen): Takeover['from'] {
  const { execution, host, user, pid } = object
  return { execution, host, user, pid, since: object.since || document.writtenAt.toISOString() }
}

function leaseLeftSeconds({ object, document }: Seen): number {
  if (object.state !== 'held') return 0
  const ageSeconds = (document.readAt.getTime() - document.writtenAt.getTime()) / 1000
  return Math.max(0, object.leaseSeconds + ROUNDING_SECONDS - ageSeconds)
}

function parse(text: string): LockObject | undefined {
  try {
    const object = JSON.parse(text) as LockObject
    return Number.isInteger(object?.generation) && object.state ? object : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
