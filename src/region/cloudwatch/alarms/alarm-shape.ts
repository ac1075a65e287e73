import type {
  ComparisonOperator,
  StandardUnit,
  StateValue,
  Statistic,
  CompositeAlarm as WireCompositeAlarm,
  MetricAlarm as WireMetricAlarm,
} from '../../protocol/models/cloudwatch.ts'
import { toldDimensions } from '../metrics/checks.ts'
import { percentileOf } from '../metrics/statistics.ts'
import type { Alarm, CompositeAlarm, MetricAlarm } from './alarm.ts'

/** How DescribeAlarms tells a metric alarm. */
export function metricAlarmShape(alarm: MetricAlarm): WireMetricAlarm {
  const { metric, statistic, datapointsToAlarm, treatMissingData, lowSampleCount } = alarm
  const isExtended = percentileOf(statistic) !== undefined
  return {
    ...basics(alarm),
    Namespace: metric.namespace,
    MetricName: metric.name,
    Dimensions: toldDimensions(metric),
    ...(isExtended ? { ExtendedStatistic: statistic } : { Statistic: statistic as Statistic }),
    Period: alarm.periodSeconds,
    ...(alarm.unit === undefined ? {} : { Unit: alarm.unit as StandardUnit }),
    EvaluationPeriods: alarm.evaluationPeriods,
    ...(datapointsToAlarm === undefined ? {} : { DatapointsToAlarm: datapointsToAlarm }),
    Threshold: alarm.threshold,
    ComparisonOperator: alarm.comparison as ComparisonOperator,
    ...(treatMissingData === undefined ? {} : { TreatMissingData: treatMissingData }),
    ...(lowSampleCount === undefined ? {} : { EvaluateLowSampleCountPercentile: lowSampleCount }),
  }
}

export function compositeAlarmShape(alarm: CompositeAlarm): WireCompositeAlarm {
  return { ...basics(alarm), AlarmRule: alarm.rule }
}

function basics({ state, actions, ...alarm }: Alarm) {
  return {
    AlarmName: alarm.name,
    AlarmArn: alarm.arn,
    ...(alarm.description === undefined ? {} : { AlarmDescription: alarm.description }),
    AlarmConfigurationUpdatedTimestamp: new Date(alarm.configuredAt),
    ActionsEnabled: alarm.actionsEnabled,
    OKActions: [...actions.OK],
    AlarmActions: [...actions.ALARM],
    InsufficientDataActions: [...actions.INSUFFICIENT_DATA],
    StateValue: state.value as StateValue,
    StateReason: state.reason,
    ...(state.reasonData === undefined ? {} : { StateReasonData: state.reasonData }),
    StateUpdatedTimestamp: new Date(state.updatedAt),
    StateTransitionedTimestamp: new Date(state.transitionedAt),
  }
}
