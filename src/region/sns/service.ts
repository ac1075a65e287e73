import type { MetricSource } from '../metric-source.ts'
import { type SnsActions, SnsFault, snsModel } from '../protocol/models/sns.ts'
import type { OpenService } from '../protocol/open-service.ts'
import type { Service } from '../protocol/service.ts'
import { snsAccesses } from './accesses.ts'
import { confirmSubscription } from './actions/confirm-subscription.ts'
import { createTopic } from './actions/create-topic.ts'
import { publish, publishBatch } from './actions/publish.ts'
import { subscribe } from './actions/subscribe.ts'
import {
  getSubscriptionAttributes,
  listSubscriptions,
  listSubscriptionsByTopic,
  setSubscriptionAttributes,
} from './actions/subscriptions.ts'
import { listTagsForResource, tagResource, untagResource } from './actions/tags.ts'
import {
  deleteTopic,
  getTopicAttributes,
  listTopics,
  setTopicAttributes,
} from './actions/topics.ts'
import { unsubscribe } from './actions/unsubscribe.ts'
import { snsOpenPages } from './open-pages.ts'
import { Sns, type SnsOptions } from './sns.ts'
import { policyOf } from './topic-attributes.ts'

/** A message that another service of the region publishes, as CloudWatch does. */
export interface ServiceMessage {
  /** As `cloudwatch.amazonaws.com`; the topic's policy must allow it. */
  readonly service: string
  /** The resource for which it does. */
  readonly sourceArn: string
  /** A UUID. A message with the id of one that is still on its way is the same. */
  readonly messageId: string
  readonly subject: string
  readonly message: string
}

export interface OpenedSns {
  readonly service: Service
  readonly open: OpenService
  readonly metrics: MetricSource
  /** Durable when it resolves. @throws SnsFault `NotFoundException`, `AuthorizationErrorException` */
  readonly publishFor: (topicArn: string, message: ServiceMessage) => Promise<void>
  readonly begin: () => void
  readonly close: () => Promise<void>
}

/** Amazon SNS: topics with HTTP and HTTPS subscriptions. It delivers from `begin` on. */
export function openSns(o: SnsOptions): OpenedSns {
  const sns = new Sns(o)
  const signed = { isSigned: true }
  const actions = {
    ConfirmSubscription: (input) => confirmSubscription(sns, input, signed),
    CreateTopic: (input) => createTopic(sns, input),
    DeleteTopic: (input) => deleteTopic(sns, input),
    GetSubscriptionAttributes: (input) => getSubscriptionAttributes(sns, input),
    GetTopicAttributes: (input) => getTopicAttributes(sns, input),
    ListSubscriptions: (input) => listSubscriptions(sns, input),
    ListSubscriptionsByTopic: (input) => listSubscriptionsByTopic(sns, input),
    ListTagsForResource: (input) => listTagsForResource(sns, input),
    ListTopics: (input) => listTopics(sns, input),
    Publish: (input) => publish(sns, input),
    PublishBatch: (input) => publishBatch(sns, input),
    SetSubscriptionAttributes: (input) => setSubscriptionAttributes(sns, input),
    SetTopicAttributes: (input) => setTopicAttributes(sns, input),
    Subscribe: (input) => subscribe(sns, input),
    TagResource: (input) => tagResource(sns, input),
    Unsubscribe: (input) => unsubscribe(sns, input, signed),
    UntagResource: (input) => untagResource(sns, input),
  } satisfies SnsActions
  return {
    service: {
      model: snsModel,
      actions,
      accesses: (operation, input) => snsAccesses(sns, operation, input),
    },
    open: snsOpenPages(sns),
    metrics: sns.metrics,
    publishFor: (topicArn, message) => publishFor(sns, topicArn, message),
    begin: () => sns.begin(),
    close: () => sns.close(),
  }
}

async function publishFor(sns: Sns, topicArn: string, o: ServiceMessage): Promise<void> {
  const topic = sns.getTopic(topicArn)
  const request = {
    action: 'sns:Publish',
    resource: topicArn,
    resourcePolicy: policyOf(sns, topic),
    context: { 'aws:SourceArn': o.sourceArn },
  }
  if (!sns.o.policies.allowsService(o.service, request)) {
    throw new SnsFault(
      'AuthorizationErrorException',
      `${o.service} is not authorized to perform: SNS:Publish on resource: ${topicArn}`,
    )
  }
  await sns.publish({
    id: o.messageId,
    topicArn,
    text: o.message,
    subject: o.subject,
    publishedAt: sns.now().toISOString(),
  })
}
