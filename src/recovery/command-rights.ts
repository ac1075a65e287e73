/** What actions are about, by a name that says it in the policy's `Sid`. */
export type Scope =
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
  | 'awayJobs'
  | 'anything'
  | 'roles'
  | 'lock'
  | 'lockBucket'
  | 'homeKeys'
  | 'awayCopies'
  | 'awayGroups'
  | 'awaySnapshots'
  | 'awayBackups'
  | 'awayKeys'
  | 'awayLogins'
  | 'replicaObjects'
  | 'services'
  | 'pairOfDatabases'
  | 'anyZone'
  | 'zones'
  | 'dnsChanges'
  | 'healthChecks'
  | 'keys'
  | 'functions'

type Rights = Readonly<Partial<Record<string, readonly Scope[]>>>

/** Logins, and what signs notifications and the reports of witnesses. */
const READ_KEYS: Rights = { 'secretsmanager:GetSecretValue': ['logins', 'awayLogins', 'keys'] }
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

/** What the user's own steps of a runbook call. */
const OWN_STEPS: Rights = { 'lambda:InvokeFunction': ['functions'] }

const LOCK: Rights = {
  's3:GetObject': ['lock'],
  's3:ListBucket': ['lockBucket'],
  's3:PutObject': ['lock'],
}
/** Where customers are led; and, from outside, whether the region is there. */
const SEE_NAME: Rights = {
  'route53:ListHostedZonesByName': ['anyZone'],
  'route53:ListResourceRecordSets': ['zones'],
  'route53:GetHealthCheck': ['healthChecks'],
  'route53:GetHealthCheckStatus': ['healthChecks'],
}
const SEE_REGION: Rights = { ...SEE_NAME, 'rds:DescribeDBInstances': ['pairOfDatabases'] }
const LEAD_CUSTOMERS: Rights = {
  ...SEE_REGION,
  'route53:ChangeResourceRecordSets': ['zones'],
  'route53:GetChange': ['dnsChanges'],
  'route53:UpdateHealthCheck': ['healthChecks'],
}
/** How many tasks there were is kept in a tag while there are none. */
const SERVICES: Rights = {
  'ecs:DescribeServices': ['services'],
  'ecs:UpdateService': ['services'],
  'ecs:TagResource': ['services'],
  'ecs:UntagResource': ['services'],
}

/**
 * Every right that a command asks of AWS, by its action, and what the action is about. `sts:GetCallerIdentity` needs none.
 *
 * Source: Service Authorization Reference, "Amazon RDS", "Amazon S3" and "AWS Secrets Manager".
 */
export const COMMAND_RIGHTS: Readonly<Record<string, Rights>> = {
  // Away from home a workload is looked at where it is.
  status: {
    ...SEE_NAME,
    'secretsmanager:GetSecretValue': ['logins', 'awayLogins'],
    'rds:DescribeDBInstanceAutomatedBackups': ['backups', 'database', 'awayBackups', 'awayCopies'],
    'rds:DescribeDBInstances': ['database', 'awayCopies'],
    's3:ListBucketVersions': ['buckets', 'replicas'],
    's3:GetBucketVersioning': ['buckets', 'replicas'],
    's3:GetReplicationConfiguration': ['buckets', 'replicas'],
    // Why a version is not there; and, without the second one, S3 answers 403 where there is no object.
    's3:GetObjectVersion': ['objects', 'replicaObjects'],
    's3:GetObject': ['objects', 'replicaObjects'],
    's3:ListBucket': ['buckets', 'replicas'],
  },
  watch: {
    ...SEE_REGION,
    ...READ_KEYS,
    'ecs:DescribeServices': ['services'],
    'ecs:UpdateService': ['services'],
    's3:ListBucketVersions': ['buckets', 'replicas'],
    's3:GetObject': ['objects', 'replicaObjects'],
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
    ...OWN_STEPS,
    'secretsmanager:GetSecretValue': ['logins', 'keys'],
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
  'runbook run region-failure': {
    ...OWN_STEPS,
    ...LOCK,
    ...LEAD_CUSTOMERS,
    'rds:DescribeDBInstanceAutomatedBackups': ['awayBackups'],
    'rds:DescribeDBSnapshots': ['copies', 'awaySnapshots'],
    'rds:PromoteReadReplica': ['awayCopies'],
    'rds:ModifyDBInstance': ['awayCopies', 'awayGroups'],
    'rds:RestoreDBInstanceToPointInTime': ['awayCopies', 'awayGroups', 'awayBackups'],
    'rds:RestoreDBInstanceFromDBSnapshot': ['awayCopies', 'awayGroups', 'awaySnapshots'],
    'rds:AddTagsToResource': ['awayCopies'],
    ...READ_KEYS,
    'secretsmanager:DescribeSecret': ['awayLogins'],
    'secretsmanager:StopReplicationToReplica': ['awayLogins'],
    'secretsmanager:PutSecretValue': ['awayLogins'],
    ...SERVICES,
    's3:ListBucketVersions': ['replicas'],
    's3:GetReplicationConfiguration': ['replicas'],
  },
  'runbook run failback': {
    ...OWN_STEPS,
    ...LOCK,
    ...LEAD_CUSTOMERS,
    'rds:CreateDBInstanceReadReplica': ['copies', 'groups', 'awayCopies', 'awayGroups'],
    'rds:AddTagsToResource': ['copies', 'awayCopies'],
    'rds:DescribeDBInstanceAutomatedBackups': ['awayBackups'],
    'rds:StartDBInstanceAutomatedBackupsReplication': ['copies', 'awayBackups'],
    'rds:PromoteReadReplica': ['copies'],
    'rds:ModifyDBInstance': ['copies', 'groups'],
    'rds:DeleteDBInstance': ['copies'],
    'kms:DescribeKey': ['homeKeys', 'awayKeys'],
    'kms:CreateGrant': ['homeKeys', 'awayKeys'],
    ...READ_KEYS,
    'secretsmanager:DescribeSecret': ['logins', 'awayLogins'],
    'secretsmanager:StopReplicationToReplica': ['logins'],
    'secretsmanager:PutSecretValue': ['logins'],
    'secretsmanager:ReplicateSecretToRegions': ['logins'],
    ...SERVICES,
    's3:ListBucketVersions': ['buckets', 'replicas'],
    's3:GetObjectVersion': ['replicaObjects'],
    's3:GetObjectVersionTagging': ['replicaObjects'],
    's3:GetObject': ['lock', 'objects', 'replicaObjects'],
    's3:PutObject': ['lock', 'objects'],
    's3:PutObjectTagging': ['objects'],
    's3:DeleteObject': ['objects'],
    's3:GetReplicationConfiguration': ['buckets', 'replicas'],
    's3:PutReplicationConfiguration': ['buckets', 'replicas'],
    's3:CreateJob': ['anything'],
    's3:DescribeJob': ['jobs', 'awayJobs'],
    'iam:PassRole': ['roles'],
  },
  cost: LIST_VERSIONS,
  'objects restore': restoring('namedBuckets', 'namedObjects'),
  'objects rules-home': { 's3:GetReplicationConfiguration': ['namedBuckets', 'replicas'] },
  'objects backfill': {
    's3:GetReplicationConfiguration': ['namedBuckets'],
    's3:CreateJob': ['anything'],
    's3:DescribeJob': ['jobs'],
    'iam:PassRole': ['roles'],
  },
}
