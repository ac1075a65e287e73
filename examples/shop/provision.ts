/**
 * The shop's infrastructure, made with the AWS SDK: a parameter group, the DB instance, the secret and the bucket.
 *
 * SHOP_INSTANCE  the DB instance's identifier; shop-db unless told
 * SHOP_SECRET    the secret's name; shop/database unless told
 * SHOP_RECEIPTS  the bucket's name; shop-receipts unless told
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateDBInstanceCommand,
  CreateDBParameterGroupCommand,
  type DBInstance,
  DescribeDBEngineVersionsCommand,
  DescribeDBInstancesCommand,
  ModifyDBParameterGroupCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { bucket } from './receipts.ts'

const instance = process.env.SHOP_INSTANCE ?? 'shop-db'
const secret = process.env.SHOP_SECRET ?? 'shop/database'
const parameterGroup = `${instance}-parameters`
const username = 'shop'
const password = randomBytes(18).toString('base64url')
const tags = [
  { Key: 'service', Value: 'shop' },
  { Key: 'owner', Value: 'orders-team' },
]

const rds = new RDSClient({})
const secretsManager = new SecretsManagerClient({})

const version = await newestVersion()
const bucketIsThere = createBucket()
await rds.send(
  new CreateDBParameterGroupCommand({
    DBParameterGroupName: parameterGroup,
    DBParameterGroupFamily: version.DBParameterGroupFamily,
    Description: 'remembers when each row was committed',
  }),
)
await rds.send(
  new ModifyDBParameterGroupCommand({
    DBParameterGroupName: parameterGroup,
    Parameters: [
      {
        ParameterName: 'track_commit_timestamp',
        ParameterValue: '1',
        ApplyMethod: 'pending-reboot',
      },
    ],
  }),
)
await rds.send(
  new CreateDBInstanceCommand({
    DBInstanceIdentifier: instance,
    DBInstanceClass: 'db.t4g.medium',
    Engine: 'postgres',
    EngineVersion: version.EngineVersion,
    AllocatedStorage: 20,
    StorageEncrypted: true,
    DBName: 'shop',
    MasterUsername: username,
    MasterUserPassword: password,
    DBParameterGroupName: parameterGroup,
    BackupRetentionPeriod: 7,
    PreferredBackupWindow: '03:00-04:00',
    DeletionProtection: true,
    CopyTagsToSnapshot: true,
    Tags: tags,
  }),
)
const { Endpoint: endpoint } = await untilAvailable()
await secretsManager.send(
  new CreateSecretCommand({
    Name: secret,
    SecretString: JSON.stringify({
      engine: 'postgres',
      host: endpoint?.Address,
      port: endpoint?.Port,
      dbname: 'shop',
      username,
      password,
      dbInstanceIdentifier: instance,
    }),
    Tags: tags,
  }),
)
await bucketIsThere
console.log(
  JSON.stringify({
    instance,
    bucket,
    secret,
    version: version.EngineVersion,
    host: endpoint?.Address,
    port: endpoint?.Port,
  }),
)

/** With versions, without which nothing that was overwritten or deleted comes back. */
async function createBucket(): Promise<void> {
  const s3 = new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined })
  const region = (await s3.config.region()) as BucketLocationConstraint
  // S3 takes us-east-1 for granted and refuses its name.
  const isDefault = (region as string) === 'us-east-1'
  await s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      ...(!isDefault && { CreateBucketConfiguration: { LocationConstraint: region } }),
    }),
  )
  await s3.send(
    new PutBucketVersioningCommand({
      Bucket: bucket,
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  )
}

async function newestVersion() {
  const { DBEngineVersions: versions = [] } = await rds.send(
    new DescribeDBEngineVersionsCommand({ Engine: 'postgres' }),
  )
  const major = (name = '') => Number(name.split('.')[0])
  const [newest] = versions.sort((a, b) => major(b.EngineVersion) - major(a.EngineVersion))
  if (!newest) throw new Error('this region offers no version of PostgreSQL')
  return newest
}

async function untilAvailable(): Promise<DBInstance> {
  const deadline = Date.now() + 20 * 60_000
  while (Date.now() < deadline) {
    const { DBInstances: [found] = [] } = await rds.send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance }),
    )
    if (found?.DBInstanceStatus === 'available') return found
    await sleep(100)
  }
  throw new Error(`DB instance '${instance}' did not become available`)
}
