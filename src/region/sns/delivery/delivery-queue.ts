import { setMaxListeners } from 'node:events'
import type { Clock } from '../../../core/clock.ts'
import type { DocumentStore } from '../../protocol/documents.ts'
import { SnsFault } from '../../protocol/models/sns.ts'
import type { Delivery } from '../records.ts'
import type { Outcome } from './post.ts'

const COLLECTION = 'deliveries'
/** How often is looked whether a delivery is due, in milliseconds. */
const TICK_MS = 250
/** Deliveries under way at a time: of all subscriptions, and of one. */
const AT_ONCE = 64
const AT_ONCE_EACH = 8
/** As many when the others are each the only one of its subscription: endpoints that hang delay no other. */
const AT_MOST = 512
/** What may wait for endpoints that are away. Bounds memory and disk. */
const MAX_QUEUED = 10_000

/** What a delivery follows now; undefined when its subscription is gone. */
export interface Attempt {
  send(signal: AbortSignal): Promise<Outcome>
  /** How long to wait after so many failures, in seconds; undefined: no longer. */
  delayAfter(failures: number): number | undefined
  readonly maxReceivesPerSecond: number | undefined
}

/**
 * The messages that are on their way, durable from the moment at which they are queued: they survive `kill -9` and are
 * then sent again. So a message may arrive twice, with the same id.
 */
export class DeliveryQueue {
  readonly #deliveries: Map<string, Delivery>
  readonly #travelling = new Map<string, Promise<void>>()
  readonly #travellingBySubscription = new Map<string, number>()
  readonly #lastStartMs = new Map<string, number>()
  readonly #ending = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #wake: (() => void) | undefined

  constructor(
    private readonly o: {
      documents: DocumentStore
      attempt: (delivery: Delivery) => Attempt | undefined
      /** Told of each delivery that has ended, as it was. */
      onEnd: (delivery: Delivery, isDelivered: boolean) => void
      clock: Clock
      onError: (error: unknown) => void
    },
  ) {
    // Every request that travels listens to it.
    setMaxListeners(0, this.#ending.signal)
    const stored = o.documents.list<Delivery>(COLLECTION)
    this.#deliveries = new Map(stored.map((delivery) => [keyOf(delivery), delivery]))
  }

  begin(): void {
    this.#running = this.#run()
  }

  /** Sends no more. What is queued stays so. */
  async close(): Promise<void> {
    this.#ending.abort()
    this.#wake?.()
    await this.#running
    await Promise.all(this.#travelling.values())
  }

  /** Durable when it resolves. The same message for the same subscription is queued once. @throws SnsFault `ThrottledException` */
  async add(deliveries: readonly Delivery[]): Promise<void> {
    if (this.#deliveries.size + deliveries.length > MAX_QUEUED) {
      throw new SnsFault(
        'ThrottledException',
        `${MAX_QUEUED} messages wait for endpoints that do not take them.`,
      )
    }
    await Promise.all(deliveries.map((delivery) => this.#put(delivery)))
    this.#wake?.()
  }

  /** Forgets what is on its way to a subscription. */
  async drop(subscriptionArn: string): Promise<void> {
    for (const delivery of [...this.#deliveries.values()]) {
      if (delivery.subscriptionArn === subscriptionArn) await this.#remove(delivery)
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      const now = this.o.clock.now()
      for (const delivery of this.#deliveries.values()) {
        if (this.#travelling.size >= AT_MOST) break
        if (this.#isDue(delivery, now)) this.#start(delivery, now)
      }
      await this.#untilTickOrWoken()
    }
  }

  #isDue({ nextAttemptAt, ...delivery }: Delivery, now: Date): boolean {
    const { subscriptionArn } = delivery
    if (this.#travelling.has(keyOf(delivery)) || nextAttemptAt > now.toISOString()) return false
    const most = this.#travelling.size < AT_ONCE ? AT_ONCE_EACH : 1
    return (this.#travellingBySubscription.get(subscriptionArn) ?? 0) < most
  }

  #start(delivery: Delivery, now: Date): void {
    const key = keyOf(delivery)
    const attempt = this.o.attempt(delivery)
    const { subscriptionArn } = delivery
    if (attempt?.maxReceivesPerSecond !== undefined) {
      const waitedMs = now.getTime() - (this.#lastStartMs.get(subscriptionArn) ?? 0)
      if (waitedMs < 1000 / attempt.maxReceivesPerSecond) return
      this.#lastStartMs.set(subscriptionArn, now.getTime())
    }
    const travel = this.#travel(delivery, attempt)
      .catch((error: unknown) => {
        // It stays queued; nothing is lost by trying again.
        if (!this.#ending.signal.aborted) this.o.onError(error)
      })
      .finally(() => {
        this.#travelling.delete(key)
        this.#count(subscriptionArn, -1)
        this.#wake?.()
      })
    this.#travelling.set(key, travel)
    this.#count(subscriptionArn, 1)
  }

  #count(subscriptionArn: string, change: 1 | -1): void {
    const count = (this.#travellingBySubscription.get(subscriptionArn) ?? 0) + change
    if (count > 0) this.#travellingBySubscription.set(subscriptionArn, count)
    else this.#travellingBySubscription.delete(subscriptionArn)
  }

  async #travel(delivery: Delivery, attempt: Attempt | undefined): Promise<void> {
    if (!attempt) return await this.#remove(delivery)
    const outcome = await attempt.send(this.#ending.signal)
    if (this.#ending.signal.aborted && outcome.kind !== 'delivered') return
    if (!this.#deliveries.has(keyOf(delivery))) return
    const failures = delivery.attempts + 1
    const delay = outcome.kind === 'away' ? attempt.delayAfter(failures) : undefined
    if (delay === undefined) {
      await this.#remove(delivery)
      this.o.onEnd(delivery, outcome.kind === 'delivered')
      return
    }
    const nextAttemptAt = new Date(this.o.clock.now().getTime() + delay * 1000).toISOString()
    await this.#put({ ...delivery, attempts: failures, nextAttemptAt })
  }

  async #put(delivery: Delivery): Promise<void> {
    await this.o.documents.put(COLLECTION, keyOf(delivery), delivery)
    this.#deliveries.set(keyOf(delivery), delivery)
  }

  async #remove(delivery: Delivery): Promise<void> {
    await this.o.documents.delete(COLLECTION, keyOf(delivery))
    this.#deliveries.delete(keyOf(delivery))
  }

  async #untilTickOrWoken(): Promise<void> {
    const waiting = new AbortController()
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#ending.signal.aborted) resolve()
    })
    const tick = this.o.clock.sleep(TICK_MS, waiting.signal).catch((error: unknown) => {
      if (error !== waiting.signal.reason) throw error
    })
    await Promise.race([tick, woken])
    this.#wake = undefined
    waiting.abort()
  }
}

function keyOf({
  message,
  subscriptionArn,
}: Pick<Delivery, 'message' | 'subscriptionArn'>): string {
  return `${message.id} ${subscriptionArn}`
}
