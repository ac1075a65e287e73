import type { InstanceAttributes } from './instance.ts'

/** What RestoreDBInstanceToPointInTime accepts of the attributes; the rest is for `modifyInstance`. */
export function restoreParameters(wanted: InstanceAttributes) {
  return defined({
    DBInstanceClass: wanted.instanceClass,
    DBParameterGroupName: wanted.parameterGroup,
    OptionGroupName: wanted.optionGroup,
    VpcSecurityGroupIds: wanted.securityGroups && [...wanted.securityGroups],
    DBSubnetGroupName: wanted.subnetGroup,
    CopyTagsToSnapshot: wanted.copyTagsToSnapshot,
    StorageType: wanted.storageType,
    Iops: wanted.iops,
    StorageThroughput: wanted.storageThroughput,
    MaxAllocatedStorage: wanted.maxAllocatedStorageGiB,
    MultiAZ: wanted.multiAz || undefined,
    PubliclyAccessible: wanted.publiclyAccessible,
    EnableIAMDatabaseAuthentication: wanted.iamAuthentication || undefined,
    EnableCloudwatchLogsExports: wanted.logExports?.length ? [...wanted.logExports] : undefined,
    AutoMinorVersionUpgrade: wanted.autoMinorVersionUpgrade,
    NetworkType: wanted.networkType,
  })
}

/** What ModifyDBInstance accepts of them. */
export function modifyParameters(wanted: InstanceAttributes) {
  return defined({
    DBInstanceClass: wanted.instanceClass,
    DBParameterGroupName: wanted.parameterGroup,
    OptionGroupName: wanted.optionGroup,
    VpcSecurityGroupIds: wanted.securityGroups && [...wanted.securityGroups],
    BackupRetentionPeriod: wanted.backupRetentionDays,
    PreferredBackupWindow: wanted.backupWindow,
    PreferredMaintenanceWindow: wanted.maintenanceWindow,
    DeletionProtection: wanted.deletionProtection,
    CopyTagsToSnapshot: wanted.copyTagsToSnapshot,
    StorageType: wanted.storageType,
    Iops: wanted.iops,
    StorageThroughput: wanted.storageThroughput,
    MaxAllocatedStorage: wanted.maxAllocatedStorageGiB,
    MultiAZ: wanted.multiAz,
    PubliclyAccessible: wanted.publiclyAccessible,
    EnableIAMDatabaseAuthentication: wanted.iamAuthentication,
    AutoMinorVersionUpgrade: wanted.autoMinorVersionUpgrade,
    MonitoringInterval: wanted.monitoringIntervalSeconds,
    MonitoringRoleArn: wanted.monitoringRole,
    EnablePerformanceInsights: wanted.performanceInsights,
    CACertificateIdentifier: wanted.certificateAuthority,
    CloudwatchLogsExportConfiguration: wanted.logExports && {
      EnableLogTypes: [...wanted.logExports],
    },
  })
}

/** What CreateDBInstanceReadReplica accepts of them; the rest is for `modifyInstance`. */
export function replicaParameters(wanted: InstanceAttributes) {
  return defined({
    ...restoreParameters(wanted),
    AllocatedStorage: wanted.allocatedStorageGiB,
    KmsKeyId: wanted.kmsKey,
  })
}

/** Parameters that are asked for; leaving one out is not the same as sending it empty. */
function defined<Shape extends object>(parameters: Shape) {
  return Object.fromEntries(
    Object.entries(parameters).filter(([, value]) => value !== undefined),
  ) as { [Key in keyof Shape]?: Exclude<Shape[Key], undefined> }
}
