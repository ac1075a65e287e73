/**
 * The loss of a region and the failover to another one, in the order in which they happen:
 *
 *   two regions ─ a shop in both, one name ─ customers
 *               ─ kill -9 of the first region ─ runbook region-failure ─ customers order on ─ the bill
 */
import { createServer } from 'node:net'
import {
  failbackInput,
  regionFailureInput,
  summary,
  type Workload,
} from '../../recovery/recovery.ts'
import { strategyOf } from '../../recovery/workload.ts'
import type { Execution } from '../../runbook/execution.ts'
import { regionClient } from '../aws-access.ts'
import { type Executive, openExecutive } from '../executive.ts'
import { followToRest } from '../follow-to-rest.ts'
import type { Invocation } from '../invocation.ts'
import type { DemoReport } from './bill.ts'
import { customersOrder } from './customers-order.ts'
import { inFull, openRegions } from './opening.ts'
import { countOrders, ledgerOf } from './orders-count.ts'
import type { RehearsalOptions } from './rehearsal.ts'
import type { Scenes } from './scenes.ts'
import { Shop } from './shop.ts'
import type { Stage } from './stage.ts'
import { twoRegionsWorkload } from './workload.ts'

const HOME = 'ap-southeast-1'
const AWAY = 'us-east-1'
const ORDERS_BEFORE = 150
const ORDERS_AFTER = 100

/** Plays it from the beginning to the end. What has begun stands on the stage, for the caller to clear. */
export async function rehearseRegionFailure(
  invocation: Invocation,
  stage: Stage,
  scenes: Scenes,
  options: RehearsalOptions & { readonly strategy?: string },
): Promise<Omit<DemoReport, 'demoSeconds'>> {
  const { clock } = invocation
  const strategy = strategyOf(options.strategy ?? 'warm-standby')
  scenes.announce('A workload in two regions')
  const { home, access, environment } = await openRegions(stage, scenes, [HOME, AWAY], options)
  const shop = new Shop({ environment, evidence: stage.folder, logs: stage.logs, clock })
  const opening = openExecutive(
    { ...invocation, home: stage.home, environment: {} },
    { isLong: true, access },
  )
  stage.atTheEnd("Lifeboat's own database", async () => (await opening).close())
  const [executive, workload] = await Promise.all([
    opening,
    openShopInBoth(shop, stage, scenes, { strategy, port: await freePort() }),
  ])
  await customersOrder(shop, scenes, { orders: ORDERS_BEFORE, going: 'customers order' })

  scenes.announce('The region dies')
  await scenes.play(
    `kill -9 of ${HOME}: its APIs, databases, objects and services`,
    () => home.breakDown(HOME, { kind: 'kill' }),
    () => `${HOME} is dead: its APIs, databases, objects and services`,
  )

  scenes.announce('The failover')
  const execution = await failOver(executive, { workload, shop, stage, invocation, options })
  await customersOrder(shop, scenes, { orders: ORDERS_AFTER, going: 'the shop goes on' })
  const report = summary(execution)

  scenes.announce('The region comes back, and so does the shop')
  await scenes.play(
    `starting ${HOME} again`,
    () => home.lift(HOME),
    () => `${HOME} answers again, as it was when it died`,
  )
  const homecoming = await comeHome(executive, execution, {
    shop,
    stage,
    invocation,
    options,
    workload,
  })
  await customersOrder(shop, scenes, { orders: ORDERS_AFTER, going: 'the shop goes on at home' })
  await shop.closeDoors()
  const failback = summary(homecoming)
  const there = regionClient(access, HOME, invocation)
  stage.atTheEnd('connections', async () => there.close())
  const dataLoss = await countOrders({ workload, region: there, report })
  return { ...report, dataLoss, failback, home: stage.home.folder, isKept: options.keep === true }
}

/** Brings the shop home to the region that is well again. */
async function comeHome(
  { executions }: Executive,
  failover: Execution,
  o: {
    workload: Workload
    shop: Shop
    stage: Stage
    invocation: Invocation
    options: RehearsalOptions
  },
): Promise<Execution> {
  const { workload, shop, stage, invocation, options } = o
  const ledger = ledgerOf(shop.ledgerFile, workload)
  const input = failbackInput(failover, { incidentFolder: stage.incidents, ledger })
  const id = await executions.start('failback', { ...input }, { owns: workload.name })
  const yes = options.yes || !invocation.output.canAsk
  return followToRest(executions, id, invocation, { yes })
}

/** A replica is a witness; without one it is the drill that says so. */
const NOBODY_ELSE_LOOKS = 'the drill says that the region is dead'

const hasStandby = ({ strategy }: Workload) => strategy !== 'backup-and-restore'

/** Makes a shop in two regions, and lets customers in by its name. */
export async function openShopInBoth(
  shop: Shop,
  stage: Stage,
  scenes: Scenes,
  { strategy, port }: { strategy: Workload['strategy']; port: number },
): Promise<Workload> {
  stage.atTheEnd('the shop', () => shop.stop())
  await scenes.play(
    'creating DB instance shop-db, secret shop/database and bucket shop-receipts',
    () => shop.provision(),
    ({ version }) => `DB instance shop-db: PostgreSQL ${version}, encrypted, 7 days of backups`,
  )
  await scenes.play(
    'loading the shop',
    () => shop.load(),
    ({ customers, orders, receipts }) =>
      `${inFull(orders)} orders of ${inFull(customers)} customers, ${inFull(receipts)} receipts`,
  )
  const { name } = await scenes.play(
    `making ${AWAY} ready: ${strategy}`,
    () => shop.provisionRecovery({ region: AWAY, strategy, port, images: stage.home.folder }),
    ({ standby, replica }) =>
      `${AWAY}: ${standby ? `replica ${standby}` : 'backups'}, bucket ${replica}, secret, service`,
  )
  shop.letCustomersIn(`http://${name}:${port}`)
  return twoRegionsWorkload(stage, { url: `http://${name}:${port}`, strategy })
}

/** Starts the runbook and follows it. Where nobody can be asked, its gates open by themselves. */
async function failOver(
  { executions }: Executive,
  o: {
    workload: Workload
    shop: Shop
    stage: Stage
    invocation: Invocation
    options: RehearsalOptions
  },
): Promise<Execution> {
  const { workload, shop, stage, invocation, options } = o
  const ledger = ledgerOf(shop.ledgerFile, workload)
  const input = regionFailureInput({
    ...{ workload, incidentFolder: stage.incidents, ledger },
    // Backups reach further back than a replica.
    ...(!hasStandby(workload) && { acceptDataLoss: '15m', witness: NOBODY_ELSE_LOOKS }),
  })
  const id = await executions.start('region-failure', { ...input }, { owns: workload.name })
  const yes = options.yes || !invocation.output.canAsk
  return followToRest(executions, id, invocation, { yes })
}

/** For the service, at an address of its own in each region. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await new Promise<number>((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
  await new Promise((resolve) => server.close(resolve))
  return port
}
