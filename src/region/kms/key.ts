/** A KMS key as it is stored: everything is JSON, its material is sealed. */
export interface KeyRecord {
  /** A UUID. */
  readonly id: string
  readonly arn: string
  /** `AWS`: made by the region for a service, when the service first needed it. */
  readonly manager: 'CUSTOMER' | 'AWS'
  readonly description: string
  readonly isEnabled: boolean
  readonly policy: string
  readonly tags: readonly Tag[]
  /** ISO 8601. */
  readonly createdAt: string
  /** While a deletion is scheduled. */
  readonly deletionAt?: string
  /** 32 bytes; see `SealingKey`. */
  readonly sealedMaterial: string
}

export interface Tag {
  readonly TagKey: string
  readonly TagValue: string
}

/** Another name of a key. */
export interface AliasRecord {
  /** As `alias/shop`. */
  readonly name: string
  readonly keyId: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly changedAt: string
}

/** Source: KMS Developer Guide, "Key states of AWS KMS keys". */
export function stateOf({
  isEnabled,
  deletionAt,
}: KeyRecord): 'Enabled' | 'Disabled' | 'PendingDeletion' {
  if (deletionAt !== undefined) return 'PendingDeletion'
  return isEnabled ? 'Enabled' : 'Disabled'
}
