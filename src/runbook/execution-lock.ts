import type { Json } from './runbook.ts'

/** Who wants an execution to own a workload, and in which process it runs. */
export interface LockClaim {
  readonly owns: string
  readonly execution: string
  readonly runbook: string
  readonly host: string
  readonly user: string
  readonly pid: number
  /** Whose journal the execution is in: on another machine the same execution is another's. */
  readonly journal: string
  /** The generation under which this execution held the lock before; without it, it never did. */
  readonly formerGeneration?: number
  /** Take the lock away from whoever has it, for this reason. */
  readonly takeOver?: string
}

/** How an execution came to its lock, as its record keeps it. */
export type LockRecord = {
  /** Where the lock is, for people. */
  readonly place: string
  /** Grows whenever the lock changes hands; who holds an older one has lost it. */
  readonly generation: number
  readonly takenOver?: Takeover
}

/** A lock that was taken away from its holder. Times are of the lock's own clock, ISO 8601. */
export type Takeover = {
  readonly from: {
    readonly execution: string
    readonly host: string
    readonly user: string
    readonly pid: number
    readonly since: string
  }
  readonly by: string
  readonly reason: string
  readonly at: string
}

/** One execution owns a workload in the world, not only on this machine (I9). */
export interface ExecutionLock {
  /**
   * Takes the lock. A former holder whose lease still lasts is waited for: it may be in the middle of a step.
   *
   * @throws LifeboatError `ExecutionLocked` naming who holds it, since when and how to take over;
   *   `RegionUnreachable` when it cannot be asked
   */
  acquire(claim: LockClaim, signal?: AbortSignal): Promise<HeldLock>
  /** Who has it at this moment, or had it last; undefined when nobody ever had. @throws LifeboatError `RegionUnreachable` */
  holder(): Promise<LockHolder | undefined>
}

export interface LockHolder {
  readonly owns: string
  readonly execution: string
  readonly runbook: string
  /** Whose the copy is: the journal that knows what the execution has done. */
  readonly journal: string
  readonly host: string
  /** It has ended. */
  readonly isReleased: boolean
  /** Of its journal, for another one that goes on with it; undefined when it had begun nothing. */
  readonly copy: Json | undefined
}

/** A lock that was taken, until somebody takes it over. One process uses it, one call after the other. */
export interface HeldLock {
  readonly record: LockRecord
  /** How long the lease lasts after a renewal was asked for. */
  readonly leaseMs: number
  /** The copy of the journal that a former holder left for the same execution. */
  readonly found: Json | undefined
  /**
   * Proves that the lock is still held, and makes the lease last from now on.
   *
   * @param copy  of the execution's journal, kept with the lock for whoever takes over; undefined leaves the one that is there
   * @throws LifeboatError `ExecutionLocked` when somebody has taken it over
   */
  renew(copy: Json | undefined): Promise<void>
  /** Keeps the lock without a process that renews it: the execution waits for a person. */
  park(copy: Json | undefined): Promise<void>
  /** Lets others have it. */
  release(): Promise<void>
}

/** Finds the lock of an execution by its input; undefined when only this machine is guarded. */
export type FindLock = (input: Json) => Promise<ExecutionLock | undefined>
