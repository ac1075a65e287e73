import { type AccessRequest, tagContext } from '../protocol/authorization.ts'
import type { Alarms } from './alarms/alarms.ts'

/** What the inputs of CloudWatch's actions name. */
interface Named {
  readonly AlarmName?: string
  readonly AlarmNames?: readonly string[]
  readonly ResourceARN?: string
  readonly Namespace?: string
  readonly Tags?: readonly unknown[]
  readonly AlarmActions?: readonly string[]
}

const ABOUT_ALARMS =
  /^(Put(Metric|Composite)Alarm|DeleteAlarms|Describe(Alarms|AlarmHistory)|SetAlarmState|(En|Dis)ableAlarmActions|(ListTagsFor|Tag|Untag)Resource)$/

/**
 * What an action is about: the alarms that it names, or all; for metrics there are no resources. To give tags to a new
 * alarm is a right of its own.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch".
 */
export function cloudWatchAccesses(
  alarms: Alarms,
  operation: string,
  input: Named,
): AccessRequest[] {
  const action = `cloudwatch:${operation}`
  if (!ABOUT_ALARMS.test(operation)) {
    const { Namespace } = input
    const isNamed = operation === 'PutMetricData' && Namespace !== undefined
    const context = isNamed ? { context: { 'cloudwatch:namespace': Namespace } } : {}
    return [{ action, resource: '*', ...context }]
  }
  const { AlarmName, AlarmNames = [], ResourceARN, Tags = [] } = input
  const names = [...(AlarmName === undefined ? [] : [AlarmName]), ...AlarmNames]
  const arns = ResourceARN === undefined ? names.map((name) => alarms.arn(name)) : [ResourceARN]
  const accesses = (arns.length > 0 ? arns : [alarms.arn('*')]).map((resource) => ({
    action,
    resource,
    context: {
      ...tagContext('aws:ResourceTag', alarms.find(resource)?.tags ?? []),
      ...(input.AlarmActions ? { 'cloudwatch:AlarmActions': input.AlarmActions } : {}),
    },
  }))
  const isTagged = /^Put/.test(operation) && Tags.length > 0
  const tagging = accesses.map((access) => ({ ...access, action: 'cloudwatch:TagResource' }))
  return [...accesses, ...(isTagged ? tagging : [])]
}
