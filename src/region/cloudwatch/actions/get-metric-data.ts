import type {
  GetMetricDataInput,
  GetMetricDataOutput,
  MetricDataQuery,
} from '../../protocol/models/cloudwatch.ts'
import { invalid, missing, notTogether, refuseUnsupported } from '../faults.ts'
import { checkedMetric, checkedRange, checkedReading, checkedUnit } from '../metrics/checks.ts'
import { type MetricStore, withoutUnits } from '../metrics/metric-store.ts'

const MAX_QUERIES = 500
const MAX_DATAPOINTS = 100_800

interface Told {
  readonly Timestamps: Date[]
  readonly Values: number[]
}

/**
 * GetMetricData: statistics of many metrics, newest first.
 *
 * Unlike AWS: there are no metric math and no queries of Metrics Insights, which are refused; an answer has all datapoints, and no
 * further pages.
 *
 * Source: CloudWatch API Reference, GetMetricData.
 */
export async function getMetricData(
  store: MetricStore,
  input: GetMetricDataInput,
): Promise<GetMetricDataOutput> {
  const { MetricDataQueries: queries = [], MaxDatapoints, NextToken, ScanBy } = input
  if (queries.length === 0) throw missing('MetricDataQueries')
  if (queries.length > MAX_QUERIES) {
    throw invalid(`MetricDataQueries has at most ${MAX_QUERIES} members.`)
  }
  refuseUnsupported({ LabelOptions: input.LabelOptions })
  if (NextToken !== undefined) throw invalid('The next token specified is invalid.')
  if (ScanBy && !['TimestampAscending', 'TimestampDescending'].includes(ScanBy)) {
    throw invalid('ScanBy is TimestampAscending or TimestampDescending.')
  }
  checkIds(queries)

  const results = queries.map((query) => {
    const { Timestamps, Values } = answer(store, query, input)
    if (ScanBy !== 'TimestampAscending') {
      Timestamps.reverse()
      Values.reverse()
    }
    const name = query.MetricStat?.Metric?.MetricName
    const told = { Id: query.Id, Label: query.Label ?? name, Timestamps, Values }
    return { ...told, StatusCode: 'Complete' as const, isTold: query.ReturnData !== false }
  })
  const told = results.filter(({ isTold }) => isTold)
  const datapoints = told.reduce((sum, { Values }) => sum + Values.length, 0)
  if (datapoints > Math.min(MaxDatapoints ?? MAX_DATAPOINTS, MAX_DATAPOINTS)) {
    throw invalid(
      `The answer would have ${datapoints} datapoints: ask for less, or longer periods.`,
    )
  }
  return { MetricDataResults: told, Messages: [] }
}

function checkIds(queries: readonly MetricDataQuery[]): void {
  const ids = queries.map(({ Id = '' }) => Id)
  const wrong = ids.find((id) => !/^[a-z][A-Za-z0-9_]{0,254}$/.test(id))
  if (wrong !== undefined) {
    throw invalid(
      `The id '${wrong}' does not begin with a lower-case letter, or has others than letters, digits and _.`,
    )
  }
  if (new Set(ids).size < ids.length) throw invalid('No two queries have the same Id.')
}

function answer(store: MetricStore, query: MetricDataQuery, input: GetMetricDataInput): Told {
  const { MetricStat: stat, Expression, AccountId, Period } = query
  refuseUnsupported({ 'Metric math': Expression, AccountId })
  if (!stat) throw missing('MetricStat')
  if (Period !== undefined) throw notTogether('The Period of a metric is a member of MetricStat.')
  const metric = checkedMetric(stat.Metric ?? {})
  const read = checkedReading(stat.Stat ?? '')
  const range = checkedRange(input.StartTime, input.EndTime, stat.Period)
  const periods = store.periods(metric, { ...range, unit: checkedUnit(stat.Unit) })
  const told: Told = { Timestamps: [], Values: [] }
  for (const [startAt, statistics] of withoutUnits(periods)) {
    const value = read(statistics)
    if (value === undefined) continue
    told.Timestamps.push(startAt)
    told.Values.push(value)
  }
  return told
}
