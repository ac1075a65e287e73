import type { DBSnapshot } from '@aws-sdk/client-rds'

/** A DB snapshot in our words. */
export interface DbSnapshot {
  readonly identifier: string
  readonly arn: string
  readonly instance: string
  readonly kind: 'automated' | 'manual' | string
  readonly status: string
  readonly percentProgress: number
  readonly createdAt: Date | undefined
  readonly engineVersion: string | undefined
  readonly isEncrypted: boolean
  /** ARN of the snapshot that it is a copy of. */
  readonly copyOf: string | undefined
}

/** RDS's answer in our words. */
export function readSnapshot(wire: DBSnapshot): DbSnapshot {
  return {
    identifier: wire.DBSnapshotIdentifier ?? '',
    arn: wire.DBSnapshotArn ?? '',
    instance: wire.DBInstanceIdentifier ?? '',
    kind: wire.SnapshotType ?? 'manual',
    status: wire.Status ?? 'unknown',
    percentProgress: wire.PercentProgress ?? 0,
    createdAt: wire.SnapshotCreateTime,
    engineVersion: wire.EngineVersion,
    isEncrypted: wire.Encrypted ?? false,
    copyOf: wire.SourceDBSnapshotIdentifier,
  }
}
