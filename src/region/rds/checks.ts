import { invalidCombination, invalidValue, RdsFault, unsupported } from './faults.ts'
import type { RegionNames } from './region-names.ts'

/** What several actions check in the same way. Source: RDS API Reference, CreateDBInstance. */

export const MAX_RETENTION_DAYS = 35

const RESERVED_USERNAMES =
  'rdsadmin rds_superuser rds_replication rds_password rds_iam rdsrepladmin rdsproxyadmin rdstopmgr admin ' +
  'all analyse analyze and any array as asc authorization both case cast check collate column constraint ' +
  'create cross current_catalog current_date current_role current_time current_timestamp current_user default ' +
  'deferrable desc distinct do else end except false fetch for foreign from grant group having in initially ' +
  'intersect into lateral leading limit localtime localtimestamp none not null offset on only or order ' +
  'placing primary public references returning select session_user some symmetric system_user table then to ' +
  'trailing true union unique user using variadic when where window with'

const CERTIFICATE_AUTHORITIES = ['rds-ca-rsa2048-g1', 'rds-ca-rsa4096-g1', 'rds-ca-ecc384-g1']

/** An identifier of an instance, snapshot or group, in lower case as RDS keeps it. */
export function checkedIdentifier(text: string | undefined, parameter: string, max = 63): string {
  const isFine =
    text !== undefined &&
    text.length <= max &&
    /^[A-Za-z][A-Za-z0-9-]*$/.test(text) &&
    !/--|-$/.test(text)
  if (isFine) return text.toLowerCase()
  throw invalidValue(
    `The parameter ${parameter} is not a valid identifier. Identifiers must begin with a letter; must contain ` +
      'only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.',
  )
}

export function checkedMasterUsername(name: string | undefined): string {
  if (!name) {
    throw invalidValue('The parameter MasterUsername must be provided and must not be blank.')
  }
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name) || /^pg_/i.test(name)) {
    throw invalidValue(`The parameter MasterUsername is not valid: ${name}`)
  }
  if (RESERVED_USERNAMES.split(' ').includes(name.toLowerCase())) {
    throw invalidValue(
      `MasterUsername ${name} cannot be used as it is a reserved word used by the engine`,
    )
  }
  return name
}

export function checkedMasterPassword(password: string | undefined): string {
  if (!password) {
    throw invalidValue('The parameter MasterUserPassword must be provided and must not be blank.')
  }
  if (password.length < 8 || password.length > 128) {
    throw invalidValue(
      'The parameter MasterUserPassword is not a valid password because it is ' +
        `${password.length < 8 ? 'shorter than 8' : 'longer than 128'} characters.`,
    )
  }
  if (!/^[\x21-\x7e]+$/.test(password) || /[/"@]/.test(password)) {
    throw invalidValue(
      'The parameter MasterUserPassword is not a valid password. ' +
        "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
    )
  }
  return password
}

export function checkedDatabaseName(name: string | undefined): string | undefined {
  if (name === undefined || name === '') return undefined
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name)) {
    throw invalidValue(
      'DBName must begin with a letter and contain only alphanumeric characters and underscores.',
    )
  }
  if (/^(template[01]|rdsadmin)$/i.test(name)) {
    throw invalidValue(
      `Database name ${name} cannot be used as it is a reserved word used by the engine`,
    )
  }
  return name
}

export function checkedRetention(days: number): number {
  if (Number.isInteger(days) && days >= 0 && days <= MAX_RETENTION_DAYS) return days
  throw invalidValue(
    `Invalid backup retention period: ${days}. Must be between 0 and ${MAX_RETENTION_DAYS}.`,
  )
}

export function checkedPort(port: number | undefined): number | undefined {
  if (port === undefined || (Number.isInteger(port) && port >= 1150 && port <= 65_535)) return port
  throw invalidValue(`Invalid endpoint port ${port}, valid range is 1150-65535.`)
}

/** Least sizes by storage type. */
const LEAST_GIB = new Map([
  ['gp2', 20],
  ['gp3', 20],
  ['io1', 100],
  ['io2', 100],
  ['standard', 5],
])

export interface Storage {
  readonly allocatedStorageGiB: number
  readonly storageType: string
  readonly iops?: number
  readonly storageThroughput?: number
  readonly maxAllocatedStorageGiB?: number
}

/**
 * Storage as asked for.
 *
 * Unlike AWS: sizes and rates are labels. The disk of this machine is the only limit.
 */
export function checkedStorage(asked: {
  AllocatedStorage?: number | undefined
  StorageType?: string | undefined
  Iops?: number | undefined
  StorageThroughput?: number | undefined
  MaxAllocatedStorage?: number | undefined
}): Storage {
  const { Iops, StorageThroughput, MaxAllocatedStorage } = asked
  const storageType = asked.StorageType ?? (Iops === undefined ? 'gp2' : 'io1')
  const size = asked.AllocatedStorage ?? 0
  const least = LEAST_GIB.get(storageType)
  if (least === undefined) throw invalidValue(`Invalid storage type: ${storageType}`)
  if (!Number.isInteger(size) || size < least || size > 65_536) {
    throw invalidValue(
      `Invalid storage size for engine name postgres and storage type ${storageType}: ${size}`,
    )
  }
  if (storageType.startsWith('io') && Iops === undefined) {
    throw invalidCombination(`You must specify Iops with the storage type ${storageType}.`)
  }
  if (Iops !== undefined && ['gp2', 'standard'].includes(storageType)) {
    throw invalidCombination(`You can't specify Iops for storage type ${storageType}.`)
  }
  if (StorageThroughput !== undefined && storageType !== 'gp3') {
    throw invalidCombination(
      `You can't specify storage throughput for storage type ${storageType}.`,
    )
  }
  if (MaxAllocatedStorage !== undefined && MaxAllocatedStorage < size * 1.1) {
    throw invalidCombination(
      'Invalid max storage size for engine name postgres: it must be at least 10% over the allocated storage.',
    )
  }
  return {
    allocatedStorageGiB: size,
    storageType,
    ...(Iops === undefined ? {} : { iops: Iops }),
    ...(StorageThroughput === undefined ? {} : { storageThroughput: StorageThroughput }),
    ...(MaxAllocatedStorage === undefined ? {} : { maxAllocatedStorageGiB: MaxAllocatedStorage }),
  }
}

/** Unlike AWS: security groups are names. Nothing filters packets on this machine. */
export function checkedSecurityGroups(
  ids: readonly string[] | undefined,
  names: RegionNames,
): readonly string[] {
  if (ids === undefined || ids.length === 0) return [names.defaultSecurityGroup]
  const bad = ids.find((id) => !/^sg-[0-9a-f]{8,17}$/.test(id))
  if (bad !== undefined) {
    throw invalidValue(`Invalid security group , groupId= ${bad}, groupName=.`)
  }
  return [...new Set(ids)]
}

export function checkedCertificateAuthority(name: string | undefined): string {
  const asked = name ?? 'rds-ca-rsa2048-g1'
  if (CERTIFICATE_AUTHORITIES.includes(asked)) return asked
  throw new RdsFault('CertificateNotFoundFault', `Certificate not found: ${asked}`)
}

export function checkedAvailabilityZone(zone: string | undefined, names: RegionNames): string {
  if (zone === undefined) return names.availabilityZone
  if (['a', 'b', 'c'].some((letter) => zone === `${names.region}${letter}`)) return zone
  throw invalidValue(`Invalid availability zone: ${zone}`)
}

/** There is one option group for each major version, the default one. */
export function checkOptionGroup(name: string | undefined, major: number): void {
  if (name === undefined || name === `default:postgres-${major}`) return
  if (name.startsWith('default:')) {
    throw new RdsFault('OptionGroupNotFoundFault', `Specified OptionGroupName: ${name} not found.`)
  }
  throw unsupported(`The option group ${name}`)
}

export function checkedLifecycleSupport(asked: string | undefined): string {
  const support = asked ?? 'open-source-rds-extended-support'
  if (/^open-source-rds-extended-support(-disabled)?$/.test(support)) return support
  throw invalidValue(`Invalid engine lifecycle support: ${support}`)
}

export function checkLicenseModel(model: string | undefined): void {
  if (model === undefined || model === 'postgresql-license') return
  throw invalidValue(`Invalid license model '${model}' for engine 'postgres'.`)
}
