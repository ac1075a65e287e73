import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CREDENTIALS, REGION, regionUnderTest } from '../region-under-test.ts'
import { HttpSink } from '../sns/http-sink.ts'
import { outputOf, runs } from './program.ts'
import { hasTerraform, Terraform, withoutTerraform } from './terraform.ts'

const hasCli = runs('aws', ['--version'])
const hasBoto = runs('python3', ['-c', 'import boto3'])

const region = regionUnderTest()
let sink: HttpSink
beforeAll(async () => {
  sink = await HttpSink.open()
})
afterAll(() => sink.close())

const environment = () => ({
  AWS_ENDPOINT_URL: region.endpoint(),
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_DEFAULT_REGION: REGION,
  AWS_EC2_METADATA_DISABLED: 'true',
})

const why = (has: boolean, what: string) => (has ? '' : ` (skipped: needs ${what})`)

describe.skipIf(!hasTerraform)(`Terraform${withoutTerraform}`, () => {
  let terraform: Terraform
  beforeAll(async () => {
    const hcl = configuration(region.endpoint(), sink.url('/tf'))
    terraform = await Terraform.of(hcl, CREDENTIALS)
  })
  afterAll(() => terraform?.close())

  test('applies alarms, a topic and its subscription, plans nothing more, and destroys them', async () => {
    expect(await terraform.run('apply', '-auto-approve')).toContain(
      '5 added, 0 changed, 0 destroyed',
    )
    expect(await terraform.run('plan', '-detailed-exitcode')).toContain('No changes.')
    const confirmation = await sink.message('/tf')
    expect(confirmation.Type).toBe('SubscriptionConfirmation')
    expect((await fetch(confirmation.SubscribeURL!)).status).toBe(200)
    const output = await terraform.run('destroy', '-auto-approve')
    expect(output).toContain('Destroy complete! Resources: 5 destroyed.')
  }, 300_000)
})

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

function configuration(endpoint: string, url: string): string {
  return `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "${REGION}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints {
    cloudwatch = "${endpoint}"
    sns        = "${endpoint}"
  }
}
resource "aws_sns_topic" "alarms" {
  name         = "terraform-alarms"
  display_name = "Alarms"
  tags         = { team = "shop" }
}
resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
    }]
  })
}
resource "aws_sns_topic_subscription" "hook" {
  topic_arn     = aws_sns_topic.alarms.arn
  protocol      = "http"
  endpoint      = "${url}"
  filter_policy = jsonencode({ state = ["ALARM"] })
}
resource "aws_cloudwatch_metric_alarm" "lag" {
  alarm_name          = "replica-lag"
  alarm_description   = "the replica is late"
  namespace           = "AWS/RDS"
  metric_name         = "ReplicaLag"
  dimensions          = { DBInstanceIdentifier = "my-app-db-replica" }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  threshold           = 60
  comparison_operator = "GreaterThanThreshold"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { team = "shop" }
}
resource "aws_cloudwatch_composite_alarm" "all" {
  alarm_name = "all"
  alarm_rule = "ALARM(\${aws_cloudwatch_metric_alarm.lag.alarm_name})"
}
`
}
