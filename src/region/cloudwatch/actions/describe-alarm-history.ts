import type {
  AlarmHistoryItem,
  DescribeAlarmHistoryInput,
  DescribeAlarmHistoryOutput,
} from '../../protocol/models/cloudwatch.ts'
import { type AlarmHistory, type HistoryItem, keyOf } from '../alarms/history.ts'
import { notValid, refuseUnsupported } from '../faults.ts'
import { pageOf } from '../page.ts'
import { checkedTypes } from './describe-alarms.ts'

const MAX_RECORDS = 100
const ITEM_TYPES: readonly string[] = [
  ...['ConfigurationUpdate', 'StateUpdate', 'Action'],
  ...['AlarmContributorStateUpdate', 'AlarmContributorAction'],
]

/**
 * DescribeAlarmHistory: what was done to alarms and what they did, newest first; of metric alarms unless other types are
 * asked for. The history of an alarm that was deleted is still told.
 *
 * Source: CloudWatch API Reference, DescribeAlarmHistory.
 */
export async function describeAlarmHistory(
  history: AlarmHistory,
  input: DescribeAlarmHistoryInput,
): Promise<DescribeAlarmHistoryOutput> {
  const { AlarmName, HistoryItemType, StartDate, EndDate, ScanBy, MaxRecords, NextToken } = input
  refuseUnsupported({ AlarmContributorId: input.AlarmContributorId })
  if (HistoryItemType !== undefined && !ITEM_TYPES.includes(HistoryItemType)) {
    throw notValid(`HistoryItemType is one of ${ITEM_TYPES.join(', ')}.`)
  }
  if (StartDate && EndDate && StartDate > EndDate) throw notValid('StartDate is after EndDate.')
  if (ScanBy && !['TimestampAscending', 'TimestampDescending'].includes(ScanBy)) {
    throw notValid('ScanBy is TimestampAscending or TimestampDescending.')
  }
  const types = checkedTypes(input.AlarmTypes)
  const found = history
    .list()
    .filter(
      ({ alarm, alarmKind, kind, at }) =>
        types.includes(alarmKind) &&
        (AlarmName === undefined || alarm === AlarmName) &&
        (HistoryItemType === undefined || kind === HistoryItemType) &&
        (!StartDate || at >= StartDate.toISOString()) &&
        (!EndDate || at <= EndDate.toISOString()),
    )
  const order = ScanBy === 'TimestampAscending' ? 'ascending' : 'descending'
  if (order === 'descending') found.reverse()
  const { page, ...next } = pageOf(found, keyOf, {
    token: NextToken,
    size: MaxRecords,
    most: MAX_RECORDS,
    order,
  })
  return { AlarmHistoryItems: page.map(itemShape), ...next }
}

function itemShape({ alarm, alarmKind, at, kind, summary, data }: HistoryItem): AlarmHistoryItem {
  return {
    AlarmName: alarm,
    AlarmType: alarmKind,
    Timestamp: new Date(at),
    HistoryItemType: kind,
    HistorySummary: summary,
    HistoryData: data,
  }
}
