import type { ListMetricsInput, ListMetricsOutput } from '../../protocol/models/cloudwatch.ts'
import { invalid, refuseUnsupported } from '../faults.ts'
import { hasDimensions, toldDimensions } from '../metrics/checks.ts'
import { metricId } from '../metrics/metric.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import { pageOf } from '../page.ts'

const PAGE = 500
const RECENT_MS = 3 * 3_600_000
const LISTED_MS = 14 * 24 * 3_600_000

/**
 * ListMetrics: those that had values in the last two weeks, or three hours.
 *
 * Source: CloudWatch API Reference, ListMetrics.
 */
export async function listMetrics(
  store: MetricStore,
  now: Date,
  input: ListMetricsInput,
): Promise<ListMetricsOutput> {
  const { Namespace, MetricName, Dimensions = [], NextToken, RecentlyActive } = input
  refuseUnsupported({
    IncludeLinkedAccounts: input.IncludeLinkedAccounts,
    OwningAccount: input.OwningAccount,
  })
  if (RecentlyActive !== undefined && RecentlyActive !== 'PT3H') {
    throw invalid('RecentlyActive is PT3H.')
  }
  const since = now.getTime() - (RecentlyActive ? RECENT_MS : LISTED_MS)
  const found = store
    .list()
    .filter(({ lastAt }) => lastAt.getTime() >= since)
    .map(({ metric }) => metric)
    .filter(
      (metric) =>
        (Namespace === undefined || metric.namespace === Namespace) &&
        (MetricName === undefined || metric.name === MetricName) &&
        hasDimensions(metric, Dimensions),
    )
  const { page, ...next } = pageOf(found, metricId, { token: NextToken, size: PAGE, most: PAGE })
  return {
    Metrics: page.map((metric) => ({
      Namespace: metric.namespace,
      MetricName: metric.name,
      Dimensions: toldDimensions(metric),
    })),
    ...next,
  }
}
