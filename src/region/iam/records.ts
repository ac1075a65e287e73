/** What the directory keeps. Everything is JSON; times are ISO 8601. */

export interface Tag {
  readonly Key: string
  readonly Value: string
}

/** What users and roles have in common. */
export interface IdentityRecord {
  readonly name: string
  /** Begins and ends with a slash. */
  readonly path: string
  readonly id: string
  readonly arn: string
  readonly createdAt: string
  readonly tags: readonly Tag[]
  readonly inline: readonly InlinePolicy[]
  /** ARNs of managed policies. */
  readonly attached: readonly string[]
}

export interface InlinePolicy {
  readonly name: string
  readonly document: string
}

export interface UserRecord extends IdentityRecord {}

export interface RoleRecord extends IdentityRecord {
  readonly trust: string
  readonly description?: string
  readonly maxSessionSeconds: number
}

export interface PolicyRecord {
  readonly name: string
  readonly path: string
  readonly id: string
  readonly arn: string
  readonly description?: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly tags: readonly Tag[]
  /** Newest first. */
  readonly versions: readonly PolicyVersionRecord[]
  readonly defaultVersionId: string
  readonly lastVersion: number
}

export interface PolicyVersionRecord {
  readonly id: string
  readonly document: string
  readonly createdAt: string
}

export interface AccessKeyRecord {
  readonly id: string
  readonly userName: string
  /** A user of the same name that was made later is another. */
  readonly userId: string
  readonly isActive: boolean
  readonly createdAt: string
  /** The secret; see `SealingKey`. */
  readonly sealed: string
}
