import { describe, expect, test } from 'vitest'
import { CREDENTIALS, REGION, regionUnderTest } from '../region-under-test.ts'
import { outputOf, runs } from './program.ts'

const hasCli = runs('aws', ['--version'])
const hasBoto = runs('python3', ['-c', 'import boto3'])

const region = regionUnderTest()

const environment = () => ({
  AWS_ENDPOINT_URL: region.endpoint(),
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_DEFAULT_REGION: REGION,
  AWS_EC2_METADATA_DISABLED: 'true',
})

const why = (has: boolean, what: string) => (has ? '' : ` (skipped: needs ${what})`)

describe.skipIf(!hasCli)(`the plain aws CLI${why(hasCli, 'aws CLI')}`, () => {
  const aws = async (...args: string[]) => {
    const output = await outputOf('aws', [...args, '--output', 'json'], environment())
    return output === '' ? undefined : JSON.parse(output)
  }

  test('puts data, sets an alarm with a topic, and reads both', async () => {
    const { TopicArn } = await aws('sns', 'create-topic', '--name', 'cli')
    await aws(
      ...['cloudwatch', 'put-metric-data', '--namespace', 'Cli', '--metric-name', 'm'],
      ...['--value', '0.1', '--dimensions', 'Host=1'],
    )
    await aws(
      ...['cloudwatch', 'put-metric-alarm', '--alarm-name', 'cli', '--namespace', 'Cli'],
      ...['--metric-name', 'm', '--dimensions', 'Name=Host,Value=1', '--statistic', 'Average'],
      ...['--period', '60', '--evaluation-periods', '1', '--threshold', '0.30000000000000004'],
      ...['--comparison-operator', 'GreaterThanThreshold', '--alarm-actions', TopicArn],
    )
    const { MetricAlarms } = await aws('cloudwatch', 'describe-alarms', '--alarm-names', 'cli')
    expect(MetricAlarms).toMatchObject([
      { AlarmName: 'cli', Threshold: 0.30000000000000004, AlarmActions: [TopicArn] },
    ])
    const { Metrics } = await aws('cloudwatch', 'list-metrics', '--namespace', 'Cli')
    expect(Metrics).toHaveLength(1)
    const { MessageId } = await aws(
      ...['sns', 'publish', '--topic-arn', TopicArn, '--message', 'm'],
    )
    expect(MessageId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('prints errors as those of AWS', async () => {
    const topic = `arn:aws:sns:${REGION}:000000000000:absent`
    await expect(aws('sns', 'get-topic-attributes', '--topic-arn', topic)).rejects.toThrow(
      'An error occurred (NotFound) when calling the GetTopicAttributes operation',
    )
    await expect(aws('cloudwatch', 'delete-alarms', '--alarm-names', 'absent')).rejects.toThrow(
      'An error occurred (ResourceNotFound) when calling the DeleteAlarms operation',
    )
  })
})

const SCRIPT = `
import boto3, datetime, json
seen = {}
now = datetime.datetime.now(datetime.timezone.utc)
c = boto3.client('cloudwatch')
data = [{'MetricName': 'm', 'Values': [float(i), 7.5], 'Counts': [2.0, 1.0], 'Timestamp': now} for i in range(400)]
c.put_metric_data(Namespace='Boto', MetricData=data)
s = c.get_metric_statistics(Namespace='Boto', MetricName='m', StartTime=now - datetime.timedelta(minutes=2), EndTime=now + datetime.timedelta(minutes=2), Period=300, Statistics=['SampleCount', 'Maximum'])
seen['statistics'] = [[p['SampleCount'], p['Maximum']] for p in s['Datapoints']]
c.put_metric_alarm(AlarmName='boto', Namespace='Boto', MetricName='m', Statistic='Maximum', Period=60, EvaluationPeriods=1, Threshold=1e-7, ComparisonOperator='GreaterThanThreshold')
alarm = [a for p in c.get_paginator('describe_alarms').paginate(AlarmNamePrefix='bo') for a in p['MetricAlarms']][0]
seen['threshold'] = alarm['Threshold']
seen['updated'] = alarm['AlarmConfigurationUpdatedTimestamp'].year > 2000
try:
    c.set_alarm_state(AlarmName='absent', StateValue='OK', StateReason='r')
except c.exceptions.ResourceNotFound as error:
    seen['typed'] = error.response['Error']['Code']
try:
    c.put_metric_data(Namespace='AWS/X', MetricData=data[:1])
except c.exceptions.InvalidParameterValueException as error:
    seen['coded'] = error.response['Error']['Code']
sns = boto3.client('sns')
topic = sns.create_topic(Name='boto', Tags=[{'Key': 'a', 'Value': '1'}])['TopicArn']
seen['topics'] = topic in [t['TopicArn'] for p in sns.get_paginator('list_topics').paginate() for t in p['Topics']]
batch = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{'Id': 'a', 'Message': 'm', 'MessageAttributes': {'n': {'DataType': 'Number', 'StringValue': '1'}, 'b': {'DataType': 'Binary', 'BinaryValue': b'x'}}}])
seen['batch'] = [e['Id'] for e in batch['Successful']]
try:
    sns.subscribe(TopicArn=topic, Protocol='email', Endpoint='a@example.com')
except sns.exceptions.ClientError as error:
    seen['email'] = error.response['Error']['Code']
print(json.dumps(seen))
`

test.skipIf(!hasBoto)(`plain boto3${why(hasBoto, 'boto3')}`, async () => {
  const output = await outputOf('python3', ['-c', SCRIPT], environment())
  expect(JSON.parse(output)).toEqual({
    statistics: [[1200, 399]],
    threshold: 1e-7,
    updated: true,
    typed: 'ResourceNotFound',
    coded: 'InvalidParameterValue',
    topics: true,
    batch: ['a'],
    email: 'UnsupportedOperation',
  })
})
