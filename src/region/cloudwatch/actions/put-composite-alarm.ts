import type { PutCompositeAlarmInput } from '../../protocol/models/cloudwatch.ts'
import { alarmsIn, parseAlarmRule } from '../alarms/alarm-rule.ts'
import type { Alarms } from '../alarms/alarms.ts'
import { configure } from '../alarms/configure.ts'
import { checkedActions, checkedAlarmName, checkedDescription, checkedTags } from '../checks.ts'
import type { CloudWatch } from '../cloudwatch.ts'
import { notValid, refuseUnsupported } from '../faults.ts'

/**
 * PutCompositeAlarm: an alarm on the states of other alarms, or another rule for one.
 *
 * Unlike AWS: its actions cannot be suppressed; and a rule by which an alarm would depend on itself is refused, where AWS
 * stores it and does not evaluate it.
 *
 * Source: CloudWatch API Reference, PutCompositeAlarm.
 */
export async function putCompositeAlarm(cloudWatch: CloudWatch, input: PutCompositeAlarmInput) {
  const { ActionsSuppressor, ActionsSuppressorWaitPeriod, ActionConfiguration } = input
  const { ActionsSuppressorExtensionPeriod } = input
  refuseUnsupported({
    ActionsSuppressor,
    ActionsSuppressorWaitPeriod,
    ActionsSuppressorExtensionPeriod,
    ActionConfiguration,
  })
  const name = checkedAlarmName(input.AlarmName)
  const rule = input.AlarmRule ?? ''
  checkChildren(cloudWatch.alarms, name, rule)
  const description = checkedDescription(input.AlarmDescription)
  await configure(cloudWatch, {
    kind: 'CompositeAlarm',
    name,
    ...(description === undefined ? {} : { description }),
    actionsEnabled: input.ActionsEnabled ?? true,
    actions: {
      OK: checkedActions(input.OKActions, cloudWatch.o),
      ALARM: checkedActions(input.AlarmActions, cloudWatch.o),
      INSUFFICIENT_DATA: checkedActions(input.InsufficientDataActions, cloudWatch.o),
    },
    tags: checkedTags(input.Tags ?? []),
    rule,
  })
  return {}
}

/** @throws CloudWatchFault `ValidationException` */
function checkChildren(alarms: Alarms, name: string, rule: string): void {
  const seen = new Set<string>()
  const visit = (text: string) => {
    for (const named of alarmsIn(parseAlarmRule(text))) {
      const child = alarms.find(named)
      if (!child) throw notValid(`The rule names the alarm '${named}', which does not exist.`)
      if (child.name === name) throw notValid(`By this rule '${name}' would depend on itself.`)
      if (child.kind !== 'CompositeAlarm' || seen.has(child.name)) continue
      seen.add(child.name)
      visit(child.rule)
    }
  }
  visit(rule)
}
