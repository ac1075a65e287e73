import type { DBInstanceAutomatedBackup } from '../protocol/models/rds.ts'
import type { InstanceFacts } from './instance.ts'
import type { Rds } from './rds.ts'

/** The automated backups of one instance, live or retained. */
export interface AutomatedBackup {
  readonly instance: InstanceFacts
  readonly status: 'active' | 'creating' | 'retained'
}

/** All automated backups of a region, of instances that are there and of those that are gone. */
export function listAutomatedBackups(rds: Rds): AutomatedBackup[] {
  const retained = rds.retained
    .list()
    .filter(({ instance }) => !rds.findByResourceId(instance.resourceId))
    .map(({ instance }): AutomatedBackup => ({ instance, status: 'retained' }))
  const live = rds
    .instances()
    .map(({ record }) => record)
    .filter(({ settings, createdAt }) => settings.backupRetentionDays > 0 && createdAt)
    .map((record): AutomatedBackup => {
      const isRestorable = rds.restoreWindow(record) !== undefined
      return { instance: record, status: isRestorable ? 'active' : 'creating' }
    })
  return [...live, ...retained]
}

/** Automated backups as RDS answers them. */
export function automatedBackupShape(
  rds: Rds,
  { instance, status }: AutomatedBackup,
): DBInstanceAutomatedBackup {
  const { settings } = instance
  const window = rds.restoreWindow(instance)
  return {
    DBInstanceArn: rds.names.arn('db', instance.identifier),
    DBInstanceAutomatedBackupsArn: rds.names.arn('auto-backup', instance.automatedBackupsName),
    DbiResourceId: instance.resourceId,
    DBInstanceIdentifier: instance.identifier,
    Region: rds.names.region,
    Status: status,
    RestoreWindow: window && { EarliestTime: window.earliest, LatestTime: window.latest },
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
    BackupRetentionPeriod: settings.backupRetentionDays,
    PreferredBackupWindow: settings.backupWindow,
    BackupTarget: 'region',
    DBInstanceAutomatedBackupsReplications: [],
    MultiTenant: false,
    DedicatedLogVolume: false,
    TagList: [...instance.tags],
  }
}
