import type { Received } from './blob-writer.ts'
import type { DigestName } from './digest.ts'
import type { Attributes, ObjectVersion, Retention } from './object-version.ts'

/** Holds when nothing is there, or when what is there has this entity tag. */
export interface Precondition {
  readonly ifNoneMatch?: '*'
  readonly ifMatch?: string
}

/** What goes into the outbox with a change; undefined for nothing. */
export type Tell = (version: ObjectVersion) => unknown

/** Looks at what was received before it becomes visible; what it returns is added to the attributes, and what it throws undoes all. */
export type BeforeCommit = (received: Received) => Attributes | undefined

export interface PutOptions {
  readonly attributes?: Attributes | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly retention?: Retention | undefined
  readonly hasLegalHold?: boolean | undefined
  readonly precondition?: Precondition | undefined
  readonly beforeCommit?: BeforeCommit | undefined
  readonly digests?: readonly DigestName[] | undefined
  /** Whether the bytes are encrypted where they lie. */
  readonly encrypt?: boolean | undefined
  /**
   * Another store's version: it keeps its id and its place among the others. One that is older than the newest does not come
   * in front of it.
   */
  readonly replicaOf?: { readonly versionId: string; readonly modifiedAt: Date } | undefined
  readonly outbox?: Tell | undefined
}

export interface DeleteOptions {
  /** This version for good; without it a delete marker is put in front, where there is versioning. */
  readonly versionId?: string | undefined
  readonly bypassGovernance?: boolean | undefined
  readonly precondition?: Precondition | undefined
  /** Of the delete marker. */
  readonly attributes?: Attributes | undefined
  /** A delete marker of another store. */
  readonly replicaOf?: PutOptions['replicaOf']
  readonly outbox?: Tell | undefined
}

export interface Change {
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Replaces those that are there. */
  readonly attributes?: Attributes | undefined
  readonly retention?: Retention | null | undefined
  readonly hasLegalHold?: boolean | undefined
  readonly bypassGovernance?: boolean | undefined
  readonly outbox?: Tell | undefined
}
