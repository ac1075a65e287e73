import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { SNS } from '@aws-sdk/client-sns'
import { describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { REGION, refusal } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, policyOf } from './iam-under-test.ts'

const region = iamUnderTest()
const alarmArn = (name: string) => `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${name}`
const topicArn = (name: string) => `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`
const root = () => ({ cloudWatch: new CloudWatch(region.client()), sns: new SNS(region.client()) })

const alarm = (AlarmName: string, AlarmActions: string[] = []) => ({
  ...{ AlarmName, AlarmActions, Namespace: 'Test', MetricName: 'm', Statistic: 'Sum' as const },
  ...{ Period: 60, EvaluationPeriods: 1, Threshold: 0, TreatMissingData: 'ignore' },
  ComparisonOperator: 'GreaterThanThreshold' as const,
})

describe('CloudWatch lets a user', () => {
  test('set the alarms that a policy names, and no others', async () => {
    const policy = policyOf(
      { Action: 'cloudwatch:*', Resource: alarmArn('mine-*') },
      { Effect: 'Deny', Action: 'cloudwatch:DeleteAlarms', Resource: alarmArn('mine-kept') },
    )
    const user = new CloudWatch(region.as(await region.userWith('alarmist', policy)))
    await user.putMetricAlarm(alarm('mine-kept'))
    await user.putMetricAlarm(alarm('mine-other'))
    await expect(user.putMetricAlarm(alarm('yours'))).rejects.toMatchObject({
      name: expect.stringMatching(/^AccessDenied/),
      message: expect.stringContaining(
        `cloudwatch:PutMetricAlarm on resource: ${alarmArn('yours')}`,
      ),
    })
    await user.setAlarmState({ AlarmName: 'mine-kept', StateValue: 'OK', StateReason: 'r' })
    const both = user.deleteAlarms({ AlarmNames: ['mine-other', 'mine-kept'] })
    expect(await refusal(both)).toMatch(/^AccessDenied/)
    // All alarms are not only his.
    expect(await refusal(user.describeAlarms({}))).toMatch(/^AccessDenied/)
    const { MetricAlarms } = await root().cloudWatch.describeAlarms({})
    expect(MetricAlarms?.map(({ AlarmName }) => AlarmName)).toEqual(['mine-kept', 'mine-other'])
  })

  test('put data into the namespaces that a policy names, and no others', async () => {
    const Condition = { StringEquals: { 'cloudwatch:namespace': 'Mine' } }
    const policy = policyOf({ Action: 'cloudwatch:PutMetricData', Condition })
    const user = new CloudWatch(region.as(await region.userWith('measurer', policy)))
    const MetricData = [{ MetricName: 'm', Value: 1 }]
    await user.putMetricData({ Namespace: 'Mine', MetricData })
    expect(await refusal(user.putMetricData({ Namespace: 'Yours', MetricData }))).toMatch(
      /^AccessDenied/,
    )
    expect(await refusal(user.listMetrics({}))).toMatch(/^AccessDenied/)
    const { Metrics } = await root().cloudWatch.listMetrics({ MetricName: 'm' })
    expect(Metrics?.map(({ Namespace }) => Namespace)).toEqual(['Mine'])
  })
})

describe('SNS lets a user', () => {
  test('do what a policy of his says, and nothing by the policy that every topic begins with', async () => {
    await root().sns.createTopic({ Name: 'open' })
    const policy = policyOf({ Action: 'sns:Publish', Resource: topicArn('open') })
    const user = new SNS(region.as(await region.userWith('publisher', policy)))
    const TopicArn = topicArn('open')
    await user.publish({ TopicArn, Message: 'm' })
    const batch = { TopicArn, PublishBatchRequestEntries: [{ Id: 'a', Message: 'm' }] }
    await user.publishBatch(batch)
    expect(await refusal(user.createTopic({ Name: 'new' }))).toBe('AccessDenied')
    expect(await refusal(user.deleteTopic({ TopicArn }))).toBe('AccessDenied')
    expect(await refusal(user.listTopics({}))).toBe('AccessDenied')
    const Endpoint = 'http://127.0.0.1:9/'
    const subscription = { TopicArn, Protocol: 'http', Endpoint }
    expect(await refusal(user.subscribe(subscription))).toBe('AccessDenied')
    const { Topics } = await root().sns.listTopics({})
    expect(Topics).toEqual([{ TopicArn }])
    expect((await root().sns.listSubscriptions({})).Subscriptions).toEqual([])
  })

  test('do what a policy of the topic says', async () => {
    const TopicArn = topicArn('shared')
    const keys = await region.userWith('guest')
    const user = new SNS(region.as(keys))
    const statement = {
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/guest` },
      ...{ Action: 'SNS:Publish', Resource: TopicArn },
    }
    const Policy = policyOf(statement)
    await root().sns.createTopic({ Name: 'shared', Attributes: { Policy } })
    await user.publish({ TopicArn, Message: 'm' })
    expect(await refusal(user.deleteTopic({ TopicArn }))).toBe('AccessDenied')
    const AttributeValue = policyOf({ ...statement, Effect: 'Deny' })
    await root().sns.setTopicAttributes({ TopicArn, AttributeName: 'Policy', AttributeValue })
    expect(await refusal(user.publish({ TopicArn, Message: 'm' }))).toBe('AccessDenied')
  })
})

describe('an alarm publishes', () => {
  const actionOf = async (AlarmName: string) => {
    let summary = ''
    await until(`'${AlarmName}' has acted`, 60_000, async () => {
      const { AlarmHistoryItems = [] } = await root().cloudWatch.describeAlarmHistory({
        ...{ AlarmName, HistoryItemType: 'Action' },
      })
      summary = AlarmHistoryItems[0]?.HistorySummary ?? ''
      return summary !== ''
    })
    return summary
  }
  const ring = async (AlarmName: string, topic: string) => {
    await root().cloudWatch.putMetricAlarm(alarm(AlarmName, [topicArn(topic)]))
    const state = { AlarmName, StateValue: 'ALARM' as const, StateReason: 'r' }
    await root().cloudWatch.setAlarmState(state)
    return await actionOf(AlarmName)
  }
  const publish = { Action: 'sns:Publish', Principal: { Service: 'cloudwatch.amazonaws.com' } }

  test('to a topic with the policy that every topic begins with', async () => {
    await root().sns.createTopic({ Name: 'plain' })
    expect(await ring('to-plain', 'plain')).toMatch(/^Successfully executed action/)
  })

  test('to a topic whose policy lets the service, for that alarm', async () => {
    const Resource = topicArn('for-one')
    const Condition = { ArnEquals: { 'aws:SourceArn': alarmArn('the-one') } }
    const Policy = policyOf({ ...publish, Resource, Condition })
    await root().sns.createTopic({ Name: 'for-one', Attributes: { Policy } })
    expect(await ring('the-one', 'for-one')).toMatch(/^Successfully executed action/)
    expect(await ring('another', 'for-one')).toMatch(/^Failed to execute action .+ not authorized/)
  })

  test('not to a topic whose policy names others only', async () => {
    const Principal = { Service: 'events.amazonaws.com' }
    const Policy = policyOf({ ...publish, Principal, Resource: topicArn('events') })
    await root().sns.createTopic({ Name: 'events', Attributes: { Policy } })
    expect(await ring('uninvited', 'events')).toMatch(/^Failed to execute action .+ not authorized/)
  })
})
