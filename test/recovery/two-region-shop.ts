import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { IAM } from '@aws-sdk/client-iam'
import { type BucketLocationConstraint, S3 } from '@aws-sdk/client-s3'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import type { RegionClient } from '../../src/aws/region-client.ts'
import { type AwsAccess, regionClient } from '../../src/cli/aws-access.ts'
import { type OpenedRegion, openRegions } from '../../src/cli/demo/opening.ts'
import { ledgerOf } from '../../src/cli/demo/orders-count.ts'
import { freePort, openShopInBoth } from '../../src/cli/demo/region-rehearsal.ts'
import { Scenes } from '../../src/cli/demo/scenes.ts'
import { Shop } from '../../src/cli/demo/shop.ts'
import { Stage } from '../../src/cli/demo/stage.ts'
import { type Executive, openExecutive } from '../../src/cli/executive.ts'
import { Output } from '../../src/cli/output.ts'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import {
  policyOf,
  regionFailureInput,
  regionRoundsOf,
  type Workload,
} from '../../src/recovery/recovery.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { until } from '../trials/trial-region.ts'

export const HOME = 'ap-southeast-1'
export const AWAY = 'us-east-1'

/** What a person says when a failover is started. */
interface Assurances {
  readonly acceptDataLoss?: string
  readonly witness?: string
}

/**
 * The shop of the examples in two embedded regions, with customers: processes of their own, for a test file.
 *
 * @param lockRegion  a third region that has the lock of executions; the recovery region if not said
 */
export function twoRegionShop({
  strategy = 'warm-standby',
  lockRegion,
}: {
  strategy?: Workload['strategy']
  lockRegion?: string
} = {}) {
  let stage: Stage
  let shop: Shop
  let opened: OpenedRegion
  let allowed: AwsAccess
  let executive: Executive
  let workload: Workload
  let isEnded = false
  const clients: RegionClient[] = []

  beforeAll(async () => {
    stage = await Stage.set(systemClock)
    const output = new Output({ json: true, environment: {} })
    const { signal } = new AbortController()
    const scenes = new Scenes(output, systemClock, signal)
    const names = [HOME, AWAY, ...(lockRegion ? [lockRegion] : [])]
    opened = await openRegions(stage, scenes, names, { checkSpeed: 10 })
    const { access, environment } = opened
    const quick = { ...environment, SHOP_ORDERS: '5000', SHOP_ORDERS_PER_SECOND: '10' }
    shop = new Shop({
      environment: quick,
      evidence: stage.folder,
      logs: stage.logs,
      clock: systemClock,
    })
    workload = await openShopInBoth(shop, stage, scenes, { strategy, port: await freePort() })
    if (lockRegion) workload = { ...workload, lock: await lockIn(access, lockRegion) }
    allowed = await underItsRights(access, workload)
    const invocation = { output, home: stage.home, environment: {}, clock: systemClock, signal }
    executive = await openExecutive(invocation, { isLong: true, access: allowed })
    stage.atTheEnd('the executive', async () => (isEnded ? undefined : executive.close()))
    await orders(20)
  }, 240_000)

  afterAll(async () => {
    for (const client of clients) client.close()
    const left = await stage?.clear({ keep: false, atOnce: false })
    stage?.remove({ everything: true })
    if (left && left.length > 0) throw new Error(left.join('; '))
  })

  /** Waits until customers have placed so many more orders. */
  const orders = async (count: number) => {
    const before = shop.traffic.acknowledged
    await until(
      () => `${count} more orders: ${JSON.stringify(shop.traffic)}`,
      90_000,
      async () => shop.traffic.acknowledged >= before + count,
    )
  }

  const failoverInput = (more: Assurances = {}) => {
    const ledger = ledgerOf(shop.ledgerFile, workload)
    return { ...regionFailureInput({ workload, incidentFolder: stage.incidents, ledger, ...more }) }
  }

  return {
    orders,
    traffic: () => shop.traffic,
    closeDoors: () => shop.closeDoors(),
    home: () => opened.home,
    /** How any program finds the regions. */
    environment: () => opened.environment,
    workloadFile: () => join(stage.home.folder, 'lifeboat.yaml'),
    /** Ends all of Lifeboat, and removes what it knew. */
    endLifeboat: async () => {
      isEnded = true
      await executive.close()
      rmSync(stage.home.state, { recursive: true })
    },
    executions: () => executive.executions,
    workload: () => workload,
    ledger: () => ledgerOf(shop.ledgerFile, workload),
    /** Every order that a customer was told of. */
    acknowledged: () =>
      readFileSync(shop.ledgerFile, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; total: string; receipt: string }),
    incidents: () => stage.incidents,
    region: (name: string): RegionClient => {
      const client = regionClient(opened.access, name, { clock: systemClock })
      clients.push(client)
      return client
    },
    failoverInput,
    start: async (more: Assurances = {}, approve = true) => {
      const options = {
        owns: workload.name,
        autoApprove: approve ? (['harm', 'oneWay'] as const) : [],
      }
      return await executive.executions.start('region-failure', failoverInput(more), options)
    },
    /** What a process of its own needs to execute something here. */
    stateUrl: () => executive.database.url,
    access: () => allowed,
    /** The account itself, which may all. */
    root: () => opened.access,
    /** Waits until an execution has ended or waits for somebody. */
    untilRest: async (id: string): Promise<Execution> =>
      await executive.executions.waitFor(
        id,
        ({ status }) => status !== 'running',
        AbortSignal.timeout(180_000),
      ),
    /** What `lifeboat watch` says of the region, while `look` waits for it. */
    watching: async (look: (said: () => string) => Promise<void>): Promise<void> => {
      const said: string[] = []
      const reach = async (name: string) => {
        const client = regionClient(allowed, name, { clock: systemClock })
        clients.push(client)
        return client
      }
      const { nameServer } = opened.access
      const { database, executions } = executive
      const around = { region: await reach(HOME), reach, database, nameServer }
      const rounds = await regionRoundsOf(
        workload,
        { ...around, clock: systemClock, random: systemRandom },
        { executions, incidentFolder: stage.incidents, say: (line) => said.push(line) },
      )
      rounds.start()
      try {
        await look(() => said.join('\n'))
      } finally {
        await rounds.stop()
      }
    },
    /** A session of somebody who knows the database's endpoint and nothing of Lifeboat. */
    session: async (endpoint: { host: string; port: number }) => {
      const client = regionClient(opened.access, AWAY, { clock: systemClock })
      const { user, password } = await client.secrets.getDatabaseSecret('shop/database')
      client.close()
      const session = new pg.Client({ ...endpoint, user, password, database: 'shop' })
      session.on('error', (error) => appendFileSync(join(stage.logs, 'rogue.log'), `${error}\n`))
      await session.connect()
      return session
    },
  }
}

async function lockIn(access: AwsAccess, region: string) {
  const bucket = 'shop-locks'
  const s3 = new S3({ ...access, region, forcePathStyle: true })
  const LocationConstraint = region as BucketLocationConstraint
  await s3.createBucket({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint } })
  s3.destroy()
  return { bucket, region, prefix: 'lifeboat/locks/' }
}

/** Lifeboat as a user that may what `lifeboat policy` says of these runbooks, and nothing else. */
async function underItsRights(access: AwsAccess, workload: Workload): Promise<AwsAccess> {
  const iam = new IAM({ ...access, region: AWAY })
  const named = { UserName: 'lifeboat' }
  await iam.createUser(named)
  // A policy for each, as AWS limits their size.
  for (const command of ['watch', 'status', 'runbook run region-failure', 'runbook run failback']) {
    const { Policy } = await iam.createPolicy({
      PolicyName: command.replaceAll(' ', '-'),
      PolicyDocument: JSON.stringify(policyOf(workload, [command])),
    })
    await iam.attachUserPolicy({ ...named, PolicyArn: Policy!.Arn! })
  }
  const { AccessKey } = await iam.createAccessKey(named)
  iam.destroy()
  const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {}
  return { ...access, credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } }
}

export function stepOf({ steps }: Execution, name: string) {
  return steps.find((step) => step.name === name)!
}
