import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type { ReplicationConfiguration, ReplicationRule } from '../../protocol/models/s3.ts'
import { attributesOfVersion } from '../object-attributes.ts'

/** One destination that a version is to be copied to. */
export interface Target {
  /** The bucket's name. */
  readonly destination: string
  readonly ruleId: string
  /** In place of the version's own. */
  readonly storageClass: string | undefined
}

/** What rules look at. */
export interface Candidate {
  readonly key: string
  readonly tags: Readonly<Record<string, string>>
  readonly isDeleteMarker: boolean
  /** Whether it is encrypted with a key of KMS. */
  readonly hasKmsKey: boolean
  /** Whether only a customer has the key that it is encrypted with. */
  readonly hasCustomerKey: boolean
}

export function candidateOf(version: ObjectVersion): Candidate {
  const { key, tags, isDeleteMarker } = version
  const { encryption, customerKey } = attributesOfVersion(version)
  const hasKmsKey = encryption !== undefined
  const hasCustomerKey = customerKey !== undefined
  return { key, tags, isDeleteMarker, hasKmsKey, hasCustomerKey }
}

/**
 * Where a version goes: for each destination by the enabled rule of the highest priority.
 *
 * Delete markers go by a rule of the first form (`Prefix`) or, of the second form (`Filter`), by one that says so.
 *
 * Source: S3 User Guide, "Replication configuration file elements".
 */
export function targetsOf(
  configuration: ReplicationConfiguration | undefined,
  candidate: Candidate,
): Target[] {
  const matching = (configuration?.Rules ?? [])
    .filter((rule) => rule.Status === 'Enabled' && matches(rule, candidate))
    .sort((a, b) => (b.Priority ?? 0) - (a.Priority ?? 0))
  const ruleByDestination = new Map<string, ReplicationRule>()
  for (const rule of matching) {
    const destination = bucketNameIn(rule.Destination?.Bucket)
    if (!ruleByDestination.has(destination)) ruleByDestination.set(destination, rule)
  }
  return [...ruleByDestination].flatMap(([destination, rule]) => {
    // A rule of a lower priority does not bring back what a higher one leaves out.
    if (!takes(rule, candidate)) return []
    return [{ destination, ruleId: rule.ID ?? '', storageClass: rule.Destination?.StorageClass }]
  })
}

/** The targets whose rules send changes of replicas back as well. */
export function modificationTargetsOf(
  configuration: ReplicationConfiguration | undefined,
  candidate: Candidate,
): Target[] {
  const Rules = (configuration?.Rules ?? []).filter(
    ({ SourceSelectionCriteria: criteria }) => criteria?.ReplicaModifications?.Status === 'Enabled',
  )
  return targetsOf({ Role: configuration?.Role, Rules }, candidate)
}

/** The rule by which an entry was queued, while it is enabled, or else one that has come in its place. */
export function targetFor(
  configuration: ReplicationConfiguration | undefined,
  { destination, ruleId }: { destination: string; ruleId: string },
  candidate: Candidate,
): Target | undefined {
  if (candidate.hasCustomerKey) return undefined
  const same = configuration?.Rules?.find(
    ({ ID, Status, Destination }) =>
      ID === ruleId && Status === 'Enabled' && bucketNameIn(Destination?.Bucket) === destination,
  )
  if (same) return { destination, ruleId, storageClass: same.Destination?.StorageClass }
  return targetsOf(configuration, candidate).find((target) => target.destination === destination)
}

export function bucketNameIn(arn: string | undefined): string {
  return /^arn:aws[a-z-]*:s3:::(.+)$/.exec(arn ?? '')?.[1] ?? ''
}

function matches({ Filter, Prefix }: ReplicationRule, { key, tags }: Candidate): boolean {
  const prefix = Filter ? (Filter.And?.Prefix ?? Filter.Prefix ?? '') : (Prefix ?? '')
  const wanted = Filter?.And?.Tags ?? (Filter?.Tag ? [Filter.Tag] : [])
  return key.startsWith(prefix) && wanted.every(({ Key = '', Value }) => tags[Key] === Value)
}

/** Unlike AWS: what is encrypted with a customer's key stays where it is. */
function takes(rule: ReplicationRule, candidate: Candidate): boolean {
  if (candidate.hasCustomerKey) return false
  if (candidate.isDeleteMarker) {
    const { Status = rule.Filter ? 'Disabled' : 'Enabled' } = rule.DeleteMarkerReplication ?? {}
    return Status === 'Enabled'
  }
  const kms = rule.SourceSelectionCriteria?.SseKmsEncryptedObjects
  return !candidate.hasKmsKey || kms?.Status === 'Enabled'
}
