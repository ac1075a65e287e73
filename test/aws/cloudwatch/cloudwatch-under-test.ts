import { CloudWatch, type MetricAlarm, type PutMetricAlarmInput } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { regionUnderTest } from '../region-under-test.ts'

const MINUTE_MS = 60_000

/** A region and a CloudWatch client for it, for a test file. */
export function cloudWatchUnderTest() {
  const region = regionUnderTest()
  let client: CloudWatch
  const connect = () => {
    client = new CloudWatch(region.client())
  }
  beforeAll(connect)
  afterAll(() => client.destroy())
  const sdk = () => {
    // Requests are signed with the time of the region, which a test may have put forward.
    client.config.systemClockOffset = region.clock.now().getTime() - Date.now()
    return client
  }
  const alarm = async (AlarmName: string): Promise<MetricAlarm> => {
    const { MetricAlarms = [] } = await sdk().describeAlarms({ AlarmNames: [AlarmName] })
    if (!MetricAlarms[0]) throw new Error(`there is no alarm '${AlarmName}'`)
    return MetricAlarms[0]
  }
  return {
    ...region,
    /** The client, after a restart a new one. */
    sdk,
    restart: async () => {
      await region.restart()
      client.destroy()
      connect()
    },
    alarm,
    /** The start of the minute that began so many minutes before the present one. */
    minuteAgo: (minutes: number) =>
      new Date((Math.floor(region.clock.now().getTime() / MINUTE_MS) - minutes) * MINUTE_MS),
    /** Puts the clock forward to where a minute has just begun: no evaluation comes for a while. */
    beginMinute: () => {
      const ms = region.clock.now().getTime() % MINUTE_MS
      region.clock.forward(MINUTE_MS - ms + 1000)
    },
    put: async (MetricName: string, Value: number, Timestamp?: Date) => {
      const MetricData = [{ MetricName, Value, Timestamp }]
      await sdk().putMetricData({ Namespace: 'Test', MetricData })
    },
    /** An alarm on a metric of its own name: above 10 on average, in one period of a minute. */
    putAlarm: async (AlarmName: string, more: Partial<PutMetricAlarmInput> = {}) => {
      await sdk().putMetricAlarm({
        ...{ AlarmName, Namespace: 'Test', MetricName: AlarmName, Statistic: 'Average' },
        ...{ Period: 60, EvaluationPeriods: 1, Threshold: 10 },
        ComparisonOperator: 'GreaterThanThreshold',
        ...more,
      })
    },
    untilState: async (AlarmName: string, state: string) => {
      await until(`'${AlarmName}' is in ${state}`, 60_000, async () => {
        return (await alarm(AlarmName)).StateValue === state
      })
      return await alarm(AlarmName)
    },
  }
}
