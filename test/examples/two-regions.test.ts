import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { ECS } from '@aws-sdk/client-ecs'
import { IAM } from '@aws-sdk/client-iam'
import { RDS } from '@aws-sdk/client-rds'
import { Route53 } from '@aws-sdk/client-route-53'
import { GetBucketReplicationCommand, ListBucketsCommand } from '@aws-sdk/client-s3'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { SNS } from '@aws-sdk/client-sns'
import { beforeAll, describe, expect, test } from 'vitest'
import { outputOf, runs } from '../aws/clients/program.ts'
import { HERE, THERE, twoRegions } from '../aws/s3/two-regions.ts'

const folder = join(import.meta.dirname, '..', '..', 'examples', 'two-regions')
const hasBoto = runs('python3', ['-c', 'import boto3'])
const hasCli = runs('aws', ['--version'])

/** What the image of the stack's service stands for. */
const WEB = { entryPoint: ['/bin/sleep', 'infinity'], allowEnvironment: ['DATABASE'] }

/** The aws CLI asks every 30 seconds whether something is there, so that its half takes minutes. */
const isLong = process.env.LIFEBOAT_STACKS === 'all'
const whyNoCli = hasCli ? ' (skipped: needs LIFEBOAT_STACKS=all)' : ' (skipped: needs aws CLI)'

describe('the stack in two regions', () => {
  const world = twoRegions()
  beforeAll(async () => {
    const images = join(world.home().folder, 'images.json')
    await writeFile(images, JSON.stringify({ web: WEB }), { mode: 0o600 })
  })
  const stack = async (program: 'stack.py' | 'stack.sh', verb: 'up' | 'down') => {
    const { endpoint, credentials } = world.client(HERE)
    await outputOf(program === 'stack.py' ? 'python3' : 'bash', [join(folder, program), verb], {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_DEFAULT_REGION: THERE,
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  }

  test.skipIf(!hasBoto)(
    `boto3 builds it, and leaves nothing${hasBoto ? '' : ' (skipped: needs boto3)'}`,
    async () => {
      const before = await described()
      expect(isEmpty(before)).toBe(true)
      await stack('stack.py', 'up')
      expect(await described()).toEqual(STACK)
      await stack('stack.py', 'down')
      expect(await described()).toEqual(before)
    },
    300_000,
  )

  test.skipIf(!hasCli || !isLong)(
    `the aws CLI builds the same, and leaves nothing${hasCli && isLong ? '' : whyNoCli}`,
    async () => {
      const before = await described()
      expect(isEmpty(before)).toBe(true)
      await stack('stack.sh', 'up')
      expect(await described()).toEqual(STACK)
      await stack('stack.sh', 'down')
      expect(await described()).toEqual(before)
    },
    900_000,
  )

  /** All that the stack is made of, in both regions, as its services tell, without what is new each time. */
  async function described() {
    const [names, iam] = [new Route53(world.client(THERE)), new IAM(world.client(THERE))]
    const { HostedZones: zones = [] } = await names.listHostedZones()
    const records = zones.map(async ({ Id }) => {
      const { ResourceRecordSets = [] } = await names.listResourceRecordSets({ HostedZoneId: Id! })
      return ResourceRecordSets.filter(({ Type }) => Type === 'A').map((one) => [
        ...[one.Name, one.TTL, one.Failover, one.HealthCheckId !== undefined],
        one.ResourceRecords?.map(({ Value }) => Value).join(),
      ])
    })
    const { HealthChecks: checks = [] } = await names.listHealthChecks()
    const { Roles = [] } = await iam.listRoles({ PathPrefix: '/' })
    const roles = Roles.filter(({ Path }) => Path === '/').map(async ({ RoleName }) => {
      const policy = await iam.getRolePolicy({ RoleName: RoleName!, PolicyName: 'own' })
      return [RoleName, JSON.parse(decodeURIComponent(policy.PolicyDocument!)).Statement.length]
    })
    return {
      zones: zones.map(({ Name }) => Name),
      records: (await Promise.all(records)).flat(),
      checks: checks.map(({ HealthCheckConfig: config }) => [
        ...[config?.Type, config?.FullyQualifiedDomainName, config?.Port, config?.ResourcePath],
      ]),
      roles: await Promise.all(roles),
      here: await inRegion(HERE),
      there: await inRegion(THERE),
    }
  }

  async function inRegion(region: string) {
    const client = world.client(region)
    const s3 = world.s3(region)
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({ BucketRegion: region }))
    const buckets = Buckets.map(async ({ Name }) => {
      const replication = s3.send(new GetBucketReplicationCommand({ Bucket: Name }))
      const rules = await replication.then(
        ({ ReplicationConfiguration: told }) => told?.Rules?.map((rule) => rule.Destination),
        (error: Error) => error.name,
      )
      return [Name, rules]
    })
    const { DBInstances = [] } = await new RDS(client).describeDBInstances()
    const secrets = new SecretsManager(client)
    const { SecretList = [] } = await secrets.listSecrets()
    const contents = SecretList.map(async ({ Name, PrimaryRegion }) => {
      const { SecretString } = await secrets.getSecretValue({ SecretId: Name! })
      return [Name, PrimaryRegion, Object.keys(JSON.parse(SecretString!)).sort().join()]
    })
    const { MetricAlarms = [] } = await new CloudWatch(client).describeAlarms()
    const { Topics = [] } = await new SNS(client).listTopics()
    return {
      buckets: await Promise.all(buckets),
      databases: DBInstances.map((one) => [
        ...[one.DBInstanceIdentifier, one.DBInstanceStatus, one.StorageEncrypted],
        ...[one.BackupRetentionPeriod, one.ReadReplicaSourceDBInstanceIdentifier],
      ]),
      secrets: await Promise.all(contents),
      alarms: MetricAlarms.map((one) => [one.AlarmName, one.Threshold, one.AlarmActions]),
      topics: Topics.map(({ TopicArn }) => TopicArn),
      services: await servicesOf(new ECS(client)),
    }
  }

  async function servicesOf(ecs: ECS) {
    const { clusterArns: clusters = [] } = await ecs.listClusters({})
    const described = clusters.map(async (cluster) => {
      const { services = [] } = await ecs.describeServices({ cluster, services: ['web'] })
      return services.map((one) => [one.serviceName, one.status, one.runningCount])
    })
    const { taskDefinitionArns = [] } = await ecs.listTaskDefinitions({})
    return [(await Promise.all(described)).flat(), taskDefinitionArns.length]
  }
})

/** Nothing but empty lists and counts of nothing. */
function isEmpty(told: unknown): boolean {
  if (typeof told !== 'object' || told === null) return told === 0
  return Object.values(told).every(isEmpty)
}

const BUCKETS = [`two-regions-${HERE}`, `two-regions-${THERE}`] as const
const SECRET = ['two-regions/db', HERE, 'dbname,host,password,port,username']
const TOPIC = `arn:aws:sns:${THERE}:000000000000:two-regions-alarms`
const STACK = {
  zones: ['two-regions.test.'],
  records: [
    ['app.two-regions.test.', 5, 'PRIMARY', true, '127.0.0.11'],
    ['app.two-regions.test.', 5, 'SECONDARY', false, '127.0.0.12'],
    ['primary.two-regions.test.', 5, undefined, false, '127.0.0.1'],
  ],
  checks: [['HTTP', 'primary.two-regions.test', 8080, '/health']],
  roles: [
    ['two-regions-replication', 3],
    ['two-regions-tasks', 1],
  ],
  here: {
    buckets: [[BUCKETS[0], [{ Bucket: `arn:aws:s3:::${BUCKETS[1]}` }]]],
    databases: [['two-regions-db', 'available', true, 7, undefined]],
    secrets: [SECRET],
    alarms: [],
    topics: [],
    services: [[['web', 'ACTIVE', 1]], 1],
  },
  there: {
    buckets: [[BUCKETS[1], 'ReplicationConfigurationNotFoundError']],
    databases: [
      [
        ...['two-regions-db-replica', 'available', true, 0],
        `arn:aws:rds:${HERE}:000000000000:db:two-regions-db`,
      ],
    ],
    secrets: [SECRET],
    alarms: [['two-regions-lag', 60, [TOPIC]]],
    topics: [TOPIC],
    services: [[['web', 'ACTIVE', 0]], 1],
  },
}
