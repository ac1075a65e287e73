import type { Clock } from '../../core/clock.ts'
import type { Measurement, MetricSource } from '../metric-source.ts'
import type { Delivery, Message } from './records.ts'

/** What nobody has asked for is forgotten beyond so much, the oldest first. */
const MAX_UNTOLD = 10_000

/** Measures what SNS publishes and delivers. Source: SNS Developer Guide, "Available CloudWatch metrics". */
export class SnsMetrics implements MetricSource {
  #untold: Measurement[] = []

  constructor(private readonly clock: Clock) {}

  published({ topicArn, text }: Message): void {
    this.#count(topicArn, 'NumberOfMessagesPublished')
    this.#count(topicArn, 'PublishSize', 'Bytes', Buffer.byteLength(text))
  }

  /** A confirmation is no notification. */
  end({ kind, message }: Delivery, isDelivered: boolean): void {
    if (kind !== 'Notification') return
    const name = isDelivered ? 'NumberOfNotificationsDelivered' : 'NumberOfNotificationsFailed'
    this.#count(message.topicArn, name)
  }

  async sample(): Promise<readonly Measurement[]> {
    const told = this.#untold
    this.#untold = []
    return told
  }

  #count(topicArn: string, name: string, unit = 'Count', value = 1): void {
    const TopicName = topicArn.slice(topicArn.lastIndexOf(':') + 1)
    const at = this.clock.now()
    this.#untold.push({ namespace: 'AWS/SNS', name, unit, dimensions: { TopicName }, value, at })
    if (this.#untold.length > MAX_UNTOLD) this.#untold = this.#untold.slice(-MAX_UNTOLD / 2)
  }
}
