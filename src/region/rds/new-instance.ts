import {
  checkedAvailabilityZone,
  checkedCertificateAuthority,
  checkedLifecycleSupport,
  checkedPort,
  checkedRetention,
  checkedSecurityGroups,
  checkLicenseModel,
  checkOptionGroup,
  type Storage,
} from './checks.ts'
import { parameterGroupFamily } from './engine-versions.ts'
import { invalidCombination, RdsFault } from './faults.ts'
import type { InstanceRecord, InstanceSettings } from './instance.ts'
import { checkedInstanceClass } from './instance-classes.ts'
import { defaultParameterGroup } from './parameters/parameter-groups.ts'
import { withRecoveryMinimums } from './parameters/parameter-values.ts'
import { chooseWindows } from './preferred-windows.ts'
import type { Rds } from './rds.ts'
import { checkedTags } from './tags.ts'

/** The parameters that CreateDBInstance and both restores have in common. */
export interface NewInstanceInput {
  readonly DBInstanceClass?: string | undefined
  readonly Port?: number | undefined
  readonly AvailabilityZone?: string | undefined
  readonly DBSubnetGroupName?: string | undefined
  readonly PubliclyAccessible?: boolean | undefined
  readonly AutoMinorVersionUpgrade?: boolean | undefined
  readonly LicenseModel?: string | undefined
  readonly OptionGroupName?: string | undefined
  readonly CopyTagsToSnapshot?: boolean | undefined
  readonly VpcSecurityGroupIds?: string[] | undefined
  readonly DBParameterGroupName?: string | undefined
  readonly DeletionProtection?: boolean | undefined
  readonly BackupRetentionPeriod?: number | undefined
  readonly PreferredBackupWindow?: string | undefined
  readonly PreferredMaintenanceWindow?: string | undefined
  readonly CACertificateIdentifier?: string | undefined
  readonly EngineLifecycleSupport?: string | undefined
  readonly Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined
}

/**
 * The settings that every way to make an instance reads alike. What is not given gets RDS's default, also in a
 * restore: default parameter group and security group, no deletion protection, no tags.
 *
 * @throws RdsFault for whatever cannot be meant or is not here
 */
export function checkedSettings(
  rds: Rds,
  input: NewInstanceInput,
  o: { major: number; storage: Storage; instanceClass: string; retentionDays: number },
): InstanceSettings {
  checkLicenseModel(input.LicenseModel)
  checkOptionGroup(input.OptionGroupName, o.major)
  return {
    ...o.storage,
    ...chooseWindows(
      { backup: input.PreferredBackupWindow, maintenance: input.PreferredMaintenanceWindow },
      rds.random,
    ),
    instanceClass: checkedInstanceClass(input.DBInstanceClass ?? o.instanceClass),
    backupRetentionDays: checkedRetention(input.BackupRetentionPeriod ?? o.retentionDays),
    parameterGroup: checkedParameterGroup(rds, input.DBParameterGroupName, o.major),
    subnetGroup: rds.subnetGroups.get(input.DBSubnetGroupName ?? 'default').name,
    securityGroups: checkedSecurityGroups(input.VpcSecurityGroupIds, rds.names),
    availabilityZone: checkedAvailabilityZone(input.AvailabilityZone, rds.names),
    autoMinorVersionUpgrade: input.AutoMinorVersionUpgrade ?? true,
    copyTagsToSnapshot: input.CopyTagsToSnapshot ?? false,
    deletionProtection: input.DeletionProtection ?? false,
    publiclyAccessible: input.PubliclyAccessible ?? false,
    certificateAuthority: checkedCertificateAuthority(input.CACertificateIdentifier),
    engineLifecycleSupport: checkedLifecycleSupport(input.EngineLifecycleSupport),
  }
}

/** The record of an instance that begins to exist. */
export function newRecord(
  rds: Rds,
  input: NewInstanceInput,
  o: Pick<InstanceRecord, 'identifier' | 'origin' | 'major' | 'masterUsername' | 'settings'> & {
    databaseName: string | undefined
    isEncrypted: boolean
    superuserPassword: string
    masterPassword?: string
  },
): InstanceRecord {
  const port = checkedPort(input.Port)
  return {
    identifier: o.identifier,
    resourceId: rds.names.newResourceId('db'),
    automatedBackupsName: rds.names.newResourceId('ab').toLowerCase(),
    status: 'creating',
    origin: o.origin,
    major: o.major,
    engineVersion: rds.versions.choose(String(o.major)).version,
    masterUsername: o.masterUsername,
    ...(o.databaseName === undefined ? {} : { databaseName: o.databaseName }),
    ...(o.isEncrypted ? { sealedEncryptionKey: rds.key.newEncryptionKey() } : {}),
    sealedSuperuserPassword: rds.key.sealPassword(o.superuserPassword),
    ...(o.masterPassword === undefined
      ? {}
      : { sealedMasterPassword: rds.key.sealPassword(o.masterPassword) }),
    acceptedAt: rds.now(),
    ...(port === undefined ? {} : { port }),
    settings: o.settings,
    pending: {},
    appliedParameters: {},
    recoveryMinimums: withRecoveryMinimums({}, {}),
    tags: checkedTags(input.Tags),
  }
}

/** @throws RdsFault `DBParameterGroupNotFoundFault`, `InvalidParameterCombination` */
export function checkedParameterGroup(rds: Rds, name: string | undefined, major: number): string {
  const group = rds.parameterGroups.get(name ?? defaultParameterGroup(major))
  if (group.family === parameterGroupFamily(major)) return group.name
  throw invalidCombination(
    `The Parameter Group ${group.name} with DBParameterGroupFamily ${group.family} can't be used for this ` +
      `instance. Please use a Parameter Group with DBParameterGroupFamily ${parameterGroupFamily(major)}`,
  )
}

/**
 * Whether backups are to be encrypted, and only with the region's own key.
 *
 * @throws RdsFault `InvalidParameterCombination`, `KMSKeyNotAccessibleFault`
 */
export function checkedEncryption(
  rds: Rds,
  input: { StorageEncrypted?: boolean | undefined; KmsKeyId?: string | undefined },
): boolean {
  const isEncrypted = input.StorageEncrypted ?? input.KmsKeyId !== undefined
  if (input.KmsKeyId === undefined) return isEncrypted
  if (!isEncrypted) {
    throw invalidCombination('KmsKeyId is given, but StorageEncrypted is not true.')
  }
  if (['alias/aws/rds', rds.kmsKeyArn].includes(input.KmsKeyId)) return true
  throw new RdsFault(
    'KMSKeyNotAccessibleFault',
    `The specified KMS key [${input.KmsKeyId}] does not exist: an embedded region has only its own, alias/aws/rds.`,
  )
}
