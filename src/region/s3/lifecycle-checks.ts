import type {
  LifecycleRule,
  LifecycleRuleFilter,
  NoncurrentVersionTransition,
  Transition,
} from '../protocol/models/s3.ts'
import { malformedXml } from '../protocol/xml-reader.ts'
import { S3Fault } from './faults.ts'
import { DAY_MS } from './lifecycle/rules.ts'
import { checkedTags } from './tags.ts'

/** Source: S3 API Reference, PutBucketLifecycleConfiguration. */
const MAX_RULES = 1000
const MAX_ID_LENGTH = 255
const MAX_NEWER_VERSIONS = 100
const CLASSES = [
  'GLACIER',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
]

/**
 * Checks the rules of a lifecycle, and names those that have no name.
 *
 * @throws S3Fault `InvalidArgument`, `InvalidRequest`; Fault `MalformedXML`
 */
export function checkLifecycle(
  rules: readonly LifecycleRule[],
  newId: () => string,
): LifecycleRule[] {
  if (rules.length === 0 || rules.length > MAX_RULES) throw malformedXml()
  for (const rule of rules) checkRule(rule)
  const named = rules.map((rule) => (rule.ID ? rule : { ...rule, ID: newId() }))
  if (new Set(named.map(({ ID }) => ID)).size !== named.length) {
    throw invalidArgument('Rule ID must be unique. Found same ID for more than one rule')
  }
  return named
}

function checkRule(rule: LifecycleRule): void {
  if (rule.Status !== 'Enabled' && rule.Status !== 'Disabled') throw malformedXml()
  if ((rule.ID?.length ?? 0) > MAX_ID_LENGTH) {
    throw invalidArgument(`ID length should not exceed allowed limit of ${MAX_ID_LENGTH}`)
  }
  // One of the two forms, with an empty prefix or filter for all objects.
  if ((rule.Prefix === undefined) === (rule.Filter === undefined)) throw malformedXml()
  if (rule.Filter) checkFilter(rule.Filter)
  checkActions(rule)
  checkExpiration(rule)
  checkTransitions(rule)
  checkNoncurrent(rule)
  checkAbort(rule)
}

function checkFilter(filter: LifecycleRuleFilter): void {
  const { And: and } = filter
  if (Object.keys(filter).length > 1) throw malformedXml()
  if (and) {
    const predicates = [and.Prefix, and.ObjectSizeGreaterThan, and.ObjectSizeLessThan]
    const count = predicates.filter((predicate) => predicate !== undefined).length
    if (count + (and.Tags?.length ?? 0) < 2) throw malformedXml()
  }
  checkedTags(tagsOf(filter), 'object')
  const above = and?.ObjectSizeGreaterThan ?? filter.ObjectSizeGreaterThan
  const below = and?.ObjectSizeLessThan ?? filter.ObjectSizeLessThan
  for (const size of [above, below]) {
    if (size !== undefined && !(Number.isInteger(size) && size >= 0)) {
      throw invalidArgument('A size in a filter must be a whole number of bytes')
    }
  }
  if (above !== undefined && below !== undefined && below <= above) {
    throw invalidRequest(
      "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'",
    )
  }
}

function checkActions({
  Expiration,
  Transitions = [],
  NoncurrentVersionTransitions = [],
  ...rule
}: LifecycleRule): void {
  const single = [Expiration, rule.NoncurrentVersionExpiration, rule.AbortIncompleteMultipartUpload]
  const count = Transitions.length + NoncurrentVersionTransitions.length
  if (count > 0 || single.some((action) => action !== undefined)) return
  throw invalidRequest('At least one action needs to be specified in a rule')
}

function checkExpiration({ Expiration, Filter }: LifecycleRule): void {
  if (!Expiration) return
  const { Days, Date: date, ExpiredObjectDeleteMarker } = Expiration
  const given = [Days, date, ExpiredObjectDeleteMarker].filter((value) => value !== undefined)
  if (given.length !== 1) throw malformedXml()
  if (Days !== undefined) checkDays(Days, "'Days' for Expiration action")
  if (date) checkMidnight(date)
  if (ExpiredObjectDeleteMarker !== undefined && tagsOf(Filter).length > 0) {
    throw invalidRequest('ExpiredObjectDeleteMarker cannot be specified with Tags')
  }
}

function checkTransitions({ Transitions = [], Expiration, ...rule }: LifecycleRule): void {
  checkClasses(Transitions)
  for (const { Days, Date: date, StorageClass } of Transitions) {
    if ((Days === undefined) === (date === undefined)) throw malformedXml()
    if (date) checkMidnight(date)
    if (Days !== undefined && !(Number.isInteger(Days) && Days >= 0)) {
      throw invalidArgument("'Days' in Transition action must be nonnegative")
    }
    if (StorageClass?.endsWith('_IA') && Days !== undefined && Days < 30) {
      throw invalidArgument(
        `'Days' in Transition action must be greater than or equal to 30 for storageClass '${StorageClass}'`,
      )
    }
    const isMixed =
      (Expiration?.Days !== undefined && date) || (Expiration?.Date && Days !== undefined)
    if (isMixed) {
      throw invalidRequest(
        "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule",
      )
    }
    const isLate =
      (Days !== undefined && Expiration?.Days !== undefined && Expiration.Days <= Days) ||
      (date && Expiration?.Date && Expiration.Date <= date)
    if (isLate) {
      const kind = date ? 'Date' : 'Days'
      const prefix = rule.Filter?.And?.Prefix ?? rule.Filter?.Prefix ?? rule.Prefix ?? ''
      throw invalidArgument(
        `'${kind}' in the Expiration action for filter '(prefix=${prefix})' must be greater than '${kind}' in the Transition action`,
      )
    }
  }
}

function checkNoncurrent(rule: LifecycleRule): void {
  const { NoncurrentVersionExpiration: expiration, NoncurrentVersionTransitions = [] } = rule
  checkClasses(NoncurrentVersionTransitions)
  for (const { NoncurrentDays, NewerNoncurrentVersions } of NoncurrentVersionTransitions) {
    if (NoncurrentDays === undefined) throw malformedXml()
    if (!(Number.isInteger(NoncurrentDays) && NoncurrentDays >= 0)) {
      throw invalidArgument(
        "'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative",
      )
    }
    checkNewerVersions(NewerNoncurrentVersions, rule, 'NoncurrentVersionTransition')
  }
  if (!expiration) return
  if (expiration.NoncurrentDays === undefined) throw malformedXml()
  const action = 'NoncurrentVersionExpiration'
  checkDays(expiration.NoncurrentDays, `'NoncurrentDays' for ${action} action`)
  checkNewerVersions(expiration.NewerNoncurrentVersions, rule, action)
}

function checkNewerVersions(
  count: number | undefined,
  { Filter }: LifecycleRule,
  action: string,
): void {
  if (count === undefined) return
  if (!(Number.isInteger(count) && count >= 1 && count <= MAX_NEWER_VERSIONS)) {
    throw invalidArgument(
      `'NewerNoncurrentVersions' for ${action} action must be an integer from 1 to ${MAX_NEWER_VERSIONS}`,
    )
  }
  if (!Filter) {
    throw invalidRequest(`'NewerNoncurrentVersions' in ${action} action needs a rule with a Filter`)
  }
}

function checkAbort({ AbortIncompleteMultipartUpload: abort, Filter }: LifecycleRule): void {
  if (!abort) return
  if (abort.DaysAfterInitiation === undefined) throw malformedXml()
  const action = 'AbortIncompleteMultipartUpload'
  checkDays(abort.DaysAfterInitiation, `'DaysAfterInitiation' for ${action} action`)
  if (tagsOf(Filter).length > 0) throw invalidRequest(`${action} cannot be specified with Tags`)
  const { And } = Filter ?? {}
  const sizes = [
    Filter?.ObjectSizeGreaterThan,
    Filter?.ObjectSizeLessThan,
    And?.ObjectSizeGreaterThan,
    And?.ObjectSizeLessThan,
  ]
  if (sizes.some((size) => size !== undefined)) {
    throw invalidRequest(`${action} cannot be specified with Object Size`)
  }
}

function checkClasses(
  transitions: readonly Pick<Transition | NoncurrentVersionTransition, 'StorageClass'>[],
): void {
  const classes = transitions.map(({ StorageClass }) => StorageClass ?? '')
  if (classes.some((name) => !CLASSES.includes(name))) throw malformedXml()
  if (new Set(classes).size === classes.length) return
  throw invalidRequest("'StorageClass' must be different for 'Transition' actions in same 'Rule'")
}

function checkDays(days: number, what: string): void {
  if (Number.isInteger(days) && days > 0 && days <= 2 ** 31 - 1) return
  throw invalidArgument(`${what} must be a positive integer`)
}

function checkMidnight(date: Date): void {
  if (date.getTime() % DAY_MS !== 0) throw invalidArgument("'Date' must be at midnight GMT")
}

function tagsOf(filter: LifecycleRuleFilter | undefined) {
  const tags = filter?.And?.Tags ?? (filter?.Tag ? [filter.Tag] : [])
  return tags.map(({ Key, Value }) => ({ Key, Value }))
}

function invalidArgument(message: string): S3Fault {
  return new S3Fault('InvalidArgument', message)
}

function invalidRequest(message: string): S3Fault {
  return new S3Fault('InvalidRequest', message)
}
