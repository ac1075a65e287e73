import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { HeldLock } from './execution-lock.ts'
import type { Json } from './runbook.ts'

/** Renewals within the length of a lease. */
const RENEWALS = 5
const RETRY_MS = 200

export interface LeaseOptions {
  readonly clock: Clock
  /** The journal of the execution as it is; undefined before it has begun. */
  readonly copy: () => Promise<Json | undefined>
  /** A copy that could not be read: the lock keeps the one that it has. */
  readonly onNoCopy: (error: unknown) => void
  /** The lock was taken over. */
  readonly onLost: (error: LifeboatError) => void
  /** It could not be renewed in time; it may still be ours. */
  readonly onSilence: (reason: Error) => void
}

/**
 * Holds an execution's lock for as long as a process executes it.
 *
 * A holder that cannot renew stops all of its steps when two thirds of the lease have passed, before anybody else may begin
 * one. Steps that only read are stopped too: which of them do is not declared, and a runbook whose next effect has to wait
 * gains nothing by reading on what will have changed. It tries on, and goes on by itself when the lock is still its own.
 * How long ago it last renewed is told by this machine's monotonic clock, from before the renewal was sent; so the lease as
 * the lock's own clock sees it never ends earlier.
 */
export class Lease {
  readonly #ended = new AbortController()
  #renewing: Promise<void> | undefined
  #renewedAtMs: number
  #isSilent = false
  #lost: LifeboatError | undefined
  /** Why the newest renewal has failed. */
  #fault: unknown
  #copy: Json | undefined
  #isCopyOld = false

  private constructor(
    private readonly held: HeldLock,
    private readonly o: LeaseOptions,
    renewedAtMs: number,
  ) {
    this.#renewedAtMs = renewedAtMs
    void this.#keep()
    void this.#watch()
  }

  /** Renews once, and from then on by itself. */
  static async begin(held: HeldLock, o: LeaseOptions): Promise<Lease> {
    const copy = await o.copy()
    const askedAtMs = o.clock.monotonicMs()
    await held.renew(copy)
    return new Lease(held, o, askedAtMs)
  }

  /** Whether steps may run under it at this moment. */
  get isSure(): boolean {
    return !this.#isSilent && !this.#lost && !this.#ended.signal.aborted
  }

  /**
   * Resolves when the lock itself has said that it is still held, and has a copy of the journal as it was when this was
   * called, or later; while it cannot be asked, that waits.
   *
   * @throws LifeboatError `ExecutionLocked`
   */
  async confirm(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      try {
        // What is under way may have looked at the journal before.
        await Promise.allSettled([this.#renewing])
        await this.#renew()
        if (!this.#isCopyOld) return
        await this.o.clock.sleep(RETRY_MS, signal)
      } catch (error) {
        if (this.#lost) throw this.#lost
        if (!(error instanceof LifeboatError)) throw error
        await this.o.clock.sleep(RETRY_MS, signal)
      }
    }
  }

  /** Lets others have the lock, after the last step. */
  async release(): Promise<void> {
    await this.#stop()
    if (!this.#lost) await this.held.release()
  }

  /** Leaves the lock with the execution, which nobody executes now. */
  async park(): Promise<void> {
    await this.#stop()
    if (!this.#lost) await this.held.park(await this.#readCopy())
  }

  /** Renews no more, and says nothing: the same execution takes the lock anew. */
  forget(): Promise<void> {
    return this.#stop()
  }

  async #stop(): Promise<void> {
    this.#ended.abort()
    await Promise.allSettled([this.#renewing])
  }

  /** Renewals come one after the other: each is made on condition of the one before. */
  #renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #renewOnce(): Promise<void> {
    if (this.#lost) throw this.#lost
    const copy = await this.#readCopy()
    const askedAtMs = this.o.clock.monotonicMs()
    try {
      await this.held.renew(copy)
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'ExecutionLocked') {
        this.#lost = error
        this.#ended.abort()
        this.o.onLost(error)
      }
      this.#fault = error
      throw error
    }
    this.#fault = undefined
    this.#renewedAtMs = askedAtMs
    this.#isSilent = false
  }

  /** With the state away the lock is kept all the same: with the copy that there was. */
  async #readCopy(): Promise<Json | undefined> {
    try {
      this.#copy = await this.o.copy()
      this.#isCopyOld = false
    } catch (error) {
      this.#isCopyOld = true
      this.o.onNoCopy(error)
    }
    return this.#copy
  }

  async #keep(): Promise<void> {
    const everyMs = this.held.leaseMs / RENEWALS
    while (await this.#pause(everyMs)) {
      // A renewal that fails is tried again; that it fails for too long is seen by `#watch`.
      await Promise.allSettled([this.#renew()])
    }
  }

  /** Beside the renewals, as one of them may itself take longer than the lease has left. */
  async #watch(): Promise<void> {
    const { clock, onSilence } = this.o
    const mostMs = (this.held.leaseMs * 2) / 3
    const leftMs = () => this.#renewedAtMs + mostMs - clock.monotonicMs()
    while (await this.#pause(Math.max(RETRY_MS, leftMs()))) {
      if (this.#isSilent || leftMs() > 0) continue
      this.#isSilent = true
      onSilence(this.#silence())
    }
  }

  /** A renewal that is still under way, or one that was refused, which only a person can mend. */
  #silence(): LifeboatError {
    const what = `the lock at ${this.held.record.place} could not be renewed in time`
    const fault = this.#fault
    if (!(fault instanceof LifeboatError)) return new LifeboatError('RegionUnreachable', what)
    const { message, hint } = fault
    return new LifeboatError('RegionUnreachable', `${what}: ${message}`, {
      cause: fault,
      ...(hint && { hint }),
    })
  }

  #pause(ms: number): Promise<boolean> {
    return this.o.clock.sleep(ms, this.#ended.signal).then(
      () => !this.#ended.signal.aborted,
      () => false,
    )
  }
}
