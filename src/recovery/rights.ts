import { canaryKey } from './objects/canary.ts'
import type { Workload } from './workload.ts'
import { ledgerBucketOf } from './write-ledger.ts'

/** A statement of an IAM policy. */
export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
}

export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

/** What actions are about, by a name that says it in the policy's `Sid`. */
type Scope =
  | 'database'
  | 'copies'
  | 'snapshots'
  | 'backups'
  | 'groups'
  | 'secret'
  | 'logins'
  | 'buckets'
  | 'objects'
  | 'namedBuckets'
  | 'namedObjects'
  | 'replicas'
  | 'canaries'
  | 'replicaCanaries'
  | 'ledger'
  | 'jobs'
  | 'anything'
  | 'roles'
  | 'lock'
  | 'lockBucket'

type Rights = Readonly<Partial<Record<string, readonly Scope[]>>>

const READ_LOGIN: Rights = { 'secretsmanager:GetSecretValue': ['logins'] }
const LIST_VERSIONS: Rights = { 's3:ListBucketVersions': ['buckets'] }
const restoring = (buckets: Scope, objects: Scope): Rights => ({
  's3:ListBucketVersions': [buckets],
  's3:GetBucketVersioning': [buckets],
  's3:GetObjectVersion': [objects],
  's3:GetObjectVersionTagging': [objects],
  's3:PutObject': [objects],
  's3:PutObjectTagging': [objects],
  's3:DeleteObject': [objects],
})
const READ_BACKUPS: Rights = { 'rds:DescribeDBInstanceAutomatedBackups': ['backups', 'database'] }

/**
 * Every right that a command asks of AWS, by its action, and what the action is about. `sts:GetCallerIdentity` needs none.
 *
 * Source: Service Authorization Reference, "Amazon RDS", "Amazon S3" and "AWS Secrets Manager".
 */
const RIGHTS: Readonly<Record<string, Rights>> = {
  status: {
    ...READ_LOGIN,
    ...READ_BACKUPS,
    'rds:DescribeDBInstances': ['database'],
    's3:ListBucketVersions': ['buckets', 'replicas'],
    's3:GetBucketVersioning': ['buckets', 'replicas'],
    's3:GetReplicationConfiguration': ['buckets'],
    // Why a version is not there; and, without the second one, S3 answers 403 where there is no object.
    's3:GetObjectVersion': ['objects'],
    's3:GetObject': ['objects'],
    's3:ListBucket': ['buckets'],
  },
  watch: {
    ...READ_LOGIN,
    ...LIST_VERSIONS,
    's3:GetObject': ['objects'],
    's3:ListBucket': ['buckets', 'replicas'],
    's3:PutObject': ['canaries', 'ledger'],
    's3:GetObjectVersion': ['replicaCanaries'],
    's3:DeleteObjectVersion': ['canaries', 'replicaCanaries', 'ledger'],
  },
  'backup list': { ...READ_BACKUPS, 'rds:DescribeDBSnapshots': ['database', 'snapshots'] },
  'backup create': {
    'rds:CreateDBSnapshot': ['database', 'snapshots'],
    'rds:AddTagsToResource': ['snapshots'],
    'rds:DescribeDBSnapshots': ['database', 'snapshots'],
  },
  restore: {
    ...READ_BACKUPS,
    'rds:DescribeDBInstances': ['copies'],
    'rds:RestoreDBInstanceToPointInTime': ['copies', 'groups', 'backups'],
    'rds:AddTagsToResource': ['copies'],
  },
  'runbook run data-corruption': {
    ...READ_LOGIN,
    ...READ_BACKUPS,
    'rds:DescribeDBInstances': ['copies'],
    'rds:RestoreDBInstanceToPointInTime': ['copies', 'groups', 'backups'],
    'rds:AddTagsToResource': ['copies'],
    'rds:ModifyDBInstance': ['copies', 'groups'],
    'rds:RebootDBInstance': ['copies'],
    'rds:DeleteDBInstance': ['copies'],
    'secretsmanager:PutSecretValue': ['secret'],
    ...restoring('buckets', 'objects'),
    // Without the second one S3 answers 403 where there is no object, as if there were one.
    's3:GetObject': ['lock', 'objects'],
    's3:ListBucket': ['lockBucket', 'buckets'],
    's3:PutObject': ['lock', 'objects'],
  },
  cost: LIST_VERSIONS,
  'objects restore': restoring('namedBuckets', 'namedObjects'),
  'objects backfill': {
    's3:GetReplicationConfiguration': ['namedBuckets'],
    's3:CreateJob': ['anything'],
    's3:DescribeJob': ['jobs'],
    'iam:PassRole': ['roles'],
  },
}

/** The commands that ask something of AWS. */
export const COMMANDS_WITH_RIGHTS: readonly string[] = Object.keys(RIGHTS)

/**
 * The least that an IAM policy has to allow so that commands work on a workload, down to resources where actions know any.
 *
 * A restored database is a new instance whose name begins as the old one's does, so a recovery's rights reach as far. The
 * account is left open, as the workload file does not name it.
 *
 * @param commands  as `COMMANDS_WITH_RIGHTS` names them
 * @param bucket  for `objects`; default: the buckets of the workload file, or any where it names none
 */
export function policyOf(
  workload: Workload,
  commands: readonly string[],
  bucket?: string,
): PolicyDocument {
  const actionsByScopes = new Map<string, Set<string>>()
  for (const [action, scopes] of commands.flatMap((name) => Object.entries(RIGHTS[name] ?? {}))) {
    const arns = (scopes ?? []).flatMap((scope) => arnsOf(scope, workload, bucket))
    if (arns.length === 0) continue
    const key = JSON.stringify([scopes, arns])
    actionsByScopes.set(key, (actionsByScopes.get(key) ?? new Set()).add(action))
  }
  const statements = [...actionsByScopes].map(([key, actions]): Statement => {
    const [scopes, Resource] = JSON.parse(key) as [Scope[], string[]]
    const Sid = scopes.map((scope) => scope[0]!.toUpperCase() + scope.slice(1)).join('And')
    return { Sid, Effect: 'Allow', Action: [...actions].toSorted(), Resource }
  })
  return { Version: '2012-10-17', Statement: statements }
}

function arnsOf(scope: Scope, workload: Workload, only?: string): string[] {
  const { region, database, buckets, lock } = workload
  const rds = (rest: string) => `arn:aws:rds:${region}:*:${rest}`
  const s3 = (rest: string) => `arn:aws:s3:::${rest}`
  // Secrets Manager puts six characters of its own behind a name.
  const secret = (name: string) =>
    name.startsWith('arn:') ? name : `arn:aws:secretsmanager:${region}:*:secret:${name}-??????`
  const { instance, secret: own, adminSecret } = database
  const replicated = buckets.flatMap((one) => (one.replica ? [{ ...one, to: one.replica }] : []))
  const ledger = ledgerBucketOf(workload)
  const ofWorkload = buckets.length > 0 ? buckets.map((one) => one.bucket) : ['*']
  const named = only === undefined ? ofWorkload : [only]
  switch (scope) {
    case 'database':
      return [rds(`db:${instance.toLowerCase()}`)]
    case 'copies':
      return [rds(`db:${instance.toLowerCase().slice(0, 40)}*`)]
    case 'snapshots':
      return [rds('snapshot:*')]
    case 'backups':
      return [rds('auto-backup:*')]
    case 'groups':
      return [rds('pg:*'), rds('subgrp:*'), rds('og:*')]
    case 'secret':
      return [secret(own)]
    case 'logins':
      return [...new Set([secret(own), secret(adminSecret)])]
    case 'buckets':
      return buckets.map((one) => s3(one.bucket))
    case 'objects':
      return buckets.flatMap((one) => one.prefixes.map((prefix) => s3(`${one.bucket}/${prefix}*`)))
    case 'namedBuckets':
      return named.map((bucket) => s3(bucket))
    case 'namedObjects':
      return named.map((bucket) => s3(`${bucket}/*`))
    case 'replicas':
      return replicated.map(({ to }) => s3(to.bucket))
    case 'canaries':
      return replicated.map((one) => s3(`${one.bucket}/${canaryKey(one)}`))
    case 'replicaCanaries':
      return replicated.map((one) => s3(`${one.to.bucket}/${canaryKey(one)}`))
    case 'ledger':
      return ledger ? [s3(`${ledger.bucket}/${ledger.prefix}*`)] : []
    case 'jobs':
      return [`arn:aws:s3:${region}:*:job/*`]
    case 'anything':
      return ['*']
    case 'roles':
      return ['arn:aws:iam::*:role/*']
    case 'lock':
      return lock ? [s3(`${lock.bucket}/${lock.prefix}*`)] : []
    case 'lockBucket':
      return lock ? [s3(lock.bucket)] : []
  }
}
