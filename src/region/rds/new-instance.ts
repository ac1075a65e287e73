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
import { invalidCombination } from './faults.ts'
import type { InstanceRecord, InstanceSettings } from './instance.ts'
import { checkedInstanceClass } from './instance-classes.ts'
import { defaultParameterGroup } from './parameters/parameter-groups.ts'
import { withRecoveryMinimums } from './parameters/parameter-values.ts'
import { chooseWindows } from './preferred-windows.ts'
import type { Rds } from './rds.ts'
import { DEFAULT_KEY } from './storage-keys.ts'
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
    /** Of the KMS key; undefined when backups are not encrypted. */
    keyArn: string | undefined
    superuserPassword: string
    masterPassword?: string
  },
): InstanceRecord {
  const port = checkedPort(input.Port)
  const resourceId = rds.names.newResourceId('db')
  return {
    identifier: o.identifier,
    resourceId,
    automatedBackupsName: rds.names.newResourceId('ab').toLowerCase(),
    status: 'creating',
    origin: o.origin,
    major: o.major,
    engineVersion: rds.versions.choose(String(o.major)).version,
    masterUsername: o.masterUsername,
    ...(o.databaseName === undefined ? {} : { databaseName: o.databaseName }),
    ...(o.keyArn === undefined ? {} : { encryption: rds.keys.create(o.keyArn, resourceId) }),
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
 * The ARN of the KMS key that backups are to be encrypted with; undefined when they are not.
 *
 * @throws RdsFault `InvalidParameterCombination`, `KMSKeyNotAccessibleFault`
 */
export async function checkedKey(
  rds: Rds,
  {
    StorageEncrypted,
    KmsKeyId,
  }: { StorageEncrypted?: boolean | undefined; KmsKeyId?: string | undefined },
): Promise<string | undefined> {
  const isEncrypted = StorageEncrypted ?? KmsKeyId !== undefined
  if (isEncrypted) return await rds.keys.checked(KmsKeyId ?? DEFAULT_KEY)
  if (KmsKeyId === undefined) return undefined
  throw invalidCombination('KmsKeyId is given, but StorageEncrypted is not true.')
}
