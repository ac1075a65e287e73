import { join } from 'node:path'
import { IAM } from '@aws-sdk/client-iam'
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ListedVersion } from '../../src/aws/buckets.ts'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
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
import { Executions } from '../../src/runbook/executions.ts'
import { EmbeddedShop, WORKLOAD } from './embedded-shop.ts'

let shop: EmbeddedShop
let iam: IAM
let region: RegionClient
let executions: Executions
let surroundings: EmbeddedShop['surroundings']

beforeAll(async () => {
  shop = await EmbeddedShop.start()
  iam = new IAM(shop.aws())
  region = await allowed('lifeboat', policyOf(WORKLOAD, ['watch', 'runbook run data-corruption']))
  surroundings = { ...shop.surroundings, region }
  executions = await Executions.open({
    database: shop.state,
    runbooks: [...RUNBOOKS],
    tools: () => recoveryTools(surroundings, (id) => executions.get(id)),
    clock: systemClock,
  })
}, 120_000)
afterAll(async () => {
  await executions?.close()
  iam?.destroy()
  for (const client of clients) client.close()
  await shop?.stop()
})

const clients: RegionClient[] = []

/** A client of a user that may do what a policy says and nothing else. */
async function allowed(user: string, policy: PolicyDocument): Promise<RegionClient> {
  await iam.createUser({ UserName: user })
  await iam.putUserPolicy({
    UserName: user,
    PolicyName: 'lifeboat',
    PolicyDocument: JSON.stringify(policy),
  })
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
    const status = await statusOf(WORKLOAD, { ...shop.surroundings, region: at }, undefined)
    // What could not be asked is said beside the rest.
    expect(JSON.stringify(status)).not.toMatch(/AccessDenied|CredentialsRefused|not authorized/)
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

/**
 * Rights that AWS asks for and the embedded region does not: a copy that takes tags along. So that they are needed is not
 * shown here. Source: S3 User Guide, "Required permissions for Amazon S3 API operations", CopyObject.
 */
const UNENFORCED: Readonly<Record<string, readonly string[]>> = {
  'objects restore': ['s3:PutObjectTagging'],
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
    const policy = policyOf(WORKLOAD, [name])
    const user = name.replace(' ', '-')
    await command(await allowed(user, policy))
    const actions = policy.Statement.flatMap(({ Action }) => Action)
    expect(actions.length).toBeGreaterThan(1)
    const needless: string[] = []
    for (const [index, action] of actions.entries()) {
      const less = await allowed(`${user}-${index}`, orNothing(without(policy, action)))
      const outcome = await command(less).then(
        () => 'worked',
        () => 'refused',
      )
      if (outcome === 'worked') needless.push(action)
    }
    expect(needless).toEqual(UNENFORCED[name] ?? [])
  },
  60_000,
)

test('a restore works under its policy', async () => {
  const at = await allowed('restoring', policyOf(WORKLOAD, ['restore']))
  const order = { workload: WORKLOAD, region: at, clock: systemClock }
  const restored = await restore({ ...order, to: 'latest', as: 'shop-db-copy' })
  expect(restored.status).toBe('available')
}, 60_000)

test('a recovery needs no right that its policy does not give', async () => {
  shop.open()
  const monitor = await monitorOf(WORKLOAD, surroundings)
  monitor.start()
  await expect.poll(() => monitor.state, { timeout: 20_000 }).toBe('passed')
  await expect.poll(() => shop.acknowledged, { timeout: 20_000 }).toBeGreaterThan(60)
  await shop.sql('UPDATE orders SET total = 0')
  await expect.poll(() => monitor.state, { timeout: 20_000 }).toBe('failed')

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
