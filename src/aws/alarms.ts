import {
  type AlarmHistoryItem,
  type AlarmType,
  type CloudWatchClient,
  type CompositeAlarm,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  type DescribeAlarmsOutput,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch'
import type { Calls } from './calls.ts'

/** Told by AWS for metric alarms only, unless both are asked for. */
const TYPES: AlarmType[] = ['MetricAlarm', 'CompositeAlarm']
const PAGE = 100

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'

/** An alarm as it is now. */
export interface Alarm {
  readonly name: string
  readonly arn: string
  readonly description: string | undefined
  readonly state: AlarmState
  /** In AWS's words. */
  readonly reason: string
  readonly changedAt: Date | undefined
  /** What it watches; undefined for a composite alarm. */
  readonly metric: WatchedMetric | undefined
}

export interface WatchedMetric {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
}

/** A change of an alarm's state. */
export interface AlarmChange {
  readonly alarm: string
  readonly at: Date
  readonly from: AlarmState
  readonly to: AlarmState
  readonly reason: string
}

/** Amazon CloudWatch alarms of one region, in our words. Every method throws as `Calls` says. */
export class Alarms {
  constructor(
    private readonly client: CloudWatchClient,
    private readonly calls: Calls,
  ) {}

  /**
   * The alarms about a workload: those on a metric that has any of these dimensions, whatever others it has, and the composite
   * alarms above them.
   *
   * @param dimensions  as `[['DBInstanceIdentifier', 'shop-db'], ['BucketName', 'shop-receipts']]`
   */
  async listAbout(
    dimensions: readonly (readonly [name: string, value: string])[],
  ): Promise<Alarm[]> {
    const all = await this.#describe()
    const metricAlarms = (all.MetricAlarms ?? []).filter(({ Dimensions = [], Metrics = [] }) =>
      [...Dimensions, ...Metrics.flatMap((one) => one.MetricStat?.Metric?.Dimensions ?? [])].some(
        ({ Name, Value }) => dimensions.some(([name, value]) => name === Name && value === Value),
      ),
    )
    const names = metricAlarms.map(({ AlarmName = '' }) => AlarmName)
    return [
      ...metricAlarms.map(readMetricAlarm),
      ...aboveOf(names, all.CompositeAlarms ?? []).map(readCompositeAlarm),
    ]
  }

  /** What changed in a time, oldest first. AWS remembers it for 30 days, also of alarms that were deleted. */
  async listChanges(between: { from: Date; to: Date }): Promise<AlarmChange[]> {
    return await this.calls.read('read the history of alarms', async () => {
      const changes: AlarmChange[] = []
      let NextToken: string | undefined
      do {
        const page = await this.client.send(
          new DescribeAlarmHistoryCommand({
            AlarmTypes: TYPES,
            HistoryItemType: 'StateUpdate',
            StartDate: between.from,
            EndDate: between.to,
            ScanBy: 'TimestampAscending',
            MaxRecords: PAGE,
            NextToken,
          }),
        )
        changes.push(...(page.AlarmHistoryItems ?? []).flatMap(readChange))
        NextToken = page.NextToken
      } while (NextToken)
      return changes.sort((a, b) => a.at.getTime() - b.at.getTime())
    })
  }

  async #describe(): Promise<DescribeAlarmsOutput> {
    return await this.calls.read('describe the alarms', async () => {
      const all = { MetricAlarms: [] as MetricAlarm[], CompositeAlarms: [] as CompositeAlarm[] }
      let NextToken: string | undefined
      do {
        const page = await this.client.send(
          new DescribeAlarmsCommand({ AlarmTypes: TYPES, MaxRecords: PAGE, NextToken }),
        )
        all.MetricAlarms.push(...(page.MetricAlarms ?? []))
        all.CompositeAlarms.push(...(page.CompositeAlarms ?? []))
        NextToken = page.NextToken
      } while (NextToken)
      return all
    })
  }
}

/** The composite alarms whose rules name an alarm of these, or one that is above it in turn. */
function aboveOf(names: readonly string[], all: readonly CompositeAlarm[]): CompositeAlarm[] {
  const known = new Set(names)
  const found = new Set<CompositeAlarm>()
  for (let size = -1; size !== found.size; ) {
    size = found.size
    for (const composite of all) {
      if (!namesIn(composite.AlarmRule ?? '').some((name) => known.has(name))) continue
      found.add(composite)
      known.add(composite.AlarmName ?? '')
    }
  }
  return [...found]
}

/** The names in `ALARM(a) AND OK("arn:aws:cloudwatch:REGION:ACCOUNT:alarm:b")`. */
function namesIn(rule: string): string[] {
  const named = rule.matchAll(
    /\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|([^"()]*?))\s*\)/g,
  )
  return [...named].map(([, quoted, bare]) =>
    (quoted ?? bare ?? '').replace(/^arn:[^:]*:cloudwatch:[^:]*:\d{12}:alarm:/, ''),
  )
}

function readMetricAlarm(wire: MetricAlarm): Alarm {
  const { Namespace = '', MetricName = '', Dimensions = [] } = wire
  const dimensions = Dimensions.map(({ Name = '', Value = '' }) => [Name, Value])
  const metric = {
    namespace: Namespace,
    name: MetricName,
    dimensions: Object.fromEntries(dimensions),
  }
  return { ...readBasics(wire), metric: MetricName ? metric : undefined }
}

function readCompositeAlarm(wire: CompositeAlarm): Alarm {
  return { ...readBasics(wire), metric: undefined }
}

function readBasics(wire: MetricAlarm | CompositeAlarm): Omit<Alarm, 'metric'> {
  return {
    name: wire.AlarmName ?? '',
    arn: wire.AlarmArn ?? '',
    description: wire.AlarmDescription,
    state: wire.StateValue ?? 'INSUFFICIENT_DATA',
    reason: wire.StateReason ?? '',
    changedAt: wire.StateTransitionedTimestamp ?? wire.StateUpdatedTimestamp,
  }
}

interface HistoryState {
  readonly stateValue?: AlarmState
  readonly stateReason?: string
}

/** None for what is not told as AWS tells a change of state. */
function readChange({ AlarmName, Timestamp, HistoryData = '' }: AlarmHistoryItem): AlarmChange[] {
  const { oldState, newState } = parse(HistoryData)
  if (!AlarmName || !Timestamp || !oldState?.stateValue || !newState?.stateValue) return []
  return [
    {
      alarm: AlarmName,
      at: Timestamp,
      from: oldState.stateValue,
      to: newState.stateValue,
      reason: newState.stateReason ?? '',
    },
  ]
}

function parse(text: string): { oldState?: HistoryState; newState?: HistoryState } {
  try {
    return JSON.parse(text) ?? {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
