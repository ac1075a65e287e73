import type { InstanceStatus } from './instance-status.ts'
import type { Replica, ReplicaSource } from './replication/replica.ts'
import type { Encryption } from './storage-keys.ts'
import type { Tag } from './tags.ts'
import type { BackupReplica } from './transfer/backup-source.ts'

/** A DB instance as it is stored: everything is JSON, times are ISO 8601, passwords and keys are sealed. */
export interface InstanceRecord {
  /** In lower case; may change. */
  readonly identifier: string
  /** `db-…`; never changes and is never given again. Names the instance's folders. */
  readonly resourceId: string
  /** `ab-…`: the name of its automated backups. */
  readonly automatedBackupsName: string
  readonly status: InstanceStatus
  readonly origin: Origin
  readonly major: number
  readonly engineVersion: string
  readonly masterUsername: string
  readonly databaseName?: string
  /** Absent when backups are not encrypted. */
  readonly encryption?: Encryption
  /** Of `rdsadmin`, the real superuser. */
  readonly sealedSuperuserPassword: string
  /** Of `rdsrepladmin`, as which replicas log in; once there was one. */
  readonly sealedReplicationPassword?: string
  /** Of the master user, until it has been given to the server. */
  readonly sealedMasterPassword?: string
  /** When it was asked for. */
  readonly acceptedAt: string
  /** When it first accepted connections. */
  readonly createdAt?: string
  /** Chosen at the first start when none was asked for. */
  readonly port?: number
  readonly settings: InstanceSettings
  /** Modifications that wait for the maintenance window. */
  readonly pending: PendingSettings
  /** Modifications that are being carried out: all of it can be done again. */
  readonly applying?: PendingSettings & { readonly sealedMasterPassword?: string }
  /** The parameters of its group as they were when the server last read them. */
  readonly appliedParameters: Readonly<Record<string, string>>
  /** What a server that replays this one's WAL must have at least. */
  readonly recoveryMinimums: Readonly<Record<string, number>>
  /** Beginnings of the windows that were used last. */
  readonly usedBackupWindow?: string
  readonly usedMaintenanceWindow?: string
  readonly stoppedAt?: string
  /** Since when its KMS key cannot be used. */
  readonly keyLostAt?: string
  readonly deletion?: Deletion
  /** Of a read replica. */
  readonly replicaOf?: ReplicaSource
  /** A promotion that is being carried out: all of it can be done again. */
  readonly promotion?: Pick<InstanceSettings, 'backupRetentionDays' | 'backupWindow'>
  /** Resource id of the instance that it followed, and still heard of when it was promoted: it did not take its place. */
  readonly leftSource?: string
  /** Read replicas of this instance, in any region. */
  readonly replicas?: readonly Replica[]
  /** Slot of the replica that was promoted while this instance, whose commits had to reach it, was away. */
  readonly successor?: string
  /** Its automated backups in other regions. */
  readonly backupReplicas?: readonly BackupReplica[]
  readonly tags: readonly Tag[]
}

/** Where the data comes from. A half-made instance is made again from it. */
export type Origin =
  | { readonly kind: 'new' }
  /** `source` is a resource id: the instance may be gone, its backups retained. */
  | { readonly kind: 'point in time'; readonly source: string; readonly time: string }
  | { readonly kind: 'snapshot'; readonly snapshot: string }
  | { readonly kind: 'replica' }

export interface InstanceSettings {
  readonly instanceClass: string
  readonly allocatedStorageGiB: number
  readonly storageType: string
  readonly iops?: number
  readonly storageThroughput?: number
  readonly maxAllocatedStorageGiB?: number
  /** 0 turns automated backups off. */
  readonly backupRetentionDays: number
  readonly backupWindow: string
  readonly maintenanceWindow: string
  readonly parameterGroup: string
  readonly subnetGroup: string
  readonly securityGroups: readonly string[]
  readonly availabilityZone: string
  readonly autoMinorVersionUpgrade: boolean
  readonly copyTagsToSnapshot: boolean
  readonly deletionProtection: boolean
  readonly publiclyAccessible: boolean
  readonly certificateAuthority: string
  /** A label: nothing here comes to the end of its support. */
  readonly engineLifecycleSupport: string
}

/** What a modification can change later than at once. */
export interface PendingSettings {
  readonly identifier?: string
  readonly instanceClass?: string
  readonly allocatedStorageGiB?: number
  readonly storageType?: string
  readonly iops?: number
  readonly storageThroughput?: number
  readonly backupRetentionDays?: number
  readonly certificateAuthority?: string
  readonly port?: number
}

export interface Deletion {
  readonly finalSnapshot?: string
  readonly keepsAutomatedBackups: boolean
}

/** What is known of an instance after it is gone, and enough to make another from its data. */
export type InstanceFacts = Pick<
  InstanceRecord,
  | 'identifier'
  | 'resourceId'
  | 'automatedBackupsName'
  | 'acceptedAt'
  | 'createdAt'
  | 'port'
  | 'major'
  | 'engineVersion'
  | 'masterUsername'
  | 'databaseName'
  | 'encryption'
  | 'sealedSuperuserPassword'
  | 'settings'
  | 'recoveryMinimums'
  | 'tags'
>

export function factsOf(record: InstanceRecord): InstanceFacts {
  const { identifier, resourceId, automatedBackupsName, acceptedAt, createdAt, port, major } =
    record
  const { engineVersion, masterUsername, databaseName, encryption } = record
  const { sealedSuperuserPassword, settings, recoveryMinimums, tags } = record
  return {
    identifier,
    resourceId,
    automatedBackupsName,
    acceptedAt,
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(port === undefined ? {} : { port }),
    major,
    engineVersion,
    masterUsername,
    ...(databaseName === undefined ? {} : { databaseName }),
    ...(encryption === undefined ? {} : { encryption }),
    sealedSuperuserPassword,
    settings,
    recoveryMinimums,
    tags,
  }
}
