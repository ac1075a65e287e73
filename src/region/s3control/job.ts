import type { JobReport, JobStatus } from '../protocol/models/s3-control.ts'

/** A job of S3 Batch Operations as it is kept. Times are milliseconds since 1970. */
export interface Job {
  readonly id: string
  readonly clientRequestToken: string
  readonly description: string | undefined
  readonly priority: number
  readonly roleArn: string
  readonly sourceBucket: string
  readonly filter: JobFilter
  readonly report: JobReport
  readonly isConfirmed: boolean
  readonly confirmationRequired: boolean
  readonly status: JobStatus
  readonly statusUpdateReason?: string | undefined
  readonly createdAtMs: number
  readonly activeAtMs?: number
  readonly suspendedAtMs?: number
  readonly endedAtMs?: number
  /** Known once the manifest is written. */
  readonly total: number
  /** Tasks of the manifest that have ended, always its first ones. */
  readonly succeeded: number
  readonly failed: number
  readonly failures: readonly { readonly FailureCode: string; readonly FailureReason: string }[]
}

/** Which versions a job is about. An absent member asks for nothing. */
export interface JobFilter {
  readonly eligible?: boolean | undefined
  readonly createdAfterMs?: number | undefined
  readonly createdBeforeMs?: number | undefined
  /** Of COMPLETED, FAILED, REPLICA, NONE. */
  readonly statuses?: readonly string[] | undefined
  readonly prefixes?: readonly string[] | undefined
  readonly suffixes?: readonly string[] | undefined
  readonly substrings?: readonly string[] | undefined
}

/** A version of which a job takes care, and its replication status when the manifest was written. */
export type Task = readonly [key: string, versionId: string, status: string]

/** What a version says of itself to a filter. */
export interface Listed {
  readonly key: string
  readonly versionId: string
  readonly modifiedAt: Date
  /** `NONE` for a version that was never queued. */
  readonly status: string
  /** Whether a rule is for it now. */
  readonly isEligible: boolean
}

export function matches(filter: JobFilter, version: Listed): boolean {
  const { eligible, createdAfterMs, createdBeforeMs, statuses } = filter
  const madeAtMs = version.modifiedAt.getTime()
  return (
    (eligible === undefined || version.isEligible === eligible) &&
    (createdAfterMs === undefined || madeAtMs > createdAfterMs) &&
    (createdBeforeMs === undefined || madeAtMs < createdBeforeMs) &&
    (statuses === undefined || statuses.includes(version.status)) &&
    matchesAny(filter.prefixes, (part) => version.key.startsWith(part)) &&
    matchesAny(filter.suffixes, (part) => version.key.endsWith(part)) &&
    matchesAny(filter.substrings, (part) => version.key.includes(part))
  )
}

function matchesAny(parts: readonly string[] | undefined, is: (part: string) => boolean): boolean {
  return parts === undefined || parts.some(is)
}

const ENDED: ReadonlySet<string> = new Set(['Complete', 'Failed', 'Cancelled'])

export function isEnded({ status }: Job): boolean {
  return ENDED.has(status)
}
