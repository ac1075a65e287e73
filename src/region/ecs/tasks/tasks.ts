import { assert } from '../../../core/assert.ts'
import type { Clock } from '../../../core/clock.ts'
import type { DocumentStore } from '../../protocol/documents.ts'
import { Turns } from '../turns.ts'
import { isStopped, type TaskRecord } from './task.ts'

const COLLECTION = 'tasks'
/** Source: ECS API Reference, DescribeTasks: stopped tasks appear for at least one hour. */
const KEPT_MS = 3_600_000
/** A service that cannot start its tasks makes many. */
const MOST_STOPPED = 200

/** The tasks of a region, durable; reads are immediate. */
export class Tasks {
  /** Called after each change, with the task as it is then. */
  onChange: ((task: TaskRecord) => void) | undefined
  readonly #byId = new Map<string, TaskRecord>()
  readonly #turns = new Turns()

  constructor(private readonly o: { documents: DocumentStore; clock: Clock }) {
    for (const task of o.documents.list<TaskRecord>(COLLECTION)) this.#byId.set(task.id, task)
  }

  find(id: string): TaskRecord | undefined {
    return this.#byId.get(id)
  }

  /** Oldest first. */
  list(): TaskRecord[] {
    return [...this.#byId.values()].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
  }

  inCluster(cluster: string): TaskRecord[] {
    return this.list().filter((task) => task.cluster === cluster)
  }

  ofService({ cluster, name }: { cluster: string; name: string }): TaskRecord[] {
    return this.inCluster(cluster).filter((task) => task.service === name)
  }

  /** Stores a task, durably; readers see it from then on. */
  async put(task: TaskRecord): Promise<void> {
    await this.o.documents.put(COLLECTION, task.id, task)
    this.#byId.set(task.id, task)
    this.onChange?.(task)
  }

  /** Replaces a task, durably, by what `next` makes of it as it is by then; the same record changes nothing. */
  async change(id: string, next: (task: TaskRecord) => TaskRecord): Promise<TaskRecord> {
    return await this.#turns.take(id, async () => {
      const before = this.#byId.get(id)
      assert(before, 'the task is there')
      const after = next(before)
      if (after === before) return before
      const changed = { ...after, version: before.version + 1 }
      await this.put(changed)
      return changed
    })
  }

  /** Forgets tasks that stopped an hour ago, and the oldest beyond the most that are kept; answers which. */
  async expire(): Promise<TaskRecord[]> {
    const since = this.o.clock.now().getTime() - KEPT_MS
    const stopped = this.list().filter(isStopped)
    const expired = stopped.filter(
      ({ stoppedAt }, index) =>
        index < stopped.length - MOST_STOPPED || Date.parse(stoppedAt ?? '') < since,
    )
    for (const { id } of expired) {
      await this.o.documents.delete(COLLECTION, id)
      this.#byId.delete(id)
    }
    return expired
  }
}
