import type { Bucket } from '../../objectstore/bucket.ts'
import type { ReplicationConfiguration, ReplicationRule } from '../protocol/models/s3.ts'
import type { Caller } from '../protocol/service.ts'
import { malformedXml } from '../protocol/xml-reader.ts'
import { S3Fault } from './faults.ts'
import { REPLICATION_SERVICE } from './replication/receive-replica.ts'
import type { S3 } from './s3.ts'

/** Source: S3 API Reference, PutBucketReplication. */
const MAX_RULES = 1000

/**
 * Checks a replication configuration, of the first form (`Prefix`) or the second (`Filter`), and names the rules
 * that have no name.
 *
 * @throws S3Fault `InvalidRequest`, `InvalidArgument`; Fault `MalformedXML`, `AccessDenied` for who may not pass the role
 */
export function checkReplication(
  s3: S3,
  bucket: Bucket,
  configuration: ReplicationConfiguration,
  caller: Caller,
): ReplicationConfiguration {
  if (bucket.versioning !== 'enabled') {
    throw new S3Fault(
      'InvalidRequest',
      "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    )
  }
  const rules = configuration.Rules ?? []
  if (rules.length === 0 || rules.length > MAX_RULES) throw malformedXml()
  if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/.test(configuration.Role ?? '')) {
    throw new S3Fault('InvalidArgument', 'Invalid Amazon Resource Name (ARN)', {
      elements: { ArgumentName: 'Role', ArgumentValue: configuration.Role ?? '' },
    })
  }
  for (const rule of rules) checkRule(s3, bucket, rule)
  checkTogether(rules)
  s3.o.authorize(caller, {
    action: 'iam:PassRole',
    resource: configuration.Role ?? '',
    context: { 'iam:PassedToService': REPLICATION_SERVICE },
  })
  return {
    ...configuration,
    Rules: rules.map((rule) => (rule.ID ? rule : { ...rule, ID: s3.o.random.hex(48) })),
  }
}

function checkRule(s3: S3, bucket: Bucket, rule: ReplicationRule): void {
  if (rule.Status !== 'Enabled' && rule.Status !== 'Disabled') throw malformedXml()
  if ((rule.ID?.length ?? 0) > 255) {
    throw new S3Fault('InvalidArgument', 'The maximum length of a rule ID is 255.')
  }
  const [, name] =
    /^arn:aws[a-z-]*:s3:::([a-z0-9.-]{3,63})$/.exec(rule.Destination?.Bucket ?? '') ?? []
  if (name === undefined) throw new S3Fault('InvalidArgument', 'Invalid bucket ARN.')
  if (name === bucket.name) {
    throw new S3Fault(
      'InvalidRequest',
      'Destination bucket cannot be the same as the source bucket.',
    )
  }
  const destination = s3.directory.find(name)
  if (!destination) throw new S3Fault('InvalidRequest', 'Destination bucket must exist.')
  if (destination.versioning !== 'enabled') {
    throw new S3Fault('InvalidRequest', 'Destination bucket must have versioning enabled.')
  }
  if (rule.Filter && rule.Prefix !== undefined) throw malformedXml()
  if (!rule.Filter) return
  checkMarkers(rule)
  if (rule.Priority === undefined || !rule.DeleteMarkerReplication) {
    const missing = rule.Priority === undefined ? 'Priority' : 'DeleteMarkerReplication'
    throw new S3Fault(
      'InvalidRequest',
      `${missing} must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.`,
    )
  }
}

/** Source: S3 API Reference, DeleteMarkerReplication. */
function checkMarkers({ Filter, DeleteMarkerReplication }: ReplicationRule): void {
  const hasTags = Filter?.Tag !== undefined || (Filter?.And?.Tags ?? []).length > 0
  if (!hasTags || DeleteMarkerReplication?.Status !== 'Enabled') return
  throw new S3Fault(
    'InvalidRequest',
    'Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.',
  )
}

function checkTogether(rules: readonly ReplicationRule[]): void {
  const ids = rules.flatMap(({ ID }) => (ID ? [ID] : []))
  if (new Set(ids).size !== ids.length) {
    throw new S3Fault(
      'InvalidArgument',
      'RuleId must be unique. Found same ID for more than one rule.',
    )
  }
  const hasFilter = rules.filter(({ Filter }) => Filter !== undefined).length
  if (hasFilter !== 0 && hasFilter !== rules.length) throw malformedXml()
  const priorities = rules.flatMap(({ Priority }) => (Priority === undefined ? [] : [Priority]))
  if (new Set(priorities).size !== priorities.length) {
    throw new S3Fault('InvalidRequest', 'Found duplicate priority. Priority must be unique.')
  }
}
