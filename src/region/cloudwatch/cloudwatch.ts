import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { MetricSource } from '../metric-source.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { Alarms } from './alarms/alarms.ts'
import { Evaluator } from './alarms/evaluator.ts'
import { AlarmHistory } from './alarms/history.ts'
import { type Notify, Transitions } from './alarms/transitions.ts'
import { MetricStore } from './metrics/metric-store.ts'
import { Sampler } from './metrics/sampler.ts'

export interface CloudWatchOptions {
  readonly region: string
  readonly accountId: string
  /** Holds the metrics. */
  readonly folder: string
  readonly documents: DocumentStore
  /** The services of the region that measure themselves. */
  readonly sources: readonly MetricSource[]
  readonly notify: Notify
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** The metrics and the alarms of a region, and what goes on by itself. */
export class CloudWatch {
  readonly alarms: Alarms
  readonly history: AlarmHistory
  readonly transitions: Transitions
  readonly #sampler: Sampler
  readonly #evaluator: Evaluator

  private constructor(
    readonly o: CloudWatchOptions,
    readonly store: MetricStore,
  ) {
    const { clock, onError } = o
    this.alarms = new Alarms(o)
    this.history = new AlarmHistory(o.documents)
    this.transitions = new Transitions(this.alarms, this.history, o)
    this.#sampler = new Sampler({ sources: o.sources, store, clock, onError })
    this.#evaluator = new Evaluator({
      alarms: this.alarms,
      history: this.history,
      transitions: this.transitions,
      store,
      sample: () => this.#sampler.sample(),
      clock,
      onError,
    })
  }

  /** @throws LifeboatError `FolderNotUsable`, `StateDamaged` */
  static async open(o: CloudWatchOptions): Promise<CloudWatch> {
    const store = await MetricStore.open({ folder: join(o.folder, 'metrics'), clock: o.clock })
    return new CloudWatch(o, store)
  }

  now(): Date {
    return this.o.clock.now()
  }

  /** The metrics, up to date as far as the services answer in time. */
  async sampled(): Promise<MetricStore> {
    await this.#sampler.sample()
    return this.store
  }

  /** Samples metrics and evaluates alarms from here on. */
  begin(): void {
    this.#sampler.begin()
    this.#evaluator.begin()
  }

  async close(): Promise<void> {
    await this.#evaluator.close()
    await this.#sampler.close()
    await this.store.close()
  }
}
