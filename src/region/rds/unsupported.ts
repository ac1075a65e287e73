import { unsupported } from './faults.ts'

type Claim = (value: unknown) => boolean

const isGiven: Claim = () => true
const isTrue: Claim = (value) => value === true
const isNotEmpty: Claim = (value) => Array.isArray(value) && value.length > 0
const isOtherThan =
  (...same: unknown[]): Claim =>
  (value) =>
    !same.includes(value)

/**
 * What CreateDBInstance, ModifyDBInstance and the restores can ask for and an embedded region does not have, by
 * parameter, with the values that ask for it. Refusing is better than a silent 200 that protects nobody.
 */
const ABSENT: Readonly<Record<string, Claim>> = {
  AdditionalStorageVolumes: isNotEmpty,
  AutomationMode: isOtherThan('full'),
  AwsBackupRecoveryPointArn: isGiven,
  BackupTarget: isOtherThan('region'),
  CharacterSetName: isGiven,
  CloudwatchLogsExportConfiguration: (value) =>
    isNotEmpty((value as { EnableLogTypes?: unknown }).EnableLogTypes),
  CustomIamInstanceProfile: isGiven,
  DatabaseInsightsMode: isOtherThan('standard'),
  DBClusterIdentifier: isGiven,
  DBClusterSnapshotIdentifier: isGiven,
  DBSecurityGroups: isNotEmpty,
  DBSystemId: isGiven,
  DedicatedLogVolume: isTrue,
  Domain: isGiven,
  DomainAuthSecretArn: isGiven,
  DomainDnsIps: isNotEmpty,
  DomainFqdn: isGiven,
  DomainIAMRoleName: isGiven,
  DomainOu: isGiven,
  EnableCloudwatchLogsExports: isNotEmpty,
  EnableCustomerOwnedIp: isTrue,
  EnableIAMDatabaseAuthentication: isTrue,
  EnablePerformanceInsights: isTrue,
  ForceFailover: isTrue,
  ManageMasterUserPassword: isTrue,
  MasterUserAuthenticationType: isOtherThan('password'),
  MasterUserSecretKmsKeyId: isGiven,
  MonitoringInterval: isOtherThan(0),
  MonitoringRoleArn: isGiven,
  MultiAZ: isTrue,
  MultiTenant: isTrue,
  NcharCharacterSetName: isGiven,
  NetworkType: isOtherThan('IPV4'),
  PerformanceInsightsKMSKeyId: isGiven,
  PerformanceInsightsRetentionPeriod: isGiven,
  ProcessorFeatures: isNotEmpty,
  PromotionTier: isGiven,
  ReplicaMode: isGiven,
  ResumeFullAutomationModeMinutes: isGiven,
  RotateMasterUserPassword: isTrue,
  TagSpecifications: isNotEmpty,
  TdeCredentialArn: isGiven,
  TdeCredentialPassword: isGiven,
  Timezone: isGiven,
}

/** @throws RdsFault `UnsupportedOperation` that names the parameter */
export function refuseUnsupported(input: object): void {
  for (const [parameter, value] of Object.entries(input)) {
    const claim = Object.hasOwn(ABSENT, parameter) ? ABSENT[parameter] : undefined
    if (value !== undefined && claim?.(value)) {
      throw unsupported(typeof value === 'string' ? `${parameter}=${value}` : parameter)
    }
  }
}
