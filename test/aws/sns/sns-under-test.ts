import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { SNS } from '@aws-sdk/client-sns'
import { afterAll, beforeAll } from 'vitest'
import { SnsMessageVerifier } from '../../../src/probe/sns-message.ts'
import { REGION, regionUnderTest } from '../region-under-test.ts'
import { HttpSink } from './http-sink.ts'

const COUNTED = [
  ...['NumberOfMessagesPublished', 'NumberOfNotificationsDelivered', 'NumberOfNotificationsFailed'],
]

/** A region, an SNS client for it, and an endpoint, for a test file. */
export function snsUnderTest() {
  const region = regionUnderTest()
  let sns: SNS
  let sink: HttpSink
  const connect = () => {
    sns = new SNS(region.client())
  }
  beforeAll(async () => {
    connect()
    sink = await HttpSink.open()
  })
  afterAll(async () => {
    sns.destroy()
    await sink.close()
  })
  const sdk = () => {
    // Requests are signed with the time of the region, which a test may have put forward.
    sns.config.systemClockOffset = region.clock.now().getTime() - Date.now()
    return sns
  }
  const topic = async (name: string) => (await sdk().createTopic({ Name: name })).TopicArn!
  return {
    ...region,
    /** The client, after a restart a new one. */
    sdk,
    sink: () => sink,
    restart: async () => {
      await region.restart()
      sns.destroy()
      connect()
    },
    topic,
    /** A confirmed subscription of a path of the sink to a topic. */
    subscribed: async (TopicArn: string, path: string, Attributes: Record<string, string> = {}) => {
      const before = sink.at(path).length
      const { SubscriptionArn } = await sdk().subscribe({
        TopicArn,
        Protocol: 'http',
        Endpoint: sink.url(path),
        Attributes,
        ReturnSubscriptionArn: true,
      })
      const { Token } = await sink.message(path, before + 1)
      await sdk().confirmSubscription({ TopicArn, Token })
      sink.received.splice(0)
      return SubscriptionArn!
    },
    verifier: (topicArn: string) =>
      new SnsMessageVerifier({ topicArn, certificateOrigin: region.endpoint() }, region.clock),
    /** What CloudWatch has counted of a topic. */
    metrics: async (TopicName: string) => {
      const cloudWatch = new CloudWatch(region.client())
      const Dimensions = [{ Name: 'TopicName', Value: TopicName }]
      const now = region.clock.now().getTime()
      const counts: Record<string, number> = {}
      for (const MetricName of COUNTED) {
        const { Datapoints = [] } = await cloudWatch.getMetricStatistics({
          ...{ Namespace: 'AWS/SNS', MetricName, Dimensions, Statistics: ['Sum'], Period: 3600 },
          StartTime: new Date(now - 3_000_000),
          EndTime: new Date(now + 60_000),
        })
        if (Datapoints[0]) counts[MetricName] = Datapoints[0].Sum!
      }
      cloudWatch.destroy()
      return counts
    },
  }
}

export const topicArn = (name: string) => `arn:aws:sns:${REGION}:000000000000:${name}`
