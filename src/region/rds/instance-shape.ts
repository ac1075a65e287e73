import type { DBInstance, DBInstanceStatusInfo } from '../protocol/models/rds.ts'
import { backupReplicasShape } from './automated-backup-shape.ts'
import type { InstanceRecord, PendingSettings } from './instance.ts'
import type { Rds } from './rds.ts'
import { nameBeside } from './replication/replica.ts'

/** A moment until which the region's certificates are said to be valid. Unlike AWS: there is no TLS. */
const CERTIFICATE_VALID_TILL = new Date('2061-05-25T00:00:00Z')

/**
 * A DB instance as RDS answers it.
 *
 * Unlike AWS: the endpoint is 127.0.0.1 and a port of this machine; there is one availability zone, and no
 * hosted zone, network or certificate behind the names that say so.
 */
export function instanceShape(rds: Rds, record: InstanceRecord): DBInstance {
  const { settings, identifier } = record
  return {
    DBInstanceIdentifier: identifier,
    DBInstanceArn: rds.names.arn('db', identifier),
    DbiResourceId: record.resourceId,
    DBInstanceStatus: record.status,
    DBInstanceClass: settings.instanceClass,
    Engine: 'postgres',
    EngineVersion: record.engineVersion,
    EngineLifecycleSupport: settings.engineLifecycleSupport,
    LicenseModel: 'postgresql-license',
    MasterUsername: record.masterUsername,
    DBName: record.databaseName,
    Endpoint:
      record.port === undefined || record.createdAt === undefined
        ? undefined
        : { Address: '127.0.0.1', Port: record.port, HostedZoneId: 'ZEMBEDDEDREGION' },
    DbInstancePort: 0,
    InstanceCreateTime: record.createdAt === undefined ? undefined : new Date(record.createdAt),
    AllocatedStorage: settings.allocatedStorageGiB,
    StorageType: settings.storageType,
    Iops: settings.iops,
    StorageThroughput: settings.storageThroughput,
    MaxAllocatedStorage: settings.maxAllocatedStorageGiB,
    StorageEncrypted: record.encryption !== undefined,
    KmsKeyId: record.encryption?.keyArn,
    BackupRetentionPeriod: settings.backupRetentionDays,
    PreferredBackupWindow: settings.backupWindow,
    PreferredMaintenanceWindow: settings.maintenanceWindow,
    LatestRestorableTime: rds.restoreWindow(record)?.latest,
    BackupTarget: 'region',
    PendingModifiedValues: pendingShape({ ...record.pending, ...record.applying }),
    DBParameterGroups: [
      {
        DBParameterGroupName: settings.parameterGroup,
        ParameterApplyStatus: rds.parameterStatus(record),
      },
    ],
    OptionGroupMemberships: [
      { OptionGroupName: `default:postgres-${record.major}`, Status: 'in-sync' },
    ],
    DBSecurityGroups: [],
    VpcSecurityGroups: settings.securityGroups.map((id) => ({
      VpcSecurityGroupId: id,
      Status: 'active',
    })),
    DBSubnetGroup: rds.subnetGroups.shapeOf(rds.subnetGroups.get(settings.subnetGroup)),
    AvailabilityZone: record.createdAt === undefined ? undefined : settings.availabilityZone,
    MultiAZ: false,
    NetworkType: 'IPV4',
    PubliclyAccessible: settings.publiclyAccessible,
    AutoMinorVersionUpgrade: settings.autoMinorVersionUpgrade,
    CopyTagsToSnapshot: settings.copyTagsToSnapshot,
    DeletionProtection: settings.deletionProtection,
    CACertificateIdentifier: settings.certificateAuthority,
    CertificateDetails: {
      CAIdentifier: settings.certificateAuthority,
      ValidTill: CERTIFICATE_VALID_TILL,
    },
    ReadReplicaSourceDBInstanceIdentifier:
      record.replicaOf && nameBeside(record.replicaOf.arn, rds.names.region),
    DBInstanceAutomatedBackupsReplications: backupReplicasShape(record.backupReplicas),
    ReadReplicaDBInstanceIdentifiers: (record.replicas ?? []).map(({ arn }) =>
      nameBeside(arn, rds.names.region),
    ),
    StatusInfos: record.replicaOf ? [replicationInfo(rds, record)] : undefined,
    DomainMemberships: [],
    AssociatedRoles: [],
    MonitoringInterval: 0,
    IAMDatabaseAuthenticationEnabled: false,
    PerformanceInsightsEnabled: false,
    DatabaseInsightsMode: 'standard',
    ActivityStreamStatus: 'stopped',
    CustomerOwnedIpEnabled: false,
    DedicatedLogVolume: false,
    IsStorageConfigUpgradeAvailable: false,
    MultiTenant: false,
    AutomaticRestartTime:
      record.stoppedAt === undefined ? undefined : rds.automaticRestartTime(record.stoppedAt),
    TagList: [...record.tags],
  }
}

/** Source: RDS User Guide, "Monitoring read replication". */
function replicationInfo(
  rds: Rds,
  { resourceId, replicaOf }: InstanceRecord,
): DBInstanceStatusInfo {
  const { isStreaming, problem } = rds.replicas.stateOf(resourceId)
  const Status = replicaOf?.ended ? 'terminated' : isStreaming ? 'replicating' : 'error'
  const Message = replicaOf?.ended ?? (isStreaming ? '' : problem)
  return { StatusType: 'read replication', Normal: isStreaming, Status, Message }
}

function pendingShape(pending: PendingSettings & { sealedMasterPassword?: string }) {
  return {
    DBInstanceIdentifier: pending.identifier,
    DBInstanceClass: pending.instanceClass,
    AllocatedStorage: pending.allocatedStorageGiB,
    StorageType: pending.storageType,
    Iops: pending.iops,
    StorageThroughput: pending.storageThroughput,
    BackupRetentionPeriod: pending.backupRetentionDays,
    CACertificateIdentifier: pending.certificateAuthority,
    Port: pending.port,
    MasterUserPassword: pending.sealedMasterPassword === undefined ? undefined : '****',
  }
}
