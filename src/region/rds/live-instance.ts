import { assert } from '../../core/assert.ts'
import { Turns } from '../../core/turns.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { invalidInstanceState } from './faults.ts'
import type { InstanceRecord } from './instance.ts'
import type { InstanceServer } from './instance-server.ts'
import {
  type InstanceOutcome,
  type InstanceRequest,
  statusAfterOutcome,
  statusAfterRequest,
} from './instance-status.ts'

const COLLECTION = 'instances'

/** Something that takes time and that a status names, as `creating`. It stops soon after `signal` aborts. */
export type Work = (instance: LiveInstance, signal: AbortSignal) => Promise<void>

/**
 * A DB instance in this process: its record, its server, and the one work that it is at.
 *
 * Records are stored before they are visible. A status is changed in turn, and only as the tables of
 * `instance-status.ts` allow, so that two callers never both begin a work.
 */
export class LiveInstance {
  readonly #turns = new Turns()
  #record: InstanceRecord
  #server: InstanceServer | undefined
  #abort = new AbortController()
  #work: Promise<void> = Promise.resolve()
  #worksAtHand = 0
  #isClosed = false
  #isForgotten = false

  constructor(
    private readonly documents: DocumentStore,
    record: InstanceRecord,
    /** Made when it is first needed; fails when this machine has no binaries for the data. */
    private readonly makeServer: (instance: LiveInstance) => InstanceServer,
    /** Never rejects. */
    private readonly onFailure: (instance: LiveInstance, error: unknown) => Promise<void>,
  ) {
    this.#record = record
  }

  /** All instances that were stored. */
  static stored(documents: DocumentStore): InstanceRecord[] {
    return documents.list<InstanceRecord>(COLLECTION)
  }

  get record(): InstanceRecord {
    return this.#record
  }

  get server(): InstanceServer {
    this.#server ??= this.makeServer(this)
    return this.#server
  }

  /** Whether its server runs. Asking does not make one. */
  get isServing(): boolean {
    return this.#server?.isRunning ?? false
  }

  /** Stores the instance for the first time. */
  async add(): Promise<void> {
    await this.documents.put(COLLECTION, this.#record.resourceId, this.#record)
  }

  /** Changes anything but the status, durably. */
  async change(next: (record: InstanceRecord) => InstanceRecord): Promise<InstanceRecord> {
    return await this.#turns.take(() => this.#store(next(this.#record)))
  }

  /**
   * Begins what a request asks for: stores the new status, ends the work at hand and launches the next.
   *
   * @param prepare  checks, and makes the record that the work needs; it runs in turn, before anything is stored
   * @param isWorkNeeded  whether the prepared record asks for work; if not, it is stored and the status stays
   * @param refused  the words when the status does not allow it
   * @throws RdsFault `InvalidDBInstanceStateFault`, and what `prepare` throws
   */
  async begin(
    request: InstanceRequest,
    {
      prepare = async (record) => record,
      work,
      isWorkNeeded = () => true,
      refused = (record) => `Instance ${record.identifier} is not in available state.`,
    }: {
      prepare?: (record: InstanceRecord) => Promise<InstanceRecord>
      work: Work
      isWorkNeeded?: (record: InstanceRecord) => boolean
      refused?: (record: InstanceRecord) => string
    },
  ): Promise<InstanceRecord> {
    return await this.#turns.take(async () => {
      const status = statusAfterRequest(this.#record.status, request)
      if (!status || this.#isClosed || this.#isForgotten)
        throw invalidInstanceState(refused(this.#record))
      const prepared = await prepare(this.#record)
      if (!isWorkNeeded(prepared)) return await this.#store(prepared)
      const after = await this.#store({ ...prepared, status })
      this.#launch(work)
      return after
    })
  }

  /**
   * Ends a work: stores the status that its outcome leads to, with what else it changed.
   *
   * @throws the signal's reason when another work has taken its place
   */
  async end(
    signal: AbortSignal,
    outcome: InstanceOutcome,
    next: (record: InstanceRecord) => InstanceRecord = (record) => record,
  ): Promise<InstanceRecord> {
    return await this.#turns.take(async () => {
      signal.throwIfAborted()
      const status = statusAfterOutcome(this.#record.status, outcome)
      assert(status, `'${outcome}' cannot come about while an instance is ${this.#record.status}`)
      return await this.#store({ ...next(this.#record), status })
    })
  }

  /** As `end`, for what nobody waited for: does nothing where it cannot come about. True when it did. */
  async suffer(outcome: InstanceOutcome, work: Work): Promise<boolean> {
    return await this.#turns.take(async () => {
      const status = statusAfterOutcome(this.#record.status, outcome)
      if (!status || this.#isClosed) return false
      await this.#store({ ...this.#record, status })
      this.#launch(work)
      return true
    })
  }

  /** Launches the work that the stored status names, after a start of the region. */
  resume(work: Work): void {
    this.#launch(work)
  }

  /** Resolves when the work at hand, and any that took its place meanwhile, has ended. */
  async settled(): Promise<void> {
    let seen: Promise<void> | undefined
    while (seen !== this.#work) {
      seen = this.#work
      await seen
    }
  }

  /** Deletes the record, for good. */
  async forget(): Promise<void> {
    await this.#turns.take(async () => {
      this.#isForgotten = true
      await this.documents.delete(COLLECTION, this.#record.resourceId)
    })
  }

  /** Ends the work at hand, whose status stays stored, and the server. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#abort.abort(new Error('the region closes'))
    await this.settled()
    await this.#server?.stop('fast')
  }

  /** Whether no work is at hand. */
  get isIdle(): boolean {
    return this.#worksAtHand === 0
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The work at hand learns by its signal that another takes its place, which begins when it has ended. */
  #launch(work: Work): void {
    this.#abort.abort(new Error('another work took its place'))
    const abort = new AbortController()
    this.#abort = abort
    const before = this.#work
    this.#worksAtHand += 1
    this.#work = before.then(async () => {
      try {
        if (!abort.signal.aborted) await work(this, abort.signal)
      } catch (error) {
        // What a superseded work dies of is of no interest: its place has been taken.
        if (!abort.signal.aborted) await this.onFailure(this, error)
      } finally {
        this.#worksAtHand -= 1
      }
    })
  }

  async #store(record: InstanceRecord): Promise<InstanceRecord> {
    if (this.#isForgotten) return this.#record
    await this.documents.put(COLLECTION, record.resourceId, record)
    this.#record = record
    return record
  }
}
