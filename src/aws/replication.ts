import type { ReplicationConfiguration, ReplicationRule } from '@aws-sdk/client-s3'

/** How a bucket is replicated. */
export interface Replication {
  /** An ARN. */
  readonly role: string
  readonly rules: readonly {
    readonly id: string
    readonly isEnabled: boolean
    readonly destinationBucket: string
    /** Undefined: every key; where a rule has other filters too, not all of those that begin so. */
    readonly prefix: string | undefined
    readonly hasOtherFilters: boolean
    readonly replicatesDeleteMarkers: boolean
    /** Whether its figures are in CloudWatch. */
    readonly hasMetrics: boolean
  }[]
}

export function replicationFrom({
  Role = '',
  Rules = [],
}: Partial<ReplicationConfiguration>): Replication {
  return { role: Role, rules: Rules.map(ruleOf) }
}

/**
 * The same with the rules that lead to a bucket turned on or off.
 *
 * @param o.only  the ids of those that it is about; undefined: all
 */
export function switched(
  { Role, Rules = [] }: Partial<ReplicationConfiguration> = {},
  o: { destination: string; isEnabled: boolean; only: readonly string[] | undefined },
): { readonly changed: ReplicationConfiguration; readonly count: number } {
  const isMeant = (rule: ReplicationRule) => {
    const { id, destinationBucket } = ruleOf(rule)
    return destinationBucket === o.destination && (o.only?.includes(id) ?? true)
  }
  const Status = o.isEnabled ? 'Enabled' : 'Disabled'
  const changed = Rules.map((rule) => (isMeant(rule) ? { ...rule, Status } : rule))
  return {
    changed: { Role, Rules: changed as ReplicationRule[] },
    count: Rules.filter(isMeant).length,
  }
}

function ruleOf(rule: ReplicationRule): Replication['rules'][number] {
  const { Filter, Prefix, Destination, DeleteMarkerReplication } = rule
  // Rules of the older form have no filter, and replicate the delete markers that users make.
  const isOlderForm = Filter === undefined
  const prefix = isOlderForm ? Prefix : (Filter.Prefix ?? Filter.And?.Prefix)
  return {
    id: rule.ID ?? '',
    isEnabled: rule.Status === 'Enabled',
    destinationBucket: (Destination?.Bucket ?? '').replace(/^arn:[^:]*:s3:::/, ''),
    prefix: prefix || undefined,
    hasOtherFilters: !!(Filter?.Tag || Filter?.And?.Tags?.length),
    replicatesDeleteMarkers: isOlderForm || DeleteMarkerReplication?.Status === 'Enabled',
    hasMetrics: Destination?.Metrics?.Status === 'Enabled',
  }
}
