import { type CloudWatchActions, cloudWatchModel } from '../protocol/models/cloudwatch.ts'
import type { Service } from '../protocol/service.ts'
import { cloudWatchAccesses } from './accesses.ts'
import { setActionsEnabled } from './actions/alarm-actions.ts'
import { deleteAlarms } from './actions/delete-alarms.ts'
import { describeAlarmHistory } from './actions/describe-alarm-history.ts'
import { describeAlarms } from './actions/describe-alarms.ts'
import { describeAlarmsForMetric } from './actions/describe-alarms-for-metric.ts'
import { getMetricData } from './actions/get-metric-data.ts'
import { getMetricStatistics } from './actions/get-metric-statistics.ts'
import { listMetrics } from './actions/list-metrics.ts'
import { putCompositeAlarm } from './actions/put-composite-alarm.ts'
import { putMetricAlarm } from './actions/put-metric-alarm.ts'
import { putMetricData } from './actions/put-metric-data.ts'
import { setAlarmState } from './actions/set-alarm-state.ts'
import { listTagsForResource, tagResource, untagResource } from './actions/tags.ts'
import { CloudWatch, type CloudWatchOptions } from './cloudwatch.ts'

/**
 * Amazon CloudWatch: metrics, and alarms on them. No dashboards, metric streams, insights and anomaly detection.
 *
 * It samples the region's own metrics and evaluates alarms from `begin` on.
 */
export async function openCloudWatch(o: CloudWatchOptions): Promise<{
  service: Service
  begin: () => void
  close: () => Promise<void>
}> {
  const cloudWatch = await CloudWatch.open(o)
  const { alarms } = cloudWatch
  return {
    service: {
      model: cloudWatchModel,
      actions: { ...metricActions(cloudWatch), ...alarmActions(cloudWatch) },
      accesses: (operation, input) => cloudWatchAccesses(alarms, operation, input),
    },
    begin: () => cloudWatch.begin(),
    close: () => cloudWatch.close(),
  }
}

function metricActions(cloudWatch: CloudWatch) {
  return {
    GetMetricData: async (input) => getMetricData(await cloudWatch.sampled(), input),
    GetMetricStatistics: async (input) => getMetricStatistics(await cloudWatch.sampled(), input),
    ListMetrics: async (input) => listMetrics(await cloudWatch.sampled(), cloudWatch.now(), input),
    PutMetricData: (input) => putMetricData(cloudWatch.store, cloudWatch.now(), input),
  } satisfies CloudWatchActions
}

function alarmActions(cloudWatch: CloudWatch) {
  const { alarms, history } = cloudWatch
  return {
    DeleteAlarms: (input) => deleteAlarms(cloudWatch, input),
    DescribeAlarmHistory: (input) => describeAlarmHistory(history, input),
    DescribeAlarms: (input) => describeAlarms(alarms, input),
    DescribeAlarmsForMetric: (input) => describeAlarmsForMetric(alarms, input),
    DisableAlarmActions: ({ AlarmNames }) => setActionsEnabled(alarms, AlarmNames, false),
    EnableAlarmActions: ({ AlarmNames }) => setActionsEnabled(alarms, AlarmNames, true),
    ListTagsForResource: (input) => listTagsForResource(alarms, input),
    PutCompositeAlarm: (input) => putCompositeAlarm(cloudWatch, input),
    PutMetricAlarm: (input) => putMetricAlarm(cloudWatch, input),
    SetAlarmState: (input) => setAlarmState(cloudWatch, input),
    TagResource: (input) => tagResource(alarms, input),
    UntagResource: (input) => untagResource(alarms, input),
  } satisfies CloudWatchActions
}
