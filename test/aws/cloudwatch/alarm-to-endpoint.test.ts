import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { SNS } from '@aws-sdk/client-sns'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { SnsMessageVerifier } from '../../../src/probe/sns-message.ts'
import { RegionHome } from '../../../src/region/region-home.ts'
import { until } from '../../trials/trial-region.ts'
import { HttpSink } from '../sns/http-sink.ts'

const REGION = 'ap-southeast-1'
/** How often a region is killed while it notifies. */
const KILLS = Number(process.env.LIFEBOAT_KILLS ?? 1)
const PATH = '/alarms'

let folder: string
let home: RegionHome
let endpoint: string
let cloudWatch: CloudWatch
let sns: SNS
let sink: HttpSink
let topicArn: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-alarms-'))
  await chmod(folder, 0o711)
  home = new RegionHome(join(folder, 'home'))
  sink = await HttpSink.open()
  endpoint = (await home.start([REGION], { port: 0, detach: true })).endpoint
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = await home.environment()
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
  const client = { region: REGION, endpoint, credentials, maxAttempts: 1 }
  cloudWatch = new CloudWatch(client)
  sns = new SNS(client)
  topicArn = (await sns.createTopic({ Name: 'alarms' })).TopicArn!
  const DeliveryPolicy = JSON.stringify({
    healthyRetryPolicy: { numRetries: 100, minDelayTarget: 1, maxDelayTarget: 1 },
  })
  await sns.subscribe({
    ...{ TopicArn: topicArn, Protocol: 'http', Endpoint: sink.url(PATH) },
    Attributes: { DeliveryPolicy },
  })
  const [asked] = await sink.waitFor(PATH)
  const { subscribeUrl } = await verifier().verify(asked!.body)
  expect((await fetch(subscribeUrl!)).status).toBe(200)
  sink.received.splice(0)
})
afterAll(async () => {
  cloudWatch?.destroy()
  sns?.destroy()
  await home.stop()
  await sink.close()
  await rm(folder, { recursive: true, force: true })
})

const verifier = () =>
  new SnsMessageVerifier({ topicArn, certificateOrigin: endpoint }, systemClock)

async function kill() {
  const { regions } = await home.status()
  process.kill(-regions[0]!.pid!, 'SIGKILL')
  await until('the region is gone', 60_000, async () => {
    return (await home.status()).regions[0]?.status === 'stopped'
  })
}

interface Change {
  readonly name: string
  readonly at: string
  readonly from: string
  readonly to: string
}

/** The changes of state that have come so far, each verified, by the id of their message. */
async function changes() {
  const found = new Map<string, Change>()
  for (const { body } of sink.at(PATH)) {
    const { id, text, subject } = await verifier().verify(body)
    const told = JSON.parse(text)
    expect(subject).toBe(`${told.NewStateValue}: "${told.AlarmName}" in ${REGION}`)
    found.set(id, {
      name: told.AlarmName,
      at: told.StateChangeTime.replace('+0000', 'Z'),
      from: told.OldStateValue,
      to: told.NewStateValue,
    })
  }
  return [...found.values()]
}

/** The changes of state that the region itself tells of. */
async function history(AlarmName: string) {
  const found: Change[] = []
  let NextToken: string | undefined
  do {
    const page = await cloudWatch.describeAlarmHistory({
      ...{ AlarmName, HistoryItemType: 'StateUpdate', ScanBy: 'TimestampAscending' },
      NextToken,
    })
    for (const { Timestamp, HistoryData } of page.AlarmHistoryItems ?? []) {
      const { oldState, newState } = JSON.parse(HistoryData!)
      const [from, to] = [oldState.stateValue, newState.stateValue]
      found.push({ name: AlarmName, at: Timestamp!.toISOString(), from, to })
    }
    NextToken = page.NextToken
  } while (NextToken)
  return found
}

const ACTIONS = () => ({
  ...{ AlarmActions: [topicArn], OKActions: [topicArn], InsufficientDataActions: [topicArn] },
})

/** An alarm whose state only somebody else changes. */
async function putAlarmWithoutData(AlarmName: string) {
  await cloudWatch.putMetricAlarm({
    ...{ AlarmName, Namespace: 'Shop', MetricName: 'None', Statistic: 'Sum' },
    ...{ Period: 60, EvaluationPeriods: 1, Threshold: 0 },
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'ignore',
    ...ACTIONS(),
  })
}

test('data above the threshold reaches an endpoint as an alarm, signed, and so does its end', async () => {
  const put = async (Value: number) => {
    const Timestamp = new Date(Math.floor(Date.now() / 10_000) * 10_000 - 5000)
    await cloudWatch.putMetricData({
      Namespace: 'Shop',
      MetricData: [{ MetricName: 'Errors', Value, Timestamp, StorageResolution: 1 }],
    })
  }
  await put(99)
  await cloudWatch.putMetricAlarm({
    ...{ AlarmName: 'errors', Namespace: 'Shop', MetricName: 'Errors', Statistic: 'Maximum' },
    ...{ Period: 10, EvaluationPeriods: 1, Threshold: 10 },
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'ignore',
    ...ACTIONS(),
  })
  const alarm = await sink.message(PATH, 1)
  expect(JSON.parse(alarm.Message!)).toMatchObject({
    AlarmName: 'errors',
    AWSAccountId: '000000000000',
    NewStateValue: 'ALARM',
    OldStateValue: 'INSUFFICIENT_DATA',
    NewStateReason: expect.stringMatching(/^Threshold Crossed: 1 datapoint \[99\.0 /),
    Trigger: {
      ...{ Namespace: 'Shop', MetricName: 'Errors', StatisticType: 'Statistic' },
      ...{ Statistic: 'MAXIMUM', Period: 10, Threshold: 10 },
    },
  })
  await until('a newer period has calm data', 60_000, async () => {
    await put(1)
    return sink.at(PATH).length >= 2
  })
  expect((await changes()).map(({ from, to }) => [from, to])).toEqual([
    ['INSUFFICIENT_DATA', 'ALARM'],
    ['ALARM', 'OK'],
  ])
})

test('a region that is killed between the alarm and its delivery delivers after its start', async () => {
  await putAlarmWithoutData('quiet')
  sink.received.splice(0)
  sink.answer(PATH, 503)
  await cloudWatch.setAlarmState({ AlarmName: 'quiet', StateValue: 'ALARM', StateReason: 'drill' })
  await sink.waitFor(PATH)
  await kill()
  const refused = sink.at(PATH).length
  sink.answer(PATH, 200)
  await home.start([REGION])
  const received = await sink.waitFor(PATH, refused + 1)
  expect(new Set(received.map(({ headers }) => headers['x-amz-sns-message-id'])).size).toBe(1)
  expect(await changes()).toMatchObject([{ name: 'quiet', to: 'ALARM' }])
})

test(`killed (${KILLS} times) while states change, every change that is told of has arrived`, async () => {
  await putAlarmWithoutData('restless')
  for (let round = 0; round < KILLS; round++) {
    let killed: Promise<void> | undefined
    for (let i = 0; ; i++) {
      if (i === 2) killed = systemClock.sleep(Math.random() * 60).then(kill)
      const StateValue = i % 2 === 0 ? 'ALARM' : 'OK'
      const set = cloudWatch.setAlarmState({
        ...{ AlarmName: 'restless', StateValue, StateReason: `change ${round}.${i}` },
      })
      if (!(await isAnswered(set))) break
    }
    await killed
    await home.start([REGION])
  }
  const told = await history('restless')
  expect(told.length).toBeGreaterThan(KILLS)
  const has = (all: readonly Change[], one: Change) =>
    all.some((other) => JSON.stringify(other) === JSON.stringify(one))
  await until('every change that is told of has arrived', 60_000, async () => {
    const arrived = await changes()
    return told.every((one) => has(arrived, one))
  })
  // And nothing that has not happened.
  const arrived = (await changes()).filter(({ name }) => name === 'restless')
  expect(arrived.filter((one) => !has(told, one))).toEqual([])
}, 600_000)

async function isAnswered(call: Promise<unknown>): Promise<boolean> {
  return await call.then(
    () => true,
    (error: Error) => {
      if (/ECONNREFUSED|ECONNRESET|socket hang up|aborted/.test(`${error.name} ${error.message}`)) {
        return false
      }
      throw error
    },
  )
}
