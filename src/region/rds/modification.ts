import type { ModifyDBInstanceMessage } from '../protocol/models/rds.ts'
import {
  checkedCertificateAuthority,
  checkedIdentifier,
  checkedMasterPassword,
  checkedPort,
  checkedRetention,
  checkedSecurityGroups,
  checkedStorage,
  checkLicenseModel,
  checkOptionGroup,
} from './checks.ts'
import { instanceAlreadyExists, invalidCombination, unsupported } from './faults.ts'
import type { InstanceRecord, InstanceSettings, PendingSettings } from './instance.ts'
import { checkedInstanceClass } from './instance-classes.ts'
import { checkedParameterGroup } from './new-instance.ts'
import { chooseWindows } from './preferred-windows.ts'
import type { Rds } from './rds.ts'

/** What a ModifyDBInstance asks for, by when it takes effect. */
export interface Modification {
  /** Recorded at once, whatever `ApplyImmediately` says; nothing else has to be done. */
  readonly settings: Partial<InstanceSettings>
  /** Carried out at once, whatever `ApplyImmediately` says. */
  readonly atOnce: PendingSettings & { readonly sealedMasterPassword?: string }
  /** Waits for the maintenance window, unless `ApplyImmediately`. */
  readonly inWindow: PendingSettings
}

/**
 * Reads what is asked for against what the instance has.
 *
 * Source: RDS User Guide, "Settings for DB instances", and API Reference, ModifyDBInstance: which changes wait
 * for the maintenance window.
 *
 * @throws RdsFault for whatever cannot be meant or is not here
 */
export function readModification(
  rds: Rds,
  record: InstanceRecord,
  input: ModifyDBInstanceMessage,
): Modification {
  checkLicenseModel(input.LicenseModel)
  checkOptionGroup(input.OptionGroupName, record.major)
  checkReplication(record, input)
  checkVersion(rds, record, input.EngineVersion)
  const identifier =
    input.NewDBInstanceIdentifier === undefined
      ? undefined
      : checkedIdentifier(input.NewDBInstanceIdentifier, 'NewDBInstanceIdentifier')
  if (identifier !== undefined && rds.isIdentifierTaken(identifier, record.resourceId)) {
    throw instanceAlreadyExists()
  }
  const port = checkedPort(input.DBPortNumber)
  const retention = readRetention(record, input.BackupRetentionPeriod)
  return {
    settings: { ...readSettings(rds, record, input), ...retention.settings },
    atOnce: {
      ...(port === undefined || port === record.port ? {} : { port }),
      ...(input.MasterUserPassword === undefined
        ? {}
        : {
            sealedMasterPassword: rds.key.sealPassword(
              checkedMasterPassword(input.MasterUserPassword),
            ),
          }),
    },
    inWindow: {
      ...(identifier === undefined ? {} : { identifier }),
      ...(input.DBInstanceClass === undefined
        ? {}
        : { instanceClass: checkedInstanceClass(input.DBInstanceClass) }),
      ...(input.CACertificateIdentifier === undefined
        ? {}
        : { certificateAuthority: checkedCertificateAuthority(input.CACertificateIdentifier) }),
      ...readStorage(record, input),
      ...retention.inWindow,
    },
  }
}

/** Source: RDS User Guide, "Working with DB instance read replicas". */
function checkReplication(
  { identifier, replicaOf, replicas = [] }: InstanceRecord,
  { MasterUserPassword: password, BackupRetentionPeriod: days }: ModifyDBInstanceMessage,
): void {
  if (replicaOf && password !== undefined) {
    throw invalidCombination(
      `The master password of the read replica ${identifier} is its source's.`,
    )
  }
  if (replicaOf && days) throw unsupported('BackupRetentionPeriod of a read replica')
  if (replicas.length > 0 && days === 0) {
    throw invalidCombination(
      `The automated backups of ${identifier} cannot be turned off: it has read replicas.`,
    )
  }
}

/** The record with a modification in it: settings changed, the rest waiting or ready to be carried out. */
export function withModification(
  record: InstanceRecord,
  { settings, atOnce, inWindow }: Modification,
  isImmediate: boolean,
): InstanceRecord {
  // Asking for what is there already takes back what was waiting.
  const waiting = differing(record, { ...record.pending, ...inWindow })
  const applying = isImmediate ? { ...waiting, ...atOnce } : atOnce
  const { applying: _, ...before } = record
  return {
    ...before,
    settings: { ...record.settings, ...settings },
    pending: isImmediate ? {} : waiting,
    ...(Object.keys(applying).length > 0 ? { applying } : {}),
  }
}

/** The record after what was being carried out has been. */
export function withApplied({ applying = {}, ...record }: InstanceRecord): InstanceRecord {
  const { identifier, port, sealedMasterPassword: _, ...settings } = applying
  return {
    ...record,
    ...(identifier === undefined ? {} : { identifier }),
    ...(port === undefined ? {} : { port }),
    settings: { ...record.settings, ...settings },
  }
}

function differing(record: InstanceRecord, wanted: PendingSettings): PendingSettings {
  const current: Record<string, unknown> = {
    ...record.settings,
    identifier: record.identifier,
    port: record.port,
  }
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => current[key] !== value))
}

/** One number for another is recorded at once; turning backups on or off is work. */
function readRetention(
  { settings }: InstanceRecord,
  asked: number | undefined,
): { settings: Partial<InstanceSettings>; inWindow: PendingSettings } {
  if (asked === undefined) return { settings: {}, inWindow: {} }
  const days = checkedRetention(asked)
  const isSwitch = (days === 0) !== (settings.backupRetentionDays === 0)
  return isSwitch
    ? { settings: {}, inWindow: { backupRetentionDays: days } }
    : { settings: { backupRetentionDays: days }, inWindow: {} }
}

function readSettings(
  rds: Rds,
  { settings, major }: InstanceRecord,
  input: ModifyDBInstanceMessage,
): Partial<InstanceSettings> {
  return {
    ...chooseWindows(
      {
        backup: input.PreferredBackupWindow ?? settings.backupWindow,
        maintenance: input.PreferredMaintenanceWindow ?? settings.maintenanceWindow,
      },
      rds.random,
    ),
    ...(input.DBParameterGroupName === undefined
      ? {}
      : { parameterGroup: checkedParameterGroup(rds, input.DBParameterGroupName, major) }),
    ...(input.DBSubnetGroupName === undefined
      ? {}
      : { subnetGroup: rds.subnetGroups.get(input.DBSubnetGroupName).name }),
    ...(input.VpcSecurityGroupIds === undefined
      ? {}
      : { securityGroups: checkedSecurityGroups(input.VpcSecurityGroupIds, rds.names) }),
    ...(input.MaxAllocatedStorage === undefined
      ? {}
      : { maxAllocatedStorageGiB: input.MaxAllocatedStorage }),
    autoMinorVersionUpgrade: input.AutoMinorVersionUpgrade ?? settings.autoMinorVersionUpgrade,
    copyTagsToSnapshot: input.CopyTagsToSnapshot ?? settings.copyTagsToSnapshot,
    deletionProtection: input.DeletionProtection ?? settings.deletionProtection,
    publiclyAccessible: input.PubliclyAccessible ?? settings.publiclyAccessible,
  }
}

function readStorage(
  { settings, pending }: InstanceRecord,
  { AllocatedStorage, StorageType, Iops, StorageThroughput }: ModifyDBInstanceMessage,
): PendingSettings {
  const asked = [AllocatedStorage, StorageType, Iops, StorageThroughput]
  if (asked.every((value) => value === undefined)) return {}
  const base = { ...settings, ...pending }
  const size = AllocatedStorage ?? base.allocatedStorageGiB
  if (size < settings.allocatedStorageGiB) {
    throw invalidCombination('The allocated storage of a DB instance can not be decreased.')
  }
  const isGrown = size > settings.allocatedStorageGiB
  const { maxAllocatedStorageGiB: _, ...storage } = checkedStorage({
    AllocatedStorage: isGrown
      ? Math.max(size, Math.ceil(settings.allocatedStorageGiB * 1.1))
      : size,
    StorageType: StorageType ?? base.storageType,
    Iops: Iops ?? (StorageType === undefined ? base.iops : undefined),
    StorageThroughput:
      StorageThroughput ?? (StorageType === undefined ? base.storageThroughput : undefined),
  })
  return storage
}

/** Unlike AWS: there is one minor version of each major, so that there is nothing to upgrade to. */
function checkVersion(rds: Rds, record: InstanceRecord, asked: string | undefined): void {
  if (asked === undefined) return
  const { major, version } = rds.versions.choose(asked)
  if (major === record.major) return
  throw invalidCombination(
    `Cannot upgrade postgres from ${record.engineVersion} to ${version}: an embedded region does not upgrade.`,
  )
}
