import { type AccessRequest, tagContext } from '../protocol/authorization.ts'
import { listAutomatedBackups } from './automated-backup-shape.ts'
import type { Rds } from './rds.ts'

type Kind = 'db' | 'snapshot' | 'pg' | 'subgrp'

/** The parameters that name resources. */
const KIND_BY_PARAMETER: Readonly<Record<string, Kind>> = {
  DBInstanceIdentifier: 'db',
  SourceDBInstanceIdentifier: 'db',
  TargetDBInstanceIdentifier: 'db',
  SourceDBInstanceArn: 'db',
  DBSnapshotIdentifier: 'snapshot',
  SourceDBSnapshotIdentifier: 'snapshot',
  TargetDBSnapshotIdentifier: 'snapshot',
  DBParameterGroupName: 'pg',
  SourceDBParameterGroupIdentifier: 'pg',
  TargetDBParameterGroupIdentifier: 'pg',
  DBSubnetGroupName: 'subgrp',
}

/** Those that name the automated backup of an instance, by its ARN or by the instance's resource id. */
const BACKUP_PARAMETERS = [
  ...['DbiResourceId', 'SourceDbiResourceId'],
  ...['DBInstanceAutomatedBackupsArn', 'SourceDBInstanceAutomatedBackupsArn'],
]

/** What an action is about that names no resource: all of a kind. */
const KIND_BY_ACTION: Readonly<Record<string, Kind | 'auto-backup'>> = {
  DescribeDBInstances: 'db',
  DescribePendingMaintenanceActions: 'db',
  DescribeDBSnapshots: 'snapshot',
  DescribeDBParameterGroups: 'pg',
  DescribeDBSubnetGroups: 'subgrp',
  DescribeDBInstanceAutomatedBackups: 'auto-backup',
}

/** The parameter that names what an action makes. */
const MADE_BY_ACTION: Readonly<Record<string, string>> = {
  CopyDBSnapshot: 'TargetDBSnapshotIdentifier',
  CreateDBInstance: 'DBInstanceIdentifier',
  CreateDBInstanceReadReplica: 'DBInstanceIdentifier',
  CreateDBParameterGroup: 'DBParameterGroupName',
  CreateDBSnapshot: 'DBSnapshotIdentifier',
  CreateDBSubnetGroup: 'DBSubnetGroupName',
  RestoreDBInstanceFromDBSnapshot: 'DBInstanceIdentifier',
  RestoreDBInstanceToPointInTime: 'TargetDBInstanceIdentifier',
}

/**
 * What an action is about: every resource that it names, in the spelling of its ARN, for a name in capitals is
 * the same name. To give tags to what is made is a right of its own.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon RDS".
 */
export function rdsAccesses(
  rds: Rds,
  operation: string,
  input: Readonly<Record<string, unknown>>,
): AccessRequest[] {
  const action = `rds:${operation}`
  const named = Object.entries(KIND_BY_PARAMETER).flatMap(([parameter, kind]) => {
    const name = input[parameter]
    return typeof name === 'string' ? [arnOf(rds, kind, name)] : []
  })
  const { ResourceName } = input
  const tagged = typeof ResourceName === 'string' ? [canonicalArn(ResourceName)] : []
  const backups = BACKUP_PARAMETERS.flatMap((parameter) => {
    const name = input[parameter]
    return typeof name === 'string' ? arnsOfBackup(rds, name) : []
  })
  const { KmsKeyId } = input
  const keys = typeof KmsKeyId === 'string' ? rds.keys.accesses(KmsKeyId) : []
  const resources = [...new Set([...named, ...tagged, ...backups])]
  const kind = KIND_BY_ACTION[operation]
  if (resources.length === 0) return [{ action, resource: kind ? rds.names.arn(kind, '*') : '*' }]
  const all = resources.map((resource) => ({ action, resource, context: tagsOf(rds, resource) }))
  return [...all, ...taggingOf(rds, operation, input), ...keys]
}

function taggingOf(
  rds: Rds,
  operation: string,
  input: Readonly<Record<string, unknown>>,
): AccessRequest[] {
  const parameter = MADE_BY_ACTION[operation]
  const kind = KIND_BY_PARAMETER[parameter ?? '']
  const name = input[parameter ?? '']
  const hasTags = Array.isArray(input.Tags) && input.Tags.length > 0
  if (!hasTags || !kind || typeof name !== 'string') return []
  return [{ action: 'rds:AddTagsToResource', resource: arnOf(rds, kind, name) }]
}

function arnOf(rds: Rds, kind: Kind, name: string): string {
  return name.startsWith('arn:') ? canonicalArn(name) : rds.names.arn(kind, name.toLowerCase())
}

/** Names are found in any case, also in other regions, so that they are decided about in one. */
function canonicalArn(arn: string): string {
  const [, owner, name] = /^(arn:aws:rds:[^:]*:\d*:[a-z-]+:)(.+)$/.exec(arn) ?? []
  return owner && name ? owner + name.toLowerCase() : arn
}

/** Both the automated backup and its instance, so that no way of naming it goes around a denial. */
function arnsOfBackup(rds: Rds, idOrArn: string): string[] {
  const name = rds.names.nameOf('auto-backup', idOrArn)
  const found = listAutomatedBackups(rds).find(
    ({ instance }) => instance.resourceId === idOrArn || instance.automatedBackupsName === name,
  )
  if (!found) {
    const instance = rds.findByResourceId(idOrArn)?.record
    const isArn = idOrArn.startsWith('arn:')
    return [isArn ? idOrArn : rds.names.arn('db', instance?.identifier ?? idOrArn)]
  }
  return [rds.names.arn('auto-backup', found.instance.automatedBackupsName), found.arn]
}

function tagsOf(rds: Rds, arn: string) {
  const parsed = rds.names.parseArn(arn)
  const tags =
    parsed?.kind === 'db'
      ? rds.findInstance(parsed.name)?.record.tags
      : parsed?.kind === 'snapshot'
        ? rds.snapshots.find(parsed.name)?.tags
        : undefined
  return tagContext('aws:ResourceTag', tags ?? [])
}
