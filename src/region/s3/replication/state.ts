import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import { attributesOfVersion } from '../object-attributes.ts'
import { type FailureReason, REASON_HEADER } from './failure-reason.ts'

/** How far a version has come on its way to other buckets; or that it has come from one. */
export interface ReplicationState {
  /** As S3 tells it: a failure to any destination is one, and it is complete when all destinations have it. */
  readonly status: 'PENDING' | 'COMPLETED' | 'FAILED' | 'REPLICA'
  /** By the name of the destination bucket. */
  readonly destinations?: Readonly<Record<string, DestinationState>>
}

export interface DestinationState {
  readonly status: 'PENDING' | 'COMPLETED' | 'FAILED'
  readonly ruleId: string
  /** How many entries of the queue are still to be delivered for it. */
  readonly pending: number
  readonly failureReason?: FailureReason
}

/** Undefined for a version that no rule was for. */
export function replicationOf(version: ObjectVersion): ReplicationState | undefined {
  return attributesOfVersion(version).replication
}

/** How GetObject and HeadObject tell it. */
export function replicationMembers(version: ObjectVersion): object {
  const state = replicationOf(version)
  return state ? { ReplicationStatus: state.status } : {}
}

// Unlike AWS: a header tells the reason; there, only event notifications and the reports of batch jobs do.
export function failureHeaders(version: ObjectVersion): Record<string, string> {
  const destinations = Object.values(replicationOf(version)?.destinations ?? {})
  const reason = destinations.find(({ failureReason }) => failureReason)?.failureReason
  return reason === undefined ? {} : { [REASON_HEADER]: reason }
}

/** After further entries were queued. */
export function withQueued(
  before: ReplicationState | undefined,
  queued: readonly { readonly destination: string; readonly ruleId: string }[],
): ReplicationState {
  const destinations = { ...before?.destinations }
  for (const { destination, ruleId } of queued) {
    const pending = (destinations[destination]?.pending ?? 0) + 1
    destinations[destination] = { status: 'PENDING', ruleId, pending }
  }
  return stateOf(before, destinations)
}

/** After one entry was delivered, or failed. The last outcome counts: it was about all of the version. */
export function withOutcome(
  before: ReplicationState | undefined,
  { destination, ruleId }: { destination: string; ruleId: string },
  failureReason: FailureReason | undefined,
): ReplicationState {
  const pending = Math.max(0, (before?.destinations?.[destination]?.pending ?? 1) - 1)
  const status = failureReason ? 'FAILED' : pending > 0 ? 'PENDING' : 'COMPLETED'
  const after = { status, ruleId, pending, ...(failureReason ? { failureReason } : {}) } as const
  return stateOf(before, { ...before?.destinations, [destination]: after })
}

function stateOf(
  before: ReplicationState | undefined,
  destinations: Readonly<Record<string, DestinationState>>,
): ReplicationState {
  if (before?.status === 'REPLICA') return { status: 'REPLICA', destinations }
  const statuses = Object.values(destinations).map(({ status }) => status)
  const worst = (['FAILED', 'PENDING'] as const).find((status) => statuses.includes(status))
  return { status: worst ?? 'COMPLETED', destinations }
}
