import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { FindLock, LockHolder, LockRecord } from './execution-lock.ts'
import type { Executor } from './executor.ts'
import { Lease } from './lease.ts'
import type { Json } from './runbook.ts'
import { isUnreachable } from './state-database.ts'

/** The locks of what this process executes. An execution without a lock is as free as one that holds its own. */
export class Locks {
  readonly #leases = new Map<string, Lease>()
  /** Executions whose journal is to be replaced by the copy that lies with the lock, which must stay there until then. */
  readonly #brought = new Set<string>()

  constructor(
    private readonly o: {
      readonly find: FindLock | undefined
      readonly user: string
      readonly executor: Executor
      /** Whose journal this process writes, and what is in it of an execution. */
      readonly journal: { readonly id: string; copy(id: string): Promise<Json | undefined> }
      readonly clock: Clock
      readonly onLost: (id: string, error: LifeboatError) => void
      readonly onSilence: (id: string, reason: Error) => void
      readonly onLog: (line: string) => void
    },
  ) {}

  /** Who has the lock that an input leads to, or had it last; undefined when nobody ever had, or there is none. */
  async holder(input: Json): Promise<LockHolder | undefined> {
    return (await this.o.find?.(input))?.holder()
  }

  /** Says that the journal has what the copy of an `isElsewhere` claim had: from now on it is copied again. */
  restored(id: string): void {
    this.#brought.delete(id)
  }

  /**
   * Takes the lock of an execution and keeps it; tells what a former holder left of the same execution. Undefined: it has none.
   *
   * @throws LifeboatError as `ExecutionLock.acquire`
   */
  async claim(
    of: {
      readonly id: string
      readonly runbook: string
      readonly input: Json
      readonly owns?: string | undefined
      readonly former?: LockRecord | undefined
      readonly takeOver?: string | undefined
      /** It is another machine's, and the journal here does not know what it has done until `restored`. */
      readonly isElsewhere?: boolean
    },
    signal: AbortSignal,
  ): Promise<{ record: LockRecord; found: Json | undefined } | undefined> {
    const { id, runbook, owns, former, takeOver } = of
    const lock = owns === undefined ? undefined : await this.o.find?.(of.input)
    if (!lock || owns === undefined) return undefined
    if (takeOver?.trim() === '') {
      throw new LifeboatError('InvalidUsage', 'a lock is taken over for a reason', {
        hint: 'Say why: it is kept with the execution and in the incident document.',
      })
    }
    await this.#leases.get(id)?.forget()
    if (of.isElsewhere) this.#brought.add(id)
    else this.#brought.delete(id)
    const { host, pid } = this.o.executor
    const held = await lock.acquire(
      {
        ...{ owns, execution: id, runbook, host, pid, user: this.o.user },
        journal: this.o.journal.id,
        ...(former && { formerGeneration: former.generation }),
        ...(takeOver !== undefined && { takeOver: takeOver.trim() }),
      },
      signal,
    )
    const lease = await Lease.begin(held, {
      clock: this.o.clock,
      copy: async () => (this.#brought.has(id) ? undefined : this.o.journal.copy(id)),
      onNoCopy: (error) => {
        if (!isUnreachable(error)) this.o.onLog(`${id}: its journal could not be copied: ${error}`)
      },
      onLost: (error) => this.#ifCurrent(id, lease, () => this.o.onLost(id, error)),
      onSilence: (reason) => this.#ifCurrent(id, lease, () => this.o.onSilence(id, reason)),
    })
    this.#leases.set(id, lease)
    return held
  }

  /** Whether steps may run at this moment, as far as is known without asking. */
  isSure(id: string): boolean {
    return this.#leases.get(id)?.isSure ?? true
  }

  /** Waits until the lock has said that it is still ours. @throws LifeboatError `ExecutionLocked` */
  async confirm(id: string, signal: AbortSignal): Promise<void> {
    await this.#leases.get(id)?.confirm(signal)
  }

  /** A lock that cannot be released is left to be taken over; that must not keep an execution from ending. */
  release(id: string): Promise<void> {
    return this.#let(id, 'released', (lease) => lease.release())
  }

  /** Keeps the lock for an execution that this process no longer executes. */
  park(id: string): Promise<void> {
    return this.#let(id, 'kept without a lease', (lease) => lease.park())
  }

  async parkAll(): Promise<void> {
    await Promise.all([...this.#leases.keys()].map((id) => this.park(id)))
  }

  async #let(id: string, what: string, act: (lease: Lease) => Promise<void>): Promise<void> {
    const lease = this.#leases.get(id)
    if (!lease) return
    this.#leases.delete(id)
    try {
      await act(lease)
    } catch (error) {
      this.o.onLog(`${id}: its lock could not be ${what}: ${error}`)
    }
  }

  #ifCurrent(id: string, lease: Lease, act: () => void): void {
    if (this.#leases.get(id) === lease) act()
  }
}
