import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { Fault } from '../protocol/fault.ts'
import { S3ControlFault } from '../protocol/models/s3-control.ts'
import type { Caller } from '../protocol/service.ts'
import type { BatchSource } from './batch-source.ts'
import { isEnded, type Job, matches, type Task } from './job.ts'

const NO_KEYS = 'Manifest generation found no keys matching the filter criteria.'
const JOBS = 'jobs'
const MANIFESTS = 'manifests'
export const BATCH_SERVICE = 'batchoperations.s3.amazonaws.com'

/** Tasks that are under way at a time; what is recorded is the end of all of them. */
const WINDOW = 100
/** Tasks in a document of the manifest: so many windows. */
const MANIFEST_PAGE = 10 * WINDOW
const POLL_MS = 50

export interface JobsOptions {
  readonly region: string
  readonly accountId: string
  readonly documents: DocumentStore
  readonly source: BatchSource
  /** Who the service is with a role. @throws Fault `AccessDenied` unless the role trusts it */
  readonly callerFor: (roleArn: string, service: string) => Caller
  readonly clock: Clock
  readonly random: Random
  readonly onError: (error: unknown) => void
}

/**
 * The jobs of a region, each of which goes on from its last recorded task after a `kill -9`.
 *
 * A task whose version is on its way already is awaited and not queued again.
 */
export class Jobs {
  readonly #running = new Map<string, Promise<void>>()
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #ending = new AbortController()

  constructor(readonly o: JobsOptions) {}

  begin(): void {
    for (const job of this.list()) this.#ensureRunning(job.id)
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#running.values())
  }

  list(): Job[] {
    return this.o.documents.list<Job>(JOBS).sort((a, b) => b.createdAtMs - a.createdAtMs)
  }

  arnOf(id: string): string {
    return `arn:aws:s3:${this.o.region}:${this.o.accountId}:job/${id}`
  }

  /** @throws S3ControlFault `NotFoundException` */
  get(id: string): Job {
    const job = this.o.documents.get<Job>(JOBS, id)
    if (!job) throw new S3ControlFault('NotFoundException', `The job ${id} does not exist.`)
    return job
  }

  /** Durable when it resolves; it runs from then on. */
  async add(job: Job): Promise<void> {
    await this.o.documents.put(JOBS, job.id, job)
    this.#ensureRunning(job.id)
  }

  /** Replaces a job, durably, by what `next` makes of it as it is by then. */
  async change(id: string, next: (job: Job) => Job): Promise<Job> {
    const before = this.#turns.get(id) ?? Promise.resolve()
    const change = async () => {
      const job = next(this.get(id))
      await this.o.documents.put(JOBS, id, job)
      return job
    }
    const mine = before.then(change, change)
    this.#turns.set(id, mine)
    try {
      return await mine
    } finally {
      if (this.#turns.get(id) === mine) this.#turns.delete(id)
      this.#ensureRunning(id)
    }
  }

  #ensureRunning(id: string): void {
    if (this.#running.has(id) || this.#ending.signal.aborted || !isRunnable(this.get(id))) return
    const run = this.#run(id)
      .catch(this.o.onError)
      .finally(() => this.#running.delete(id))
    this.#running.set(id, run)
  }

  async #run(id: string): Promise<void> {
    for (;;) {
      const job = this.get(id)
      if (this.#ending.signal.aborted || !isRunnable(job)) return
      try {
        await this.#step(job)
      } catch (error) {
        if (!(error instanceof Fault || error instanceof LifeboatError)) throw error
        await this.#fail(id, error instanceof Fault ? error.wireCode : error.code, error.message)
      }
    }
  }

  async #step(job: Job): Promise<void> {
    const nowMs = this.o.clock.now().getTime()
    switch (job.status) {
      case 'New':
        await this.#move(job, { status: 'Preparing' })
        return
      case 'Preparing':
        await this.#prepare(job, nowMs)
        return
      case 'Ready':
        await this.#move(job, { status: 'Active', activeAtMs: nowMs })
        return
      case 'Active':
        await this.#advance(job)
        return
      case 'Cancelling':
        await this.#deleteManifest(job)
        await this.#move(job, { status: 'Cancelled', endedAtMs: nowMs })
        return
      default:
        await this.#deleteManifest(job)
        await this.#move(job, { status: 'Complete', endedAtMs: nowMs })
    }
  }

  /** A status that somebody else has set meanwhile stays. */
  async #move(job: Job, to: Partial<Job>): Promise<void> {
    await this.change(job.id, (now) => (now.status === job.status ? { ...now, ...to } : now))
  }

  async #prepare(job: Job, nowMs: number): Promise<void> {
    const { source } = this.o
    const caller = this.o.callerFor(job.roleArn, BATCH_SERVICE)
    const bucket = job.sourceBucket
    for (const action of ['s3:GetReplicationConfiguration', 's3:PutInventoryConfiguration']) {
      if (!source.may(caller, action, { bucket })) {
        const message = `The job's role may not ${action} on arn:aws:s3:::${bucket}.`
        throw new S3ControlFault('AccessDenied', message)
      }
    }
    const total = await this.#writeManifest(job)
    if (total === undefined) return
    // The words are documented; the code is not.
    if (total === 0) return this.#fail(job.id, 'ManifestGenerationFoundNoKeys', NO_KEYS)
    await this.#move(
      job,
      job.isConfirmed
        ? { total, status: 'Ready' }
        : { total, status: 'Suspended', suspendedAtMs: nowMs },
    )
    // It may have been cancelled meanwhile.
    if (this.get(job.id).total !== total) await this.#deleteManifest({ ...job, total })
  }

  /** Resolves with the number of tasks when all of them are durable, or with undefined when it was interrupted. */
  async #writeManifest(job: Job): Promise<number | undefined> {
    const { source, documents } = this.o
    let total = 0
    let tasks: Task[] = []
    const write = async () => {
      await documents.put(MANIFESTS, pageOf(job.id, total), tasks)
      total += tasks.length
      tasks = []
    }
    for await (const version of source.versions(job.sourceBucket)) {
      if (this.#ending.signal.aborted) return undefined
      if (!matches(job.filter, version)) continue
      tasks.push([version.key, version.versionId, version.status])
      if (tasks.length === MANIFEST_PAGE) await write()
    }
    if (tasks.length > 0) await write()
    return total
  }

  async #deleteManifest({ id, total }: Job): Promise<void> {
    for (let from = 0; from < total; from += MANIFEST_PAGE) {
      await this.o.documents.delete(MANIFESTS, pageOf(id, from))
    }
  }

  async #advance(job: Job): Promise<void> {
    const from = job.succeeded + job.failed
    if (from >= job.total) {
      await this.#move(job, { status: 'Completing' })
      return
    }
    const page = this.o.documents.get<Task[]>(MANIFESTS, pageOf(job.id, from)) ?? []
    const at = from % MANIFEST_PAGE
    const tasks = page.slice(at, at + WINDOW)
    if (tasks.length === 0)
      throw new S3ControlFault('InternalServiceException', 'The manifest is gone.')
    const caller = this.o.callerFor(job.roleArn, BATCH_SERVICE)
    const reasons = await Promise.all(tasks.map((task) => this.#replicate(job, task, caller)))
    if (reasons.includes('interrupted')) return
    const failures = reasons.filter((reason) => reason !== undefined)
    await this.change(job.id, (now) => ({
      ...now,
      succeeded: now.succeeded + tasks.length - failures.length,
      failed: now.failed + failures.length,
    }))
    const failed = job.failed + failures.length
    // Source: S3 User Guide, "Tracking job failure": more than half, once a thousand tasks were tried.
    if (from + tasks.length >= 1000 && failed * 2 > from + tasks.length) {
      await this.#fail(job.id, 'FailureRateExceeded', 'More than 50 % of the tasks have failed.')
    }
  }

  /** Undefined when the version has arrived, or why it has not. */
  async #replicate(job: Job, task: Task, caller: Caller): Promise<string | undefined> {
    const { source } = this.o
    const [key, versionId, before] = task
    const bucket = job.sourceBucket
    const state = source.statusOf(bucket, key, versionId)
    // It has arrived since the manifest was written: for this job, before it was interrupted, or by itself.
    if (state?.status === 'COMPLETED' && before !== 'COMPLETED') return undefined
    if (!state?.isPending) {
      if (!source.may(caller, 's3:InitiateReplication', { bucket, key })) return 'AccessDenied'
      const queued = await source.enqueue(bucket, key, versionId)
      if (queued !== 'queued') return queued
    }
    for (;;) {
      const now = source.statusOf(bucket, key, versionId)
      if (!now) return 'SrcObjectNotFound'
      if (!now.isPending) return now.reason
      if (this.#ending.signal.aborted || this.get(job.id).status !== 'Active') return 'interrupted'
      await this.o.clock.sleep(POLL_MS)
    }
  }

  async #fail(id: string, FailureCode: string, FailureReason: string): Promise<void> {
    const endedAtMs = this.o.clock.now().getTime()
    const failures = [{ FailureCode, FailureReason }]
    await this.change(id, (job) => ({ ...job, status: 'Failed', endedAtMs, failures }))
    await this.#deleteManifest(this.get(id))
  }
}

/** The name of the document that a task is in. */
function pageOf(id: string, task: number): string {
  return `${id}/${Math.floor(task / MANIFEST_PAGE)}`
}

function isRunnable(job: Job): boolean {
  return !isEnded(job) && job.status !== 'Suspended'
}
