import { join } from 'node:path'
import { IAM } from '@aws-sdk/client-iam'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ListedVersion } from '../../src/aws/buckets.ts'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { costOf } from '../../src/recovery/cost/cost.ts'
import { PRICES } from '../../src/recovery/cost/prices.ts'
import { beginBackfill, followBackfill } from '../../src/recovery/objects/backfill.ts'
import { sendCanary } from '../../src/recovery/objects/canary.ts'
import {
  createBackup,
  dataCorruptionInput,
  listBackups,
  monitorOf,
  policyOf,
  RUNBOOKS,
  recoveryTools,
  restore,
  statusOf,
} from '../../src/recovery/recovery.ts'
import type { PolicyDocument } from '../../src/recovery/rights.ts'
import type { ReplicatedBucket, Workload } from '../../src/recovery/workload.ts'
import { ledgerBucketOf } from '../../src/recovery/write-ledger.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { EmbeddedShop, RECEIPTS, REGION, WORKLOAD_WITH_RECEIPTS } from './embedded-shop.ts'

const REPLICA = 'shop-receipts-replica'
const ROLE = 'receipts-replication'
/** With a replica, which only for this test is in the same region. */
const WORKLOAD: Workload = {
  ...WORKLOAD_WITH_RECEIPTS,
  buckets: WORKLOAD_WITH_RECEIPTS.buckets.map((bucket) => ({
    ...bucket,
    replica: { bucket: REPLICA, region: REGION },
  })),
}

let shop: EmbeddedShop
let iam: IAM
let region: RegionClient
let executions: Executions
let surroundings: EmbeddedShop['surroundings']

beforeAll(async () => {
  shop = await EmbeddedShop.start({ receipts: true })
  iam = new IAM(shop.aws())
  await replicateReceipts()
  region = await allowed('lifeboat', policyOf(WORKLOAD, ['watch', 'runbook run data-corruption']))
  surroundings = { ...shop.surroundings, region, reach: async () => region }
  executions = await Executions.open({
    database: shop.state,
    runbooks: [...RUNBOOKS],
    tools: () => recoveryTools(surroundings, (id) => executions.get(id)),
    clock: systemClock,
  })
})
afterAll(async () => {
  await executions?.close()
  iam?.destroy()
  for (const client of clients) client.close()
  await shop?.stop()
})

/** A role that may all, so that nothing but Lifeboat's own rights is tried here. */
async function replicateReceipts(): Promise<void> {
  const Service = ['s3.amazonaws.com', 'batchoperations.s3.amazonaws.com']
  const document = (statement: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] })
  const { Role } = await iam.createRole({
    RoleName: ROLE,
    AssumeRolePolicyDocument: document({ Principal: { Service }, Action: 'sts:AssumeRole' }),
  })
  const PolicyDocument = document({ Action: 's3:*', Resource: '*' })
  await iam.putRolePolicy({ RoleName: ROLE, PolicyName: 'all', PolicyDocument })
  await shop.s3.send(new CreateBucketCommand({ Bucket: REPLICA }))
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await shop.s3.send(new PutBucketVersioningCommand({ Bucket: REPLICA, VersioningConfiguration }))
  const rule = {
    ID: 'all',
    Status: 'Enabled',
    Prefix: '',
    Destination: { Bucket: `arn:aws:s3:::${REPLICA}` },
  } as const
  await shop.s3.send(
    new PutBucketReplicationCommand({
      Bucket: RECEIPTS,
      ReplicationConfiguration: { Role: Role!.Arn!, Rules: [rule] },
    }),
  )
}

const clients: RegionClient[] = []

/** A client of a user that may do what a policy says and nothing else. */
async function allowed(user: string, policy: PolicyDocument): Promise<RegionClient> {
  await iam.createUser({ UserName: user })
  // A policy of its own: those that are part of a user may be a third as long.
  const { Policy } = await iam.createPolicy({
    PolicyName: user,
    PolicyDocument: JSON.stringify(policy),
  })
  await iam.attachUserPolicy({ UserName: user, PolicyArn: Policy!.Arn! })
  const { AccessKey } = await iam.createAccessKey({ UserName: user })
  const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {}
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }
  const client = new RegionClient({ ...shop.aws(), credentials, clock: systemClock })
  clients.push(client)
  return client
}

let made = 0

type Command = (region: RegionClient) => Promise<unknown>

/** Commands that are quick, as they work on a region. */
const QUICK: Readonly<Record<string, Command>> = {
  status: async (at) => {
    // A receipt that is not there, so that it is looked for a second time.
    await shop.sql(`UPDATE orders SET receipt = 'receipts/none' WHERE id = 1`)
    const around = { ...shop.surroundings, region: at, reach: async () => at }
    const status = await statusOf(WORKLOAD, { workload: WORKLOAD, away: null }, around)
    // What could not be asked is said beside the rest.
    expect(JSON.stringify(status)).not.toMatch(/AccessDenied|CredentialsRefused|CallRefused/)
    expect(status.checks.at(-1)).toMatchObject({ state: 'failed', value: '1' })
    await shop.sql(`UPDATE orders SET receipt = 'receipts/05/1.txt' WHERE id = 1`)
  },
  watch: async (at) => {
    await shop.sql(`UPDATE orders SET receipt = 'receipts/none' WHERE id = 1`)
    const monitor = await monitorOf(WORKLOAD, { ...shop.surroundings, region: at })
    const results = await monitor.runOnce()
    await monitor.stop()
    expect(results.map(({ state }) => state)).toEqual(['passed', 'passed', 'failed'])
    const [bucket] = WORKLOAD.buckets
    const travel = await sendCanary({
      bucket: bucket as ReplicatedBucket,
      source: at.buckets,
      replica: at.buckets,
      clock: systemClock,
    })
    expect(travel.reason).toBeUndefined()
    const { buckets } = at
    const place = ledgerBucketOf(WORKLOAD)!
    const key = `${place.prefix}${++made}`
    const { versionId } = await buckets.putText(place.bucket, key, '{}')
    await buckets.destroyVersion(place.bucket, key, versionId)
    await shop.sql(`UPDATE orders SET receipt = 'receipts/05/1.txt' WHERE id = 1`)
  },
  cost: async (at) => {
    const order = { workload: WORKLOAD, region: at, prices: PRICES, clock: systemClock }
    await costOf({ ...order, onProgress: () => undefined })
  },
  'objects backfill': async (at) => {
    const order = { region: at, bucket: RECEIPTS, token: `backfill-${++made}` }
    const job = await beginBackfill(order)
    const signal = AbortSignal.timeout(30_000)
    const onProgress = () => undefined
    await followBackfill({ region: at, job, clock: systemClock, signal, onProgress })
  },
  'backup list': (at) => listBackups({ workload: WORKLOAD, region: at }),
  'backup create': (at) =>
    createBackup({ workload: WORKLOAD, region: at, clock: systemClock, name: `own-${++made}` }),
  'objects restore': async (at) => {
    const s3 = new S3Client({ ...shop.aws(), forcePathStyle: true })
    const Bucket = `receipts-${++made}`
    await s3.send(new CreateBucketCommand({ Bucket }))
    await s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    )
    const put = (Body: string) =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, Tagging: 'a=b' }))
    await put('good')
    await put('bad')
    s3.destroy()
    expect(await at.buckets.getVersioning(Bucket)).toBe('enabled')
    const versions: ListedVersion[] = []
    for await (const version of at.buckets.listVersions(Bucket)) versions.push(version)
    const { versionId } = versions.at(-1)!
    expect((await at.buckets.describe(Bucket, 'k', versionId)).tags).toEqual({ a: 'b' })
    await at.buckets.putOnTop(Bucket, versions.at(-1)!)
    await at.buckets.hide(Bucket, 'k')
  },
}

function without(policy: PolicyDocument, action: string): PolicyDocument {
  const Statement = policy.Statement.map((one) => ({
    ...one,
    Action: one.Action.filter((other) => other !== action),
  })).filter(({ Action }) => Action.length > 0)
  return { ...policy, Statement }
}

/** A policy must have a statement, also when nothing is left of it. */
const orNothing = (policy: PolicyDocument): PolicyDocument =>
  policy.Statement.length > 0
    ? policy
    : {
        ...policy,
        Statement: [
          { Sid: 'Nothing', Effect: 'Allow', Action: ['sts:GetCallerIdentity'], Resource: ['*'] },
        ],
      }

test.each(Object.entries(QUICK))(
  '%s needs the rights that its policy gives, and each of them',
  async (name, command) => {
    const policy = policyOf(WORKLOAD, [name], name === 'objects restore' ? 'receipts-*' : undefined)
    const user = name.replace(' ', '-')
    await command(await allowed(user, policy))
    const actions = policy.Statement.flatMap(({ Action }) => Action)
    expect(actions.length).toBeGreaterThan(0)
    const needless: string[] = []
    for (const [index, action] of actions.entries()) {
      const less = await allowed(`${user}-${index}`, orNothing(without(policy, action)))
      const outcome = await command(less).then(
        () => 'worked',
        () => 'refused',
      )
      if (outcome === 'worked') needless.push(action)
    }
    expect(needless).toEqual([])
  },
  60_000,
)

test('a restore works under its policy', async () => {
  const at = await allowed('restoring', policyOf(WORKLOAD, ['restore']))
  const order = { workload: WORKLOAD, region: at, clock: systemClock }
  const restored = await restore({ ...order, to: 'latest', as: 'shop-db-copy' })
  expect(restored.status).toBe('available')
})

test('a recovery needs no right that its policy does not give', async () => {
  await shop.sql(`UPDATE orders SET receipt = 'receipts/05/1.txt' WHERE id = 1`)
  shop.open()
  const monitor = await monitorOf(WORKLOAD, surroundings)
  monitor.start()
  await expect.poll(() => monitor.state).toBe('passed')
  await expect.poll(() => shop.acknowledged).toBeGreaterThan(60)
  await shop.s3.send(new DeleteObjectCommand({ Bucket: RECEIPTS, Key: 'receipts/05/7.txt' }))
  await shop.sql('UPDATE orders SET total = 0')
  await expect.poll(() => monitor.state).toBe('failed')

  const input = dataCorruptionInput({
    workload: WORKLOAD,
    incidentFolder: join(shop.folder, 'incidents'),
    ledger: {
      path: shop.ledgerFile,
      keyField: 'id',
      timeField: 'acknowledgedAt',
      table: 'orders',
      keyColumn: 'id',
      compare: ['total'],
      objects: { bucket: RECEIPTS, keyField: 'receipt', etagField: 'etag' },
    },
  })
  const id = await executions.start('data-corruption', input, {
    owns: WORKLOAD.name,
    autoApprove: ['harm', 'oneWay'],
  })
  const execution = await executions.waitFor(
    id,
    ({ status, steps }) => status === 'completed' || steps.some((step) => step.status === 'failed'),
  )
  await shop.close()
  await monitor.stop()
  const failed = execution.steps.find((step) => step.status === 'failed')
  expect(failed?.attempts.at(-1)?.error).toBeUndefined()
  expect(execution).toMatchObject({ status: 'completed', verdict: 'proven' })
}, 180_000)
