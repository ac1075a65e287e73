import { type AccessRequest, tagContext } from '../protocol/authorization.ts'
import type { Sns } from './sns.ts'
import { policyOf } from './topic-attributes.ts'

/** What the inputs of SNS's actions name. */
interface Named {
  readonly Name?: string
  readonly TopicArn?: string
  readonly TargetArn?: string
  readonly SubscriptionArn?: string
  readonly ResourceArn?: string
  readonly Tags?: readonly unknown[]
  readonly Protocol?: string
  readonly Endpoint?: string
}

/** Actions that are allowed by another name than their own. Source: Service Authorization Reference. */
const ACTION_BY_OPERATION: Readonly<Record<string, string>> = { PublishBatch: 'Publish' }

/**
 * What an action is about: its topic, with the topic's own policy. A subscription is what its topic is. Unlike AWS: a denial
 * has the code `AccessDenied`, as that of other services, and not `AuthorizationError`.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon SNS".
 */
export function snsAccesses(sns: Sns, operation: string, input: Named): AccessRequest[] {
  const action = `sns:${ACTION_BY_OPERATION[operation] ?? operation}`
  const resource = topicOf(sns, input)
  if (resource === undefined) return [{ action, resource: '*' }]
  const topic = sns.findTopic(resource)
  const access: AccessRequest = {
    action,
    resource,
    context: {
      ...(topic ? tagContext('aws:ResourceTag', topic.tags) : {}),
      ...(input.Protocol === undefined ? {} : { 'sns:Protocol': input.Protocol }),
      ...(input.Endpoint === undefined ? {} : { 'sns:Endpoint': input.Endpoint }),
    },
    ...(topic ? { resourcePolicy: policyOf(sns, topic) } : {}),
  }
  const isTagged = operation === 'CreateTopic' && (input.Tags ?? []).length > 0
  return [access, ...(isTagged ? [{ ...access, action: 'sns:TagResource' }] : [])]
}

function topicOf(sns: Sns, input: Named): string | undefined {
  if (input.Name !== undefined) return sns.topicArn(input.Name)
  const { SubscriptionArn } = input
  if (SubscriptionArn !== undefined) return SubscriptionArn.split(':').slice(0, 6).join(':')
  return input.TopicArn ?? input.TargetArn ?? input.ResourceArn
}
