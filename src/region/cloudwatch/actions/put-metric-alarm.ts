import type { PutMetricAlarmInput } from '../../protocol/models/cloudwatch.ts'
import { COMPARISONS, type Comparison } from '../alarms/alarm.ts'
import { type Configuration, configure } from '../alarms/configure.ts'
import type { MissingDataTreatment } from '../alarms/evaluate.ts'
import { checkedActions, checkedAlarmName, checkedDescription, checkedTags } from '../checks.ts'
import type { CloudWatch } from '../cloudwatch.ts'
import { missing, notTogether, notValid, refuseUnsupported } from '../faults.ts'
import { checkedMetric, checkedReading, checkedUnit } from '../metrics/checks.ts'
import { percentileOf } from '../metrics/statistics.ts'

const FINE_PERIODS = [10, 20, 30]
const HOUR = 3600
const DAY = 86_400
const TREATMENTS: readonly string[] = ['missing', 'ignore', 'breaching', 'notBreaching']
const LOW_SAMPLE_COUNTS: readonly string[] = ['evaluate', 'ignore']

/**
 * PutMetricAlarm: an alarm on one metric, or another configuration for one.
 *
 * Unlike AWS: an alarm has a static threshold on a metric of this account; there are no metric math, anomaly detection, PromQL
 * or evaluation windows, and its only actions are notifications to topics. What else is asked for is refused.
 *
 * Source: CloudWatch API Reference, PutMetricAlarm.
 */
export async function putMetricAlarm(cloudWatch: CloudWatch, input: PutMetricAlarmInput) {
  const { Metrics, ThresholdMetricId, EvaluationWindow, WarmUpConfiguration } = input
  const { EvaluationCriteria, EvaluationInterval, ActionConfiguration } = input
  refuseUnsupported({
    Metrics: Metrics?.length ? Metrics : undefined,
    ThresholdMetricId,
    EvaluationWindow,
    WarmUpConfiguration,
    EvaluationCriteria,
    EvaluationInterval,
    ActionConfiguration,
  })
  await configure(cloudWatch, configurationOf(cloudWatch, input))
  return {}
}

function configurationOf(cloudWatch: CloudWatch, input: PutMetricAlarmInput): Configuration {
  const description = checkedDescription(input.AlarmDescription)
  const unit = checkedUnit(input.Unit)
  const datapointsToAlarm = input.DatapointsToAlarm
  const treatMissingData = oneOf('TreatMissingData', TREATMENTS, input.TreatMissingData)
  const statistic = checkedStatistic(input)
  return {
    kind: 'MetricAlarm',
    name: checkedAlarmName(input.AlarmName),
    ...(description === undefined ? {} : { description }),
    actionsEnabled: input.ActionsEnabled ?? true,
    actions: {
      OK: checkedActions(input.OKActions, cloudWatch.o),
      ALARM: checkedActions(input.AlarmActions, cloudWatch.o),
      INSUFFICIENT_DATA: checkedActions(input.InsufficientDataActions, cloudWatch.o),
    },
    tags: checkedTags(input.Tags ?? []),
    metric: checkedMetric(input),
    ...(unit === undefined ? {} : { unit }),
    statistic,
    ...checkedPeriods(input),
    ...(datapointsToAlarm === undefined ? {} : { datapointsToAlarm }),
    threshold: checkedThreshold(input.Threshold),
    comparison: checkedComparison(input.ComparisonOperator),
    ...(treatMissingData === undefined
      ? {}
      : { treatMissingData: treatMissingData as MissingDataTreatment }),
    ...checkedLowSampleCount(statistic, input.EvaluateLowSampleCountPercentile),
  }
}

function checkedStatistic({ Statistic, ExtendedStatistic }: PutMetricAlarmInput): string {
  if (Statistic !== undefined && ExtendedStatistic !== undefined) {
    throw notTogether('An alarm has a Statistic or an ExtendedStatistic.')
  }
  const name = Statistic ?? ExtendedStatistic
  if (name === undefined) throw missing('Statistic')
  checkedReading(name)
  if ((percentileOf(name) !== undefined) !== (ExtendedStatistic !== undefined)) {
    throw notValid(`'${name}' is told as ${Statistic ? 'ExtendedStatistic' : 'Statistic'}.`)
  }
  return name
}

function checkedPeriods(input: PutMetricAlarmInput) {
  const { Period, EvaluationPeriods, DatapointsToAlarm } = input
  if (Period === undefined) throw missing('Period')
  if (EvaluationPeriods === undefined) throw missing('EvaluationPeriods')
  const isMinutes = Number.isInteger(Period) && Period > 0 && Period % 60 === 0
  if (!isMinutes && !FINE_PERIODS.includes(Period)) {
    throw notValid(`Period is ${FINE_PERIODS.join(', ')}, or a multiple of 60.`)
  }
  if (!Number.isInteger(EvaluationPeriods) || EvaluationPeriods < 1) {
    throw notValid('EvaluationPeriods is at least 1.')
  }
  const longest = Period >= HOUR ? 7 * DAY : DAY
  if (Period * EvaluationPeriods > longest) {
    throw notValid(`Metrics cannot be checked across more than ${longest / DAY} day(s).`)
  }
  const m = DatapointsToAlarm ?? EvaluationPeriods
  if (!Number.isInteger(m) || m < 1 || m > EvaluationPeriods) {
    throw notValid('DatapointsToAlarm is from 1 to EvaluationPeriods.')
  }
  return { periodSeconds: Period, evaluationPeriods: EvaluationPeriods }
}

function checkedThreshold(threshold: number | undefined): number {
  if (threshold === undefined) throw missing('Threshold')
  if (!Number.isFinite(threshold)) throw notValid('Threshold is a number.')
  return threshold
}

function checkedComparison(operator: string | undefined): Comparison {
  if (operator === undefined) throw missing('ComparisonOperator')
  refuseUnsupported({
    [`ComparisonOperator ${operator}`]: /LowerOr|UpperThreshold|LowerThreshold/.test(operator),
  })
  if (Object.hasOwn(COMPARISONS, operator)) return operator as Comparison
  throw notValid(`'${operator}' is not a ComparisonOperator.`)
}

function checkedLowSampleCount(statistic: string, asked: string | undefined) {
  const checked = oneOf('EvaluateLowSampleCountPercentile', LOW_SAMPLE_COUNTS, asked)
  if (checked === undefined) return {}
  if (percentileOf(statistic) === undefined) {
    throw notTogether('EvaluateLowSampleCountPercentile is for percentiles.')
  }
  return { lowSampleCount: checked as 'evaluate' | 'ignore' }
}

function oneOf(
  parameter: string,
  values: readonly string[],
  asked: string | undefined,
): string | undefined {
  if (asked === undefined || values.includes(asked)) return asked
  throw notValid(`${parameter} is one of ${values.join(', ')}.`)
}
