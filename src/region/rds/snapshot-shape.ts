import type { DBSnapshot } from '../protocol/models/rds.ts'
import type { Rds } from './rds.ts'
import type { SnapshotRecord } from './snapshots.ts'

/** A DB snapshot as RDS answers it. */
export function snapshotShape(rds: Rds, snapshot: SnapshotRecord): DBSnapshot {
  const { instance } = snapshot
  const { settings } = instance
  const createdAt = snapshot.completedAt === undefined ? undefined : new Date(snapshot.completedAt)
  return {
    DBSnapshotIdentifier: snapshot.identifier,
    DBSnapshotArn: rds.names.arn('snapshot', snapshot.identifier),
    DBInstanceIdentifier: instance.identifier,
    DbiResourceId: instance.resourceId,
    SnapshotType: snapshot.type,
    Status: snapshot.status,
    PercentProgress: snapshot.status === 'creating' ? rds.progressOf(snapshot) : 100,
    SnapshotCreateTime: createdAt,
    OriginalSnapshotCreateTime:
      snapshot.originalAt === undefined ? createdAt : new Date(snapshot.originalAt),
    SourceDBSnapshotIdentifier: snapshot.copyOf?.arn,
    SourceRegion:
      snapshot.copyOf?.region === rds.names.region ? undefined : snapshot.copyOf?.region,
    InstanceCreateTime: instance.createdAt === undefined ? undefined : new Date(instance.createdAt),
    Engine: 'postgres',
    EngineVersion: instance.engineVersion,
    LicenseModel: 'postgresql-license',
    MasterUsername: instance.masterUsername,
    Port: instance.port,
    AllocatedStorage: settings.allocatedStorageGiB,
    StorageType: settings.storageType,
    Iops: settings.iops,
    StorageThroughput: settings.storageThroughput,
    AvailabilityZone: settings.availabilityZone,
    VpcId: rds.names.vpcId,
    OptionGroupName: `default:postgres-${instance.major}`,
    Encrypted: instance.encryption !== undefined,
    KmsKeyId: instance.encryption?.keyArn,
    IAMDatabaseAuthenticationEnabled: false,
    SnapshotTarget: 'region',
    ProcessorFeatures: [],
    MultiTenant: false,
    DedicatedLogVolume: false,
    TagList: [...snapshot.tags],
  }
}
