import type { MetricDatum, PutMetricDataInput } from '../../protocol/models/cloudwatch.ts'
import { invalid, missing, notTogether, refuseUnsupported } from '../faults.ts'
import { checkedMetric, checkedUnit } from '../metrics/checks.ts'
import { type Point, type Resolution, startOf } from '../metrics/metric.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import { ofValue, type Statistics, together } from '../metrics/statistics.ts'

const MAX_DATA = 1000
const MAX_VALUES = 150
const LARGEST = 2 ** 360
const OLDEST_MS = 14 * 24 * 3_600_000
const AHEAD_MS = 2 * 3_600_000

/**
 * PutMetricData: values of metrics of one's own, as single values, as values with counts, or as statistics of a period.
 * All of them count, or none.
 *
 * Source: CloudWatch API Reference, PutMetricData and MetricDatum.
 */
export async function putMetricData(store: MetricStore, now: Date, input: PutMetricDataInput) {
  const { Namespace, MetricData = [], EntityMetricData } = input
  refuseUnsupported({ EntityMetricData })
  if (Namespace?.startsWith('AWS/')) {
    throw invalid('The value AWS/ for parameter Namespace is invalid.')
  }
  if (MetricData.length === 0) throw missing('MetricData')
  if (MetricData.length > MAX_DATA) throw invalid(`MetricData has at most ${MAX_DATA} members.`)
  await store.put(MetricData.map((datum) => pointOf(Namespace, datum, now)))
  return {}
}

function pointOf(namespace: string | undefined, datum: MetricDatum, now: Date): Point {
  const unit = checkedUnit(datum.Unit) ?? 'None'
  const resolution = checkedResolution(datum.StorageResolution)
  const at = checkedTime(datum.Timestamp ?? now, now)
  return {
    series: { ...checkedMetric({ ...datum, Namespace: namespace }), unit },
    atSeconds: startOf(at, resolution),
    resolution,
    statistics: statisticsOf(datum),
  }
}

function checkedResolution(resolution: number | undefined): Resolution {
  if (resolution === undefined || resolution === 60) return 60
  if (resolution === 1) return 1
  throw invalid('StorageResolution is 1 or 60.')
}

function checkedTime(at: Date, now: Date): Date {
  const age = now.getTime() - at.getTime()
  if (age > OLDEST_MS || age < -AHEAD_MS) {
    throw invalid(
      `The time ${at.toISOString()} is more than two weeks old or more than two hours in the future.`,
    )
  }
  return at
}

function statisticsOf(datum: MetricDatum): Statistics {
  const { MetricName, Value, Values, Counts, StatisticValues } = datum
  const forms = [Value, Values, StatisticValues].filter((form) => form !== undefined)
  if (forms.length === 0) throw missing('Value')
  if (forms.length > 1 || (Counts && !Values)) {
    throw notTogether(
      `The value of ${MetricName} is told as Value, as Values with Counts, or as StatisticValues.`,
    )
  }
  if (Value !== undefined) return ofValue(checkedValue(Value))
  return Values ? ofValues(Values, Counts) : ofSet(StatisticValues)
}

function ofValues(values: readonly number[], counts: readonly number[] | undefined): Statistics {
  const times = counts ?? values.map(() => 1)
  if (values.length === 0 || values.length > MAX_VALUES || times.length !== values.length) {
    throw invalid(`Values has 1 to ${MAX_VALUES} members, and Counts as many.`)
  }
  if (times.some((count) => !(count > 0 && count <= LARGEST))) {
    throw invalid('Each of Counts is more than 0.')
  }
  const [first, ...others] = values.map((value, i) => ofValue(checkedValue(value), times[i]))
  return others.reduce(together, first!)
}

function ofSet(set: MetricDatum['StatisticValues']): Statistics {
  const { SampleCount = 0, Sum = 0, Minimum = 0, Maximum = 0 } = set ?? {}
  for (const value of [SampleCount, Sum, Minimum, Maximum]) checkedValue(value)
  if (SampleCount <= 0 || Minimum > Maximum) {
    throw invalid('A set of statistics has samples, and its Minimum is not above its Maximum.')
  }
  return { count: SampleCount, sum: Sum, min: Minimum, max: Maximum }
}

function checkedValue(value: number): number {
  if (Number.isFinite(value) && Math.abs(value) <= LARGEST) return value
  throw invalid('A value is a number from -2^360 to 2^360.')
}
