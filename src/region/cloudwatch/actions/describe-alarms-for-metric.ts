import type {
  DescribeAlarmsForMetricInput,
  DescribeAlarmsForMetricOutput,
} from '../../protocol/models/cloudwatch.ts'
import { metricAlarmShape } from '../alarms/alarm-shape.ts'
import type { Alarms } from '../alarms/alarms.ts'
import { checkedMetric } from '../metrics/checks.ts'
import { metricId } from '../metrics/metric.ts'

/**
 * DescribeAlarmsForMetric: the metric alarms on one metric with exactly these dimensions.
 *
 * Source: CloudWatch API Reference, DescribeAlarmsForMetric.
 */
export async function describeAlarmsForMetric(
  alarms: Alarms,
  input: DescribeAlarmsForMetricInput,
): Promise<DescribeAlarmsForMetricOutput> {
  const id = metricId(checkedMetric(input))
  const { Period, Unit } = input
  const statistic = input.Statistic ?? input.ExtendedStatistic
  const found = alarms
    .list()
    .flatMap((alarm) => (alarm.kind === 'MetricAlarm' ? alarm : []))
    .filter(
      (alarm) =>
        metricId(alarm.metric) === id &&
        (statistic === undefined || alarm.statistic === statistic) &&
        (Period === undefined || alarm.periodSeconds === Period) &&
        (Unit === undefined || alarm.unit === Unit),
    )
  return { MetricAlarms: found.map(metricAlarmShape) }
}
