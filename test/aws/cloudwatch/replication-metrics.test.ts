import {
  CloudWatchClient,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
} from '@aws-sdk/client-cloudwatch'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { outputOf, runs } from '../clients/program.ts'
import { HERE, THERE, twoRegions } from '../s3/two-regions.ts'

const world = twoRegions()
const hasBoto = runs('python3', ['-c', 'import boto3'])

async function failedOnce(name: string) {
  const source = await world.bucket(HERE, `${name}-source`)
  const destination = await world.bucket(THERE, `${name}-destination`)
  const role = await world.role(name, source, [destination])
  await world.revoke(name)
  const Destination = { Bucket: `arn:aws:s3:::${destination}` }
  await world.replicate(HERE, source, role, [
    { ID: 'all', Status: 'Enabled', Prefix: '', Destination },
  ])
  await world.s3(HERE).send(new PutObjectCommand({ Bucket: source, Key: 'key', Body: 'body' }))
  await until('the object has failed', 60_000, async () => {
    return (await world.status(HERE, source, 'key')) === 'FAILED'
  })
  return [
    { Name: 'SourceBucket', Value: source },
    { Name: 'DestinationBucket', Value: destination },
    { Name: 'RuleId', Value: 'all' },
  ]
}

test('tells what has failed, in the three ways of reading', async () => {
  const Dimensions = await failedOnce('metrics')
  const cloudWatch = new CloudWatchClient(world.client(HERE))
  const metric = { Namespace: 'AWS/S3', MetricName: 'OperationsFailedReplication', Dimensions }
  const times = {
    StartTime: new Date(Date.now() - 3_600_000),
    EndTime: new Date(Date.now() + 60_000),
  }
  const { Datapoints = [] } = await cloudWatch.send(
    new GetMetricStatisticsCommand({ ...metric, ...times, Period: 60, Statistics: ['Sum'] }),
  )
  expect(Datapoints.map(({ Sum, Unit }) => [Sum, Unit])).toEqual([[1, 'Count']])
  const MetricStat = { Metric: metric, Period: 60, Stat: 'Sum' }
  const data = await cloudWatch.send(
    new GetMetricDataCommand({ ...times, MetricDataQueries: [{ Id: 'm', MetricStat }] }),
  )
  expect(data.MetricDataResults?.[0]?.Values).toEqual([1])
  const { Metrics = [] } = await cloudWatch.send(new ListMetricsCommand({ Dimensions }))
  const names = Metrics.map(({ MetricName }) => MetricName)
  expect(names).toEqual(
    expect.arrayContaining([
      'OperationsPendingReplication',
      'BytesPendingReplication',
      'OperationsFailedReplication',
    ]),
  )
  cloudWatch.destroy()
})

test.skipIf(!hasBoto)('boto3 reads the same by CBOR', async () => {
  await failedOnce('boto')
  const { endpoint, credentials } = world.client(HERE)
  const script = `
import boto3, datetime
c = boto3.client('cloudwatch')
now = datetime.datetime.now(datetime.timezone.utc)
m = [m for m in c.list_metrics(Namespace='AWS/S3', MetricName='OperationsFailedReplication')['Metrics'] if {'Name': 'SourceBucket', 'Value': 'boto-source'} in m['Dimensions']][0]
r = c.get_metric_statistics(**m, StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(minutes=1), Period=60, Statistics=['Sum'])
print([float(p['Sum']) for p in r['Datapoints']])
try:
    c.get_metric_statistics(**m, StartTime=now, EndTime=now, Period=60, Statistics=['Sum'])
except c.exceptions.InvalidParameterValueException as e: print('refused')
`
  const output = await outputOf('python3', ['-c', script], {
    AWS_ENDPOINT_URL: endpoint,
    AWS_DEFAULT_REGION: HERE,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  })
  expect(output.trim().split('\n')).toEqual(['[1.0]', 'refused'])
})
