import type {
  Datapoint,
  GetMetricStatisticsInput,
  GetMetricStatisticsOutput,
  StandardUnit,
} from '../../protocol/models/cloudwatch.ts'
import { invalid, missing, notTogether } from '../faults.ts'
import { checkedMetric, checkedRange, checkedReading, checkedUnit } from '../metrics/checks.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import { percentileOf, type Reading } from '../metrics/statistics.ts'

const MAX_DATAPOINTS = 1440

/**
 * GetMetricStatistics: statistics of one metric, period by period.
 *
 * Source: CloudWatch API Reference, GetMetricStatistics.
 */
export async function getMetricStatistics(
  store: MetricStore,
  input: GetMetricStatisticsInput,
): Promise<GetMetricStatisticsOutput> {
  const { StartTime, EndTime, Period, Unit, Statistics = [], ExtendedStatistics = [] } = input
  const metric = checkedMetric(input)
  const readings = checkedReadings(Statistics, ExtendedStatistics)
  const range = checkedRange(StartTime, EndTime, Period)
  const asked = (range.to.getTime() - range.from.getTime()) / 1000 / range.periodSeconds
  if (asked > MAX_DATAPOINTS) {
    throw notTogether(
      `You have requested up to ${Math.ceil(asked)} datapoints, which exceeds the limit of ${MAX_DATAPOINTS}. ` +
        'You may reduce the datapoints requested by increasing Period, or decreasing the time range.',
    )
  }
  const periods = store.periods(metric, { ...range, unit: checkedUnit(Unit) })
  return {
    Label: metric.name,
    Datapoints: periods.map(({ startAt, unit, statistics }): Datapoint => {
      const told = readings.flatMap(([name, read]) => {
        const value = read(statistics)
        return value === undefined ? [] : [[name, value] as const]
      })
      const isExtended = ExtendedStatistics.length > 0
      return {
        Timestamp: startAt,
        Unit: unit as StandardUnit,
        ...(isExtended
          ? { ExtendedStatistics: Object.fromEntries(told) }
          : Object.fromEntries(told)),
      }
    }),
  }
}

function checkedReadings(
  statistics: readonly string[],
  extended: readonly string[],
): [string, Reading][] {
  if (statistics.length > 0 && extended.length > 0) {
    throw notTogether('Statistics and ExtendedStatistics cannot be asked for in one request.')
  }
  const names = [...statistics, ...extended]
  if (names.length === 0) throw missing('Statistics')
  if (statistics.some((name) => percentileOf(name) !== undefined)) {
    throw invalid('Percentiles are asked for as ExtendedStatistics.')
  }
  return names.map((name) => [name, checkedReading(name)])
}
