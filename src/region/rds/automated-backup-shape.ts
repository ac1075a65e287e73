import type { DBInstanceAutomatedBackup } from '../protocol/models/rds.ts'
import type { InstanceFacts } from './instance.ts'
import type { Rds } from './rds.ts'
import type { BackupReplica } from './transfer/backup-source.ts'
import type { ReplicatedBackups } from './transfer/replicated-backups.ts'

/** The automated backups of one instance: of a live one, retained, or replicated from another region. */
export interface AutomatedBackup {
  readonly instance: InstanceFacts
  readonly status: 'active' | 'creating' | 'retained' | 'pending' | 'replicating'
  /** Of the instance. */
  readonly arn: string
  /** Where the instance is, or was. */
  readonly region: string
  readonly replicas: readonly BackupReplica[]
}

/** All automated backups of a region: of instances that are there, of those that are gone, and those of other regions. */
export function listAutomatedBackups(rds: Rds): AutomatedBackup[] {
  const ownRegion = ({ identifier }: InstanceFacts) => ({
    arn: rds.names.arn('db', identifier),
    region: rds.names.region,
    replicas: [],
  })
  const retained = rds.retained
    .list()
    .filter(({ instance }) => !rds.findByResourceId(instance.resourceId))
    .map(({ instance }): AutomatedBackup => {
      return { ...ownRegion(instance), instance, status: 'retained' }
    })
  const live = rds
    .instances()
    .map(({ record }) => record)
    .filter(({ settings, createdAt }) => settings.backupRetentionDays > 0 && createdAt)
    .map((record): AutomatedBackup => {
      const status = rds.restoreWindow(record) ? 'active' : 'creating'
      const replicas = record.backupReplicas ?? []
      return { ...ownRegion(record), instance: record, status, replicas }
    })
  return [...live, ...retained, ...rds.replicated.list().map((one) => replicatedBackup(rds, one))]
}

export function replicatedBackup(rds: Rds, replicated: ReplicatedBackups): AutomatedBackup {
  const { instance, sourceArn: arn, sourceRegion: region, ended } = replicated
  const status = ended ? 'retained' : rds.restoreWindow(instance) ? 'replicating' : 'pending'
  return { instance, status, arn, region, replicas: [] }
}

/** Automated backups as RDS answers them. */
export function automatedBackupShape(
  rds: Rds,
  { instance, status, arn, region, replicas }: AutomatedBackup,
): DBInstanceAutomatedBackup {
  const { settings } = instance
  const window = rds.restoreWindow(instance)
  return {
    DBInstanceArn: arn,
    DBInstanceAutomatedBackupsArn: rds.names.arn('auto-backup', instance.automatedBackupsName),
    DbiResourceId: instance.resourceId,
    DBInstanceIdentifier: instance.identifier,
    Region: region,
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
    DBInstanceAutomatedBackupsReplications: backupReplicasShape(replicas),
    MultiTenant: false,
    DedicatedLogVolume: false,
    TagList: [...instance.tags],
  }
}

export function backupReplicasShape(replicas: readonly BackupReplica[] = []) {
  return replicas.map(({ arn }) => ({ DBInstanceAutomatedBackupsArn: arn }))
}
