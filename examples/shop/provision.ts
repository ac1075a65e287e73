/**
 * The shop's infrastructure, made with the AWS SDK: a parameter group, the DB instance and the secret.
 *
 * SHOP_INSTANCE  the DB instance's identifier; shop-db unless told
 * SHOP_SECRET    the secret's name; shop/database unless told
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
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

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
console.log(
  JSON.stringify({
    instance,
    secret,
    version: version.EngineVersion,
    host: endpoint?.Address,
    port: endpoint?.Port,
  }),
)

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
