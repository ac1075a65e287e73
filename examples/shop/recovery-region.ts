/**
 * The shop's second region, made with the AWS SDK: a replica of the database, copies of the secret and of the receipts, the
 * service in both regions, and one name that leads to the first of them.
 *
 * AWS_REGION            where the shop runs
 * SHOP_RECOVERY_REGION  where it can run
 * SHOP_STRATEGY         what stands there while all is well: backup-and-restore, pilot-light, warm-standby or active-active
 * SHOP_ADDRESSES        the address of the service in each region, `127.0.0.11,127.0.0.12`
 * SHOP_PORT             of both
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs'
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  CreateDBInstanceReadReplicaCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  RDSClient,
  StartDBInstanceAutomatedBackupsReplicationCommand,
} from '@aws-sdk/client-rds'
import {
  ChangeResourceRecordSetsCommand,
  CreateHealthCheckCommand,
  CreateHostedZoneCommand,
  GetHealthCheckStatusCommand,
  type ResourceRecordSet,
  Route53Client,
  TestDNSAnswerCommand,
} from '@aws-sdk/client-route-53'
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  ReplicateSecretToRegionsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { bucket } from './receipts.ts'

const home = process.env.AWS_REGION ?? ''
const away = process.env.SHOP_RECOVERY_REGION ?? ''
const strategy = process.env.SHOP_STRATEGY ?? 'warm-standby'
const addresses = process.env.SHOP_ADDRESSES ?? '127.0.0.11,127.0.0.12'
const [homeAddress = '', awayAddress = ''] = addresses.split(',')
const port = Number(process.env.SHOP_PORT ?? 8080)
const instance = process.env.SHOP_INSTANCE ?? 'shop-db'
const secret = process.env.SHOP_SECRET ?? 'shop/database'
const standby = `${instance}-standby`
const replica = `${bucket}-${away}`
const zoneName = 'shop.example'
const name = `www.${zoneName}`

const account = '000000000000'
const at = (region: string) => ({ region })
const s3At = (region: string) =>
  new S3Client({ region, forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined })

const hasStandby = strategy !== 'backup-and-restore'
const [taskRole] = await Promise.all([makeTaskRole(), replicateReceipts(), replicateSecret()])
const database = hasStandby ? await createReplica() : await replicateBackups()
await Promise.all([
  runService(home, { address: homeAddress, receipts: bucket, tasks: 1 }),
  runService(away, {
    address: awayAddress,
    receipts: replica,
    tasks: strategy === 'warm-standby' || strategy === 'active-active' ? 1 : 0,
    ...(hasStandby && strategy !== 'active-active' ? { database } : {}),
  }),
])
const zone = await createName()
console.log(JSON.stringify({ standby: hasStandby ? standby : null, replica, zone, name, port }))

/** What the service may: read the secret, store receipts. */
async function makeTaskRole(): Promise<string> {
  return await makeRole(
    'shop-task',
    ['ecs-tasks.amazonaws.com'],
    [
      {
        action: ['secretsmanager:GetSecretValue'],
        resource: `arn:aws:secretsmanager:*:*:secret:${secret}-*`,
      },
      { action: ['s3:PutObject'], resource: `arn:aws:s3:::${bucket}*/*` },
    ],
  )
}

async function makeRole(
  role: string,
  services: string[],
  rights: { action: string[]; resource: string | string[] }[],
): Promise<string> {
  const iam = new IAMClient({})
  const trust = [{ Effect: 'Allow', Principal: { Service: services }, Action: 'sts:AssumeRole' }]
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: role,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: trust }),
    }),
  )
  const statements = rights.map(({ action, resource }) => ({
    Effect: 'Allow',
    Action: action,
    Resource: resource,
  }))
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: role,
      PolicyName: role,
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
    }),
  )
  return Role?.Arn ?? ''
}

async function replicateReceipts(): Promise<void> {
  const pair = [bucket, replica]
  const LocationConstraint = away as BucketLocationConstraint
  const isDefault = away === 'us-east-1'
  await s3At(away).send(
    new CreateBucketCommand({
      Bucket: replica,
      ...(!isDefault && { CreateBucketConfiguration: { LocationConstraint } }),
    }),
  )
  const VersioningConfiguration = { Status: 'Enabled' as const }
  await s3At(away).send(
    new PutBucketVersioningCommand({ Bucket: replica, VersioningConfiguration }),
  )
  // S3 as receipts are written, and its batch jobs.
  const replicating = ['s3.amazonaws.com', 'batchoperations.s3.amazonaws.com']
  const Role = await makeRole('shop-replication', replicating, [
    {
      action: ['s3:GetReplicationConfiguration', 's3:ListBucket', 's3:PutInventoryConfiguration'],
      resource: pair.map((one) => `arn:aws:s3:::${one}`),
    },
    {
      action: [
        's3:InitiateReplication',
        's3:GetObjectVersionForReplication',
        's3:GetObjectVersionAcl',
        's3:GetObjectVersionTagging',
        's3:ReplicateObject',
        's3:ReplicateDelete',
        's3:ReplicateTags',
      ],
      resource: pair.map((one) => `arn:aws:s3:::${one}/*`),
    },
  ])
  const lead = (region: string, from: string, to: string, Status: 'Enabled' | 'Disabled') =>
    s3At(region).send(
      new PutBucketReplicationCommand({
        Bucket: from,
        ReplicationConfiguration: {
          Role,
          Rules: [
            {
              ID: 'receipts',
              Status,
              Priority: 1,
              Filter: { Prefix: '' },
              DeleteMarkerReplication: { Status: 'Enabled' },
              Destination: { Bucket: `arn:aws:s3:::${to}` },
            },
          ],
        },
      }),
    )
  await lead(home, bucket, replica, 'Enabled')
  // The way home, which a failback turns on.
  await lead(away, replica, bucket, 'Disabled')
}

async function replicateSecret(): Promise<void> {
  await new SecretsManagerClient(at(home)).send(
    new ReplicateSecretToRegionsCommand({
      SecretId: secret,
      AddReplicaRegions: [{ Region: away }],
    }),
  )
}

/** An encrypted database needs a key of the region that its replica is in. */
async function makeKey(): Promise<string | undefined> {
  const { KeyMetadata } = await new KMSClient(at(away)).send(new CreateKeyCommand({}))
  return KeyMetadata?.Arn
}

/** @returns where it answers; a replica keeps its endpoint when it is promoted */
async function createReplica(): Promise<string> {
  const rds = new RDSClient(at(away))
  await rds.send(
    new CreateDBInstanceReadReplicaCommand({
      DBInstanceIdentifier: standby,
      SourceDBInstanceIdentifier: `arn:aws:rds:${home}:${account}:db:${instance}`,
      DBInstanceClass: 'db.t4g.medium',
      KmsKeyId: await makeKey(),
    }),
  )
  return await until(`'${standby}' is available`, async () => {
    const { DBInstances: [found] = [] } = await rds.send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier: standby }),
    )
    const { Address, Port } = found?.Endpoint ?? {}
    return found?.DBInstanceStatus === 'available' ? `${Address}:${Port}` : undefined
  })
}

/** Backup and restore: nothing stands there but backups. */
async function replicateBackups(): Promise<undefined> {
  const rds = new RDSClient(at(away))
  const SourceDBInstanceArn = `arn:aws:rds:${home}:${account}:db:${instance}`
  await rds.send(
    new StartDBInstanceAutomatedBackupsReplicationCommand({
      SourceDBInstanceArn,
      KmsKeyId: await makeKey(),
    }),
  )
  await until('backups are replicated', async () => {
    const { DBInstanceAutomatedBackups: all = [] } = await rds.send(
      new DescribeDBInstanceAutomatedBackupsCommand({}),
    )
    return all.find(({ RestoreWindow }) => RestoreWindow?.LatestTime)?.DBInstanceArn
  })
}

async function runService(
  region: string,
  o: { address: string; receipts: string; tasks: number; database?: string | undefined },
): Promise<void> {
  const ecs = new ECSClient(at(region))
  await ecs.send(new CreateClusterCommand({ clusterName: 'shop' }))
  const variables = {
    SHOP_HOST: o.address,
    SHOP_PORT: String(port),
    SHOP_SECRET: secret,
    SHOP_RECEIPTS: o.receipts,
    ...(o.database && { SHOP_DATABASE: o.database }),
  }
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: 'shop',
      taskRoleArn: taskRole,
      containerDefinitions: [
        {
          name: 'shop',
          image: 'shop',
          memory: 256,
          environment: Object.entries(variables).map(([key, value]) => ({ name: key, value })),
        },
      ],
    }),
  )
  await ecs.send(
    new CreateServiceCommand({
      cluster: 'shop',
      serviceName: 'shop',
      taskDefinition: 'shop',
      desiredCount: o.tasks,
    }),
  )
}

/**
 * A failover pair. The check of the secondary asks whether its database takes writes, so that customers are not led there
 * before it does.
 */
async function createName(): Promise<string> {
  const route53 = new Route53Client({})
  const { HostedZone } = await route53.send(
    new CreateHostedZoneCommand({ Name: zoneName, CallerReference: `shop-${Date.now()}` }),
  )
  const zoneId = HostedZone?.Id?.split('/').at(-1) ?? ''
  const record = async (role: 'PRIMARY' | 'SECONDARY', address: string, path: string) => {
    const { HealthCheck } = await route53.send(
      new CreateHealthCheckCommand({
        CallerReference: `shop-${role}-${Date.now()}`,
        HealthCheckConfig: {
          Type: 'HTTP',
          IPAddress: address,
          Port: port,
          ResourcePath: path,
          RequestInterval: 10,
          FailureThreshold: 3,
        },
      }),
    )
    const ResourceRecordSet: ResourceRecordSet = {
      Name: name,
      Type: 'A',
      SetIdentifier: role.toLowerCase(),
      Failover: role,
      TTL: 5,
      HealthCheckId: HealthCheck?.Id,
      ResourceRecords: [{ Value: address }],
    }
    return { Action: 'CREATE' as const, ResourceRecordSet }
  }
  const primary = await record('PRIMARY', homeAddress, '/health')
  const Changes = [primary, await record('SECONDARY', awayAddress, '/ready')]
  await route53.send(
    new ChangeResourceRecordSetsCommand({ HostedZoneId: zoneId, ChangeBatch: { Changes } }),
  )
  await untilNameLeadsHome(route53, zoneId, primary.ResourceRecordSet)
  return zoneId
}

/** Before its check has found anything, and while it has failed, the name leads to either; and who keeps a connection stays there. */
async function untilNameLeadsHome(
  route53: Route53Client,
  zoneId: string,
  { HealthCheckId }: ResourceRecordSet,
): Promise<void> {
  await until(`'${name}' leads to the service in ${home}, which is healthy`, async () => {
    const { HealthCheckObservations: seen = [] } = await route53.send(
      new GetHealthCheckStatusCommand({ HealthCheckId }),
    )
    const healthy = seen.filter(({ StatusReport }) => StatusReport?.Status?.startsWith('Success'))
    if (healthy.length <= seen.length / 2) return undefined
    const { RecordData = [] } = await route53.send(
      new TestDNSAnswerCommand({ HostedZoneId: zoneId, RecordName: name, RecordType: 'A' }),
    )
    return RecordData.includes(homeAddress) || undefined
  })
}

async function until<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  const deadline = Date.now() + 20 * 60_000
  while (Date.now() < deadline) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(100)
  }
  throw new Error(`it did not come to be that ${what}`)
}
