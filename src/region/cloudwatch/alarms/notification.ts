import { createHash } from 'node:crypto'
import { percentileOf } from '../metrics/statistics.ts'
import type { Alarm, MetricAlarm, Transition } from './alarm.ts'
import { alarmTime } from './state-reason.ts'

/** What an alarm sends to a topic. */
export interface AlarmNotification {
  /** The same for the same change of state, so that who receives it twice can tell. A UUID. */
  readonly messageId: string
  readonly subject: string
  /** JSON. */
  readonly message: string
}

const MAX_SUBJECT = 100

/**
 * The notification of a change of state, as AWS writes it.
 *
 * Unlike AWS: the region is told by its code, not by a name like "US East (N. Virginia)".
 */
export function notificationOf(
  alarm: Alarm,
  { from, to }: Transition,
  o: { region: string; accountId: string; topicArn: string },
): AlarmNotification {
  const message = {
    AlarmName: alarm.name,
    AlarmDescription: alarm.description ?? null,
    AWSAccountId: o.accountId,
    AlarmConfigurationUpdatedTimestamp: alarmTime(new Date(alarm.configuredAt)),
    NewStateValue: to.value,
    NewStateReason: to.reason,
    StateChangeTime: alarmTime(new Date(to.updatedAt)),
    Region: o.region,
    AlarmArn: alarm.arn,
    OldStateValue: from.value,
    OKActions: alarm.actions.OK,
    AlarmActions: alarm.actions.ALARM,
    InsufficientDataActions: alarm.actions.INSUFFICIENT_DATA,
    ...(alarm.kind === 'MetricAlarm'
      ? { Trigger: triggerOf(alarm) }
      : { AlarmRule: alarm.rule, TriggeringChildren: childrenIn(to.reasonData) }),
  }
  return {
    messageId: uuidOf(`${alarm.arn} ${to.updatedAt} ${from.value} ${to.value} ${o.topicArn}`),
    subject: `${to.value}: "${alarm.name}" in ${o.region}`
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, MAX_SUBJECT),
    message: JSON.stringify(message),
  }
}

function triggerOf(alarm: MetricAlarm): object {
  const { metric, statistic } = alarm
  const isExtended = percentileOf(statistic) !== undefined
  return {
    MetricName: metric.name,
    Namespace: metric.namespace,
    ...(isExtended
      ? { StatisticType: 'ExtendedStatistic', ExtendedStatistic: statistic }
      : { StatisticType: 'Statistic', Statistic: STATISTIC_NAMES[statistic] ?? statistic }),
    Unit: alarm.unit ?? null,
    Dimensions: Object.entries(metric.dimensions).map(([name, value]) => ({ value, name })),
    Period: alarm.periodSeconds,
    EvaluationPeriods: alarm.evaluationPeriods,
    ...(alarm.datapointsToAlarm === undefined
      ? {}
      : { DatapointsToAlarm: alarm.datapointsToAlarm }),
    ComparisonOperator: alarm.comparison,
    Threshold: alarm.threshold,
    TreatMissingData: alarm.treatMissingData ?? '',
    EvaluateLowSampleCountPercentile: alarm.lowSampleCount ?? '',
  }
}

const STATISTIC_NAMES: Readonly<Record<string, string>> = {
  SampleCount: 'SAMPLE_COUNT',
  Average: 'AVERAGE',
  Sum: 'SUM',
  Minimum: 'MINIMUM',
  Maximum: 'MAXIMUM',
}

interface TriggeringAlarm {
  readonly arn: string
  readonly state: { readonly value: string; readonly timestamp: string }
}

function childrenIn(reasonData: string | undefined): object[] {
  const { triggeringAlarms = [] } = JSON.parse(reasonData ?? '{}') as {
    triggeringAlarms?: TriggeringAlarm[]
  }
  return triggeringAlarms.map(({ arn, state }) => ({
    Arn: arn,
    State: { Value: state.value, Timestamp: state.timestamp },
  }))
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
