import type { DBInstance } from '@aws-sdk/client-rds'

/** A DB instance in our words; everything that AWS does not say is undefined. */
export interface DbInstance {
  readonly identifier: string
  readonly arn: string
  readonly resourceId: string
  readonly status: string
  readonly endpoint: { readonly host: string; readonly port: number } | undefined
  readonly engine: string
  readonly databaseName: string | undefined
  readonly masterUser: string | undefined
  readonly createdAt: Date | undefined
  readonly latestRestorableTime: Date | undefined
  readonly percentProgress: number | undefined
  /** A parameter group waits for a reboot before it applies. */
  readonly isRebootPending: boolean
  /** Changes that are asked for and not carried out yet, by AWS's name. */
  readonly pendingChanges: readonly string[]
  /** Of a read replica: its source, by identifier in the same region and by ARN elsewhere. */
  readonly replicaOf: string | undefined
  /** Its read replicas, named in the same way. */
  readonly replicas: readonly string[]
  /** Of a read replica: how it stands to its source, in AWS's words. */
  readonly replication:
    | { readonly status: string; readonly isNormal: boolean; readonly message: string | undefined }
    | undefined
  readonly attributes: InstanceAttributes
  readonly tags: Readonly<Record<string, string>>
}

/**
 * What makes one instance behave as another, besides its rows. A restore on AWS brings most of these
 * back as defaults. JSON, so that a step can record it.
 */
export type InstanceAttributes = {
  readonly engineVersion?: string
  readonly instanceClass?: string
  readonly parameterGroup?: string
  readonly optionGroup?: string
  readonly securityGroups?: readonly string[]
  readonly subnetGroup?: string
  readonly port?: number
  readonly backupRetentionDays?: number
  readonly backupWindow?: string
  readonly maintenanceWindow?: string
  readonly deletionProtection?: boolean
  readonly copyTagsToSnapshot?: boolean
  readonly storageType?: string
  readonly allocatedStorageGiB?: number
  readonly maxAllocatedStorageGiB?: number
  readonly iops?: number
  readonly storageThroughput?: number
  readonly storageEncrypted?: boolean
  readonly kmsKey?: string
  readonly multiAz?: boolean
  readonly publiclyAccessible?: boolean
  readonly iamAuthentication?: boolean
  readonly autoMinorVersionUpgrade?: boolean
  readonly monitoringIntervalSeconds?: number
  readonly monitoringRole?: string
  readonly performanceInsights?: boolean
  readonly databaseInsightsMode?: string
  readonly logExports?: readonly string[]
  readonly certificateAuthority?: string
  readonly networkType?: string
  readonly managedMasterSecret?: boolean
  readonly roles?: readonly string[]
}

/** RDS's answer in our words. */
export function readInstance(wire: DBInstance): DbInstance {
  const { Endpoint: endpoint } = wire
  return {
    identifier: wire.DBInstanceIdentifier ?? '',
    arn: wire.DBInstanceArn ?? '',
    resourceId: wire.DbiResourceId ?? '',
    status: wire.DBInstanceStatus ?? 'unknown',
    endpoint:
      endpoint?.Address && endpoint.Port
        ? { host: endpoint.Address, port: endpoint.Port }
        : undefined,
    engine: wire.Engine ?? 'unknown',
    databaseName: wire.DBName,
    masterUser: wire.MasterUsername,
    createdAt: wire.InstanceCreateTime,
    latestRestorableTime: wire.LatestRestorableTime,
    percentProgress: wire.PercentProgress ? Number(wire.PercentProgress) : undefined,
    isRebootPending: (wire.DBParameterGroups ?? []).some(
      (group) => group.ParameterApplyStatus === 'pending-reboot',
    ),
    pendingChanges: Object.entries(wire.PendingModifiedValues ?? {})
      .filter(([, value]) => value !== undefined)
      .map(([name]) => name),
    replicaOf: wire.ReadReplicaSourceDBInstanceIdentifier,
    replicas: wire.ReadReplicaDBInstanceIdentifiers ?? [],
    replication: readReplication(wire),
    attributes: readAttributes(wire),
    tags: Object.fromEntries((wire.TagList ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? ''])),
  }
}

function readReplication({ StatusInfos: infos }: DBInstance): DbInstance['replication'] {
  const info = infos?.find(({ StatusType }) => StatusType === 'read replication')
  if (!info) return undefined
  return {
    status: info.Status ?? 'unknown',
    isNormal: info.Normal ?? false,
    message: info.Message || undefined,
  }
}

function readAttributes(wire: DBInstance): InstanceAttributes {
  const seen = {
    engineVersion: wire.EngineVersion,
    instanceClass: wire.DBInstanceClass,
    parameterGroup: wire.DBParameterGroups?.[0]?.DBParameterGroupName,
    optionGroup: wire.OptionGroupMemberships?.[0]?.OptionGroupName,
    securityGroups: wire.VpcSecurityGroups?.map((group) => group.VpcSecurityGroupId ?? '').sort(),
    subnetGroup: wire.DBSubnetGroup?.DBSubnetGroupName,
    port: wire.Endpoint?.Port,
    backupRetentionDays: wire.BackupRetentionPeriod,
    backupWindow: wire.PreferredBackupWindow,
    maintenanceWindow: wire.PreferredMaintenanceWindow,
    deletionProtection: wire.DeletionProtection,
    copyTagsToSnapshot: wire.CopyTagsToSnapshot,
    storageType: wire.StorageType,
    allocatedStorageGiB: wire.AllocatedStorage,
    maxAllocatedStorageGiB: wire.MaxAllocatedStorage,
    iops: wire.Iops,
    storageThroughput: wire.StorageThroughput,
    storageEncrypted: wire.StorageEncrypted,
    kmsKey: wire.KmsKeyId,
    multiAz: wire.MultiAZ,
    publiclyAccessible: wire.PubliclyAccessible,
    iamAuthentication: wire.IAMDatabaseAuthenticationEnabled,
    autoMinorVersionUpgrade: wire.AutoMinorVersionUpgrade,
    monitoringIntervalSeconds: wire.MonitoringInterval,
    monitoringRole: wire.MonitoringRoleArn,
    performanceInsights: wire.PerformanceInsightsEnabled,
    databaseInsightsMode: wire.DatabaseInsightsMode,
    logExports: wire.EnabledCloudwatchLogsExports?.toSorted(),
    certificateAuthority: wire.CACertificateIdentifier,
    networkType: wire.NetworkType,
    managedMasterSecret: wire.MasterUserSecret ? true : undefined,
    roles: wire.AssociatedRoles?.map((role) => `${role.FeatureName}=${role.RoleArn}`).sort(),
  }
  return Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== undefined))
}
