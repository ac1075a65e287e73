import type { Name } from '../../dns/name.ts'
import type { RecordType } from '../../dns/rdata.ts'
import type { HealthCheckConfig, Tag } from '../protocol/models/route-53.ts'

/** A hosted zone. */
export interface ZoneRecord {
  /** As `Z0123456789ABCDEFGHIJ`. */
  readonly id: string
  readonly name: Name
  readonly callerReference: string
  readonly comment?: string
  readonly createdAtMs: number
  /** How many sets of records it has. */
  readonly setCount: number
}

/** A set of records: what `ResourceRecordSet` is in the API, as far as an embedded home has it. */
export interface SetRecord {
  readonly name: Name
  readonly type: RecordType
  readonly setIdentifier?: string
  readonly weight?: number
  readonly failover?: 'PRIMARY' | 'SECONDARY'
  readonly isMultiValue?: true
  readonly healthCheckId?: string
  /** With values; in seconds. */
  readonly ttl?: number
  /** As they were given. */
  readonly values?: readonly string[]
  /** In place of a TTL and values: another name of the zone. */
  readonly alias?: { readonly name: Name; readonly evaluatesTargetHealth: boolean }
}

/** A change that the data plane takes over: of records, of a zone or of a health check. */
export interface ChangeRecord {
  /** As `C0123456789ABCDEFGHIJ`. */
  readonly id: string
  /** Changes are counted from 1, without gaps. */
  readonly sequence: number
  readonly submittedAtMs: number
  readonly comment?: string
  readonly subject: ChangeSubject
}

export type ChangeSubject =
  | { readonly zoneId: string; readonly names: readonly Name[] }
  | { readonly zoneId: string; readonly isWhole: true }
  | { readonly checkId: string }

export interface CheckRecord {
  readonly id: string
  readonly callerReference: string
  readonly version: number
  readonly config: HealthCheckConfig
}

/** What a caller reference was used for; it stays when that is deleted. */
export interface ReferenceRecord {
  readonly id: string
  /** The settings of a health check, as they were asked for. */
  readonly asked?: string
}

export type TagsRecord = readonly Required<Pick<Tag, 'Key' | 'Value'>>[]
export type TaggedKind = 'hostedzone' | 'healthcheck'
