import type { DescribeAlarmsInput, DescribeAlarmsOutput } from '../../protocol/models/cloudwatch.ts'
import type { Alarm } from '../alarms/alarm.ts'
import { alarmsIn, parseAlarmRule } from '../alarms/alarm-rule.ts'
import { compositeAlarmShape, metricAlarmShape } from '../alarms/alarm-shape.ts'
import type { Alarms } from '../alarms/alarms.ts'
import { getAlarm } from '../checks.ts'
import { notTogether, notValid } from '../faults.ts'
import { pageOf } from '../page.ts'

const MAX_RECORDS = 100
const DEFAULT_RECORDS = 50
const MAX_NAMES = 100
const STATES: readonly string[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA']
const TYPES: readonly string[] = ['MetricAlarm', 'CompositeAlarm', 'LogAlarm']

/**
 * DescribeAlarms: by name, prefix, state, action or kinship, in the order of their names; metric alarms unless other types
 * are asked for.
 *
 * Source: CloudWatch API Reference, DescribeAlarms.
 */
export async function describeAlarms(
  alarms: Alarms,
  input: DescribeAlarmsInput,
): Promise<DescribeAlarmsOutput> {
  const { ChildrenOfAlarmName, ParentsOfAlarmName, MaxRecords, NextToken } = input
  const isKinship = ChildrenOfAlarmName !== undefined || ParentsOfAlarmName !== undefined
  const found = isKinship ? relatives(alarms, input) : matching(alarms, input)
  const { page, ...next } = pageOf(found, ({ name }) => name, {
    token: NextToken,
    size: MaxRecords ?? DEFAULT_RECORDS,
    most: MAX_RECORDS,
  })
  const told = {
    MetricAlarms: page.flatMap((one) => (one.kind === 'MetricAlarm' ? metricAlarmShape(one) : [])),
    CompositeAlarms: page.flatMap((one) =>
      one.kind === 'CompositeAlarm' ? compositeAlarmShape(one) : [],
    ),
  }
  return { ...(ParentsOfAlarmName === undefined ? told : namesOnly(told)), ...next }
}

function matching(alarms: Alarms, input: DescribeAlarmsInput): Alarm[] {
  const { AlarmNames, AlarmNamePrefix: prefix, ActionPrefix: action, StateValue } = input
  if (AlarmNames && prefix !== undefined) {
    throw notTogether('AlarmNames and AlarmNamePrefix cannot be asked for in one request.')
  }
  if ((AlarmNames?.length ?? 0) > MAX_NAMES) {
    throw notValid(`AlarmNames has at most ${MAX_NAMES} members.`)
  }
  if (StateValue !== undefined && !STATES.includes(StateValue)) {
    throw notValid(`StateValue is one of ${STATES.join(', ')}.`)
  }
  const types = checkedTypes(input.AlarmTypes)
  const names = AlarmNames && new Set(AlarmNames)
  return alarms
    .list()
    .filter(
      ({ name, kind, state, actions }) =>
        types.includes(kind) &&
        (!names || names.has(name)) &&
        (prefix === undefined || name.startsWith(prefix)) &&
        (StateValue === undefined || state.value === StateValue) &&
        (action === undefined ||
          Object.values(actions).some((arns) => arns.some((arn) => arn.startsWith(action)))),
    )
}

/** @throws CloudWatchFault `ValidationException` */
export function checkedTypes(types: readonly string[] | undefined): readonly string[] {
  const wrong = types?.find((type) => !TYPES.includes(type))
  if (wrong !== undefined) throw notValid(`'${wrong}' is not a type of alarms.`)
  return types?.length ? types : ['MetricAlarm']
}

function relatives(alarms: Alarms, input: DescribeAlarmsInput): Alarm[] {
  const { ChildrenOfAlarmName: parent, ParentsOfAlarmName: child } = input
  const others = Object.entries(input).filter(
    ([name, value]) => value !== undefined && !/^(MaxRecords|NextToken)$/.test(name),
  )
  if (others.length > 1) throw notValid('Kinship is asked for without other filters.')
  if (parent !== undefined) {
    const alarm = getAlarm(alarms, parent)
    const names = new Set(childrenOf(alarm).flatMap((named) => alarms.find(named)?.name ?? []))
    return alarms.list().filter(({ name }) => names.has(name))
  }
  const { name } = getAlarm(alarms, child ?? '')
  return alarms
    .list()
    .filter((alarm) => childrenOf(alarm).some((named) => alarms.find(named)?.name === name))
}

export function childrenOf(alarm: Alarm): string[] {
  return alarm.kind === 'CompositeAlarm' ? alarmsIn(parseAlarmRule(alarm.rule)) : []
}

/** Source: CloudWatch API Reference, DescribeAlarms, ParentsOfAlarmName: only the name and ARN are told. */
function namesOnly({ CompositeAlarms }: Pick<DescribeAlarmsOutput, 'CompositeAlarms'>) {
  return {
    MetricAlarms: [],
    CompositeAlarms: (CompositeAlarms ?? []).map(({ AlarmName, AlarmArn }) => ({
      AlarmName,
      AlarmArn,
    })),
  }
}
