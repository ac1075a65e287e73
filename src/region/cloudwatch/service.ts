import type { Clock } from '../../core/clock.ts'
import type { MetricSource } from '../metric-source.ts'
import {
  type CloudWatchActions,
  CloudWatchFault,
  cloudWatchModel,
  type Dimension,
  type GetMetricDataInput,
  type GetMetricDataOutput,
  type GetMetricStatisticsInput,
  type GetMetricStatisticsOutput,
  type ListMetricsInput,
  type ListMetricsOutput,
  type StandardUnit,
} from '../protocol/models/cloudwatch.ts'
import type { Service } from '../protocol/service.ts'
import { byPeriod, MetricSeries, type Series, type Statistics } from './metric-series.ts'
import { Sampler } from './sampler.ts'

export interface CloudWatchOptions {
  /** The services of the region that measure themselves. */
  readonly sources: readonly MetricSource[]
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** Amazon CloudWatch, to read the metrics that a region has of its own. It samples them from `begin` on. */
export function openCloudWatch(o: CloudWatchOptions): {
  service: Service
  begin: () => void
  close: () => Promise<void>
} {
  const series = new MetricSeries()
  const sampler = new Sampler({ ...o, series })
  const sampled = async () => {
    await sampler.sample()
    return series
  }
  const actions = {
    GetMetricData: async (input) => getMetricData(await sampled(), input),
    GetMetricStatistics: async (input) => getMetricStatistics(await sampled(), input),
    ListMetrics: async (input) => listMetrics(await sampled(), input),
  } satisfies CloudWatchActions
  return {
    service: {
      model: cloudWatchModel,
      actions,
      // Source: Service Authorization Reference: CloudWatch's reading actions have no resources.
      accesses: (operation) => [{ action: `cloudwatch:${operation}`, resource: '*' }],
    },
    begin: () => sampler.begin(),
    close: () => sampler.close(),
  }
}

function getMetricStatistics(
  all: MetricSeries,
  input: GetMetricStatisticsInput,
): GetMetricStatisticsOutput {
  const { MetricName, Namespace, StartTime, EndTime, Period, Dimensions, Statistics } = input
  if (!Statistics?.length || input.ExtendedStatistics?.length) {
    throw invalid('Statistics are required, and extended ones are not available.')
  }
  const found = exactly(all, Namespace, MetricName, Dimensions)
  const periods = byPeriod(found, range(StartTime, EndTime, Period))
  return {
    Label: MetricName,
    Datapoints: periods.map(([Timestamp, statistics]) => ({
      Timestamp,
      Unit: found?.unit as StandardUnit,
      ...Object.fromEntries(Statistics.map((name) => [name, statisticIn(statistics, name)])),
    })),
  }
}

function getMetricData(all: MetricSeries, input: GetMetricDataInput): GetMetricDataOutput {
  const results = (input.MetricDataQueries ?? []).map((query) => {
    const { MetricStat: asked, Id, Label } = query
    if (!asked || query.Expression) throw invalid('Expressions are not available here.')
    const { Metric: metric, Period, Stat = '' } = asked
    const found = exactly(all, metric?.Namespace, metric?.MetricName, metric?.Dimensions)
    const periods = byPeriod(found, range(input.StartTime, input.EndTime, Period))
    // Checked also when there is nothing to tell.
    statisticIn(EMPTY, Stat)
    if (input.ScanBy !== 'TimestampAscending') periods.reverse()
    return {
      Id,
      Label: Label ?? metric?.MetricName,
      Timestamps: periods.map(([time]) => time),
      Values: periods.map(([, statistics]) => statisticIn(statistics, Stat)),
      StatusCode: 'Complete' as const,
      isReturned: query.ReturnData !== false,
    }
  })
  return { MetricDataResults: results.filter(({ isReturned }) => isReturned) }
}

function listMetrics(all: MetricSeries, input: ListMetricsInput): ListMetricsOutput {
  const { Namespace: namespace, MetricName: name, Dimensions: dimensions = [] } = input
  return {
    Metrics: all.find({ namespace, name, dimensions }).map((series) => ({
      Namespace: series.namespace,
      MetricName: series.name,
      Dimensions: Object.entries(series.dimensions).map(([Name, Value]) => ({ Name, Value })),
    })),
  }
}

const EMPTY: Statistics = { count: 1, sum: 0, min: 0, max: 0 }

function exactly(
  all: MetricSeries,
  namespace = '',
  name = '',
  dimensions: readonly Dimension[] = [],
): Series | undefined {
  const found = all.find({ namespace, name, dimensions })
  return found.find((series) => Object.keys(series.dimensions).length === dimensions.length)
}

function range(from: Date | undefined, to: Date | undefined, periodSeconds: number | undefined) {
  if (!from || !to || from >= to) throw invalid('StartTime must be before EndTime.')
  if (!periodSeconds || periodSeconds < 60 || periodSeconds % 60 !== 0) {
    throw invalid('Period is a multiple of 60.')
  }
  return { from, to, periodSeconds }
}

function statisticIn({ count, sum, min, max }: Statistics, name: string): number {
  switch (name) {
    case 'SampleCount':
      return count
    case 'Sum':
      return sum
    case 'Minimum':
      return min
    case 'Maximum':
      return max
    case 'Average':
      return sum / count
    default:
      throw invalid(`The statistic '${name}' is not available here.`)
  }
}

function invalid(message: string): CloudWatchFault {
  return new CloudWatchFault('InvalidParameterValueException', message)
}
