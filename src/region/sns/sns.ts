import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { ResourcePolicies } from '../protocol/authorization.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { SnsFault } from '../protocol/models/sns.ts'
import { DeliveryQueue } from './delivery/delivery-queue.ts'
import { matches, parseFilterPolicy } from './delivery/filter-policy.ts'
import type { Reach } from './delivery/reach.ts'
import { invalid, notFound } from './faults.ts'
import { SnsMetrics } from './metrics.ts'
import type { Delivery, Message, Subscription, Topic } from './records.ts'
import { SubscriptionSending } from './sending.ts'
import { Signer } from './signing/signer.ts'

const TOPICS = 'topics'
const SUBSCRIPTIONS = 'subscriptions'
/** Source: SNS Developer Guide: a token is valid for three days, and so long a subscription waits for its confirmation. */
const TOKEN_MS = 3 * 24 * 3_600_000
const HOUSEKEEPING_MS = 3_600_000
/** Source: Amazon SNS quotas. What they are for an account is more; here they bound memory. */
const MAX_TOPICS = 1000
const MAX_SUBSCRIPTIONS = 1000

export interface SnsOptions {
  readonly region: string
  readonly accountId: string
  /** Holds the signing key. */
  readonly folder: string
  readonly documents: DocumentStore
  /** Where the region answers, as `http://127.0.0.1:4566`. */
  readonly endpoint: () => string
  /** Where messages may be sent. */
  readonly reach: Reach
  readonly policies: ResourcePolicies
  readonly clock: Clock
  readonly random: Random
  readonly onError: (error: unknown) => void
}

/** The topics and subscriptions of a region, durable, and the messages on their way. Changes happen one after the other. */
export class Sns {
  readonly queue: DeliveryQueue
  readonly signer: Signer
  readonly metrics: SnsMetrics
  readonly #topicByArn: Map<string, Topic>
  readonly #subscriptionByArn: Map<string, Subscription>
  readonly #ending = new AbortController()
  #turn: Promise<unknown> = Promise.resolve()
  #housekeeping: Promise<void> = Promise.resolve()

  constructor(readonly o: SnsOptions) {
    const topics = o.documents.list<Topic>(TOPICS)
    this.#topicByArn = new Map(topics.map((topic) => [topic.arn, topic]))
    const subscriptions = o.documents.list<Subscription>(SUBSCRIPTIONS)
    this.#subscriptionByArn = new Map(subscriptions.map((one) => [one.arn, one]))
    this.signer = new Signer(o)
    this.metrics = new SnsMetrics(o.clock)
    const sending = new SubscriptionSending(this)
    this.queue = new DeliveryQueue({
      ...o,
      attempt: (delivery) => sending.attempt(delivery),
      onEnd: (delivery, isDelivered) => this.metrics.end(delivery, isDelivered),
    })
  }

  now(): Date {
    return this.o.clock.now()
  }

  topicArn(name: string): string {
    return `arn:aws:sns:${this.o.region}:${this.o.accountId}:${name}`
  }

  /** In the order of their ARNs, as all lists here. */
  topics(): Topic[] {
    return sorted(this.#topicByArn)
  }

  findTopic(arn: string): Topic | undefined {
    return this.#topicByArn.get(arn)
  }

  /** @throws SnsFault `NotFoundException`, `InvalidParameterException` for what is no ARN of a topic */
  getTopic(arn: string | undefined): Topic {
    if (!arn || !/^arn:[^:]+:sns:[^:]*:\d{12}:[\w.-]{1,256}$/.test(arn)) {
      throw invalid('TopicArn', `An ARN of a topic is needed`)
    }
    const topic = this.#topicByArn.get(arn)
    if (!topic) throw notFound('Topic')
    return topic
  }

  /** Those that were given up are gone, and so are those that nobody confirmed in time. */
  subscriptions(topicArn?: string): Subscription[] {
    return sorted(this.#subscriptionByArn).filter(
      (one) =>
        one.status !== 'deactivated' &&
        !this.#isExpired(one) &&
        (topicArn === undefined || one.topicArn === topicArn),
    )
  }

  findSubscription(arn: string): Subscription | undefined {
    const found = this.#subscriptionByArn.get(arn)
    return found && !this.#isExpired(found) ? found : undefined
  }

  /** @throws SnsFault `NotFoundException`, `InvalidParameterException` for what is no ARN of a subscription */
  getSubscription(arn: string | undefined): Subscription {
    if (!arn || !/^arn:[^:]+:sns:[^:]*:\d{12}:[\w.-]{1,256}:[0-9a-f-]{36}$/.test(arn)) {
      throw invalid('SubscriptionArn', 'An ARN of a subscription is needed')
    }
    const found = this.findSubscription(arn)
    if (!found || found.status === 'deactivated') throw notFound('Subscription')
    return found
  }

  /** The subscription that waits for a token. */
  findByToken(topicArn: string, token: string): Subscription | undefined {
    return [...this.#subscriptionByArn.values()].find(
      (one) => one.topicArn === topicArn && one.token === token && !this.#isTokenExpired(one),
    )
  }

  /** Runs changes one after the other: what `work` finds stays so until it is done. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work)
    // The next one must happen whether or not this one failed.
    this.#turn = mine.then(
      () => undefined,
      () => undefined,
    )
    return await mine
  }

  /** @throws SnsFault `TopicLimitExceededException` */
  async putTopic(topic: Topic): Promise<void> {
    if (!this.#topicByArn.has(topic.arn) && this.#topicByArn.size >= MAX_TOPICS) {
      throw new SnsFault('TopicLimitExceededException', `There are ${MAX_TOPICS} topics already.`)
    }
    await this.o.documents.put(TOPICS, topic.arn, topic)
    this.#topicByArn.set(topic.arn, topic)
  }

  /** With its subscriptions and all that is on its way to them. */
  async deleteTopic(arn: string): Promise<void> {
    await this.o.documents.delete(TOPICS, arn)
    this.#topicByArn.delete(arn)
    for (const one of [...this.#subscriptionByArn.values()]) {
      if (one.topicArn === arn) await this.deleteSubscription(one.arn)
    }
  }

  /** @throws SnsFault `SubscriptionLimitExceededException` */
  async putSubscription(subscription: Subscription): Promise<void> {
    const isNew = !this.#subscriptionByArn.has(subscription.arn)
    if (isNew && this.#subscriptionByArn.size >= MAX_SUBSCRIPTIONS) {
      throw new SnsFault(
        'SubscriptionLimitExceededException',
        `There are ${MAX_SUBSCRIPTIONS} subscriptions already.`,
      )
    }
    await this.o.documents.put(SUBSCRIPTIONS, subscription.arn, subscription)
    this.#subscriptionByArn.set(subscription.arn, subscription)
  }

  async deleteSubscription(arn: string): Promise<void> {
    await this.o.documents.delete(SUBSCRIPTIONS, arn)
    this.#subscriptionByArn.delete(arn)
    await this.queue.drop(arn)
  }

  /**
   * Sends a message to everybody who has subscribed to its topic and wants it; durable when it resolves.
   *
   * @param textByProtocol  what HTTP and HTTPS endpoints get instead
   * @throws SnsFault `ThrottledException`
   */
  async publish(
    message: Message,
    textByProtocol: Readonly<Partial<Record<Subscription['protocol'], string>>> = {},
  ): Promise<void> {
    const deliveries = this.subscriptions(message.topicArn)
      .filter((one) => one.status === 'confirmed' && isWanted(one, message))
      .map(
        (one): Delivery => ({
          kind: 'Notification',
          subscriptionArn: one.arn,
          message: { ...message, text: textByProtocol[one.protocol] ?? message.text },
          attempts: 0,
          nextAttemptAt: message.publishedAt,
        }),
      )
    await this.queue.add(deliveries)
    this.metrics.published(message)
  }

  newMessageId(): string {
    return newUuid(this.o.random)
  }

  /** A token for an endpoint that has to answer, and until when it does. */
  newToken(): Pick<Subscription, 'token' | 'tokenExpiresAt'> {
    const tokenExpiresAt = new Date(this.now().getTime() + TOKEN_MS).toISOString()
    return { token: this.o.random.hex(128), tokenExpiresAt }
  }

  /** Delivers from here on. */
  begin(): void {
    this.queue.begin()
    this.#housekeeping = this.#keepHouse()
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#housekeeping
    await this.queue.close()
  }

  /** Deletes what waited in vain for its confirmation. */
  async #keepHouse(): Promise<void> {
    const { clock, onError } = this.o
    const { signal } = this.#ending
    while (!signal.aborted) {
      try {
        await this.inTurn(async () => {
          for (const one of [...this.#subscriptionByArn.values()]) {
            if (this.#isExpired(one)) await this.deleteSubscription(one.arn)
          }
        })
        await clock.sleep(HOUSEKEEPING_MS, signal)
      } catch (error) {
        if (!signal.aborted) onError(error)
      }
    }
  }

  #isExpired(subscription: Subscription): boolean {
    return subscription.status !== 'confirmed' && this.#isTokenExpired(subscription)
  }

  #isTokenExpired({ tokenExpiresAt }: Subscription): boolean {
    return tokenExpiresAt <= this.now().toISOString()
  }
}

function isWanted(subscription: Subscription, message: Message): boolean {
  const { filterPolicy, filterPolicyScope = 'MessageAttributes' } = subscription
  if (filterPolicy === undefined) return true
  return matches(parseFilterPolicy(filterPolicy, filterPolicyScope), filterPolicyScope, message)
}

function newUuid(random: Random): string {
  return random.hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function sorted<T extends { readonly arn: string }>(byArn: ReadonlyMap<string, T>): T[] {
  return [...byArn.values()].sort((a, b) => (a.arn < b.arn ? -1 : 1))
}
