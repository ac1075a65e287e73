/**
 * The disaster and its recovery, in the order in which they happen:
 *
 *   a region ─ a database, its secret, a bucket ─ a shop with customers ─ a watch
 *            ─ receipts deleted, UPDATE orders SET total = 0 ─ red ─ runbook data-corruption ─ the bill
 */
import { dataCorruptionInput, summary, type Workload } from '../../recovery/recovery.ts'
import type { Execution } from '../../runbook/execution.ts'
import { type Executive, openExecutive } from '../executive.ts'
import { followToRest } from '../follow-to-rest.ts'
import type { Invocation } from '../invocation.ts'
import type { DemoReport } from './bill.ts'
import { customersOrder } from './customers-order.ts'
import { inFull, openRegion, openShop } from './opening.ts'
import { countOrders, ledgerOf } from './orders-count.ts'
import type { Scenes } from './scenes.ts'
import { Shop } from './shop.ts'
import type { Stage } from './stage.ts'
import { Watch } from './watch.ts'
import { workloadOf } from './workload.ts'

/** How many orders customers place before the mistake, and after the recovery. */
const ORDERS_BEFORE = 150
const ORDERS_AFTER = 50

export interface RehearsalOptions {
  readonly yes?: boolean
  readonly keep?: boolean
}

/** Plays it from the beginning to the end. What has begun stands on the stage, for the caller to clear. */
export async function rehearse(
  invocation: Invocation,
  stage: Stage,
  scenes: Scenes,
  options: RehearsalOptions,
): Promise<Omit<DemoReport, 'demoSeconds'>> {
  const { clock } = invocation
  scenes.announce('A workload')
  const { access, environment } = await openRegion(stage, scenes, options)
  const shop = new Shop({ environment, evidence: stage.folder, logs: stage.logs, clock })
  const opening = openExecutive(
    { ...invocation, home: stage.home, environment: {} },
    { isLong: true, access },
  )
  stage.atTheEnd("Lifeboat's own database", async () => (await opening).close())
  const [executive, url] = await Promise.all([opening, openShop(shop, stage, scenes)])
  const workload = await workloadOf(stage, url)
  const watch = await Watch.begin({ workload, access, executive, stage, invocation })
  await watch.untilProtected(scenes)
  await customersOrder(shop, scenes, { orders: ORDERS_BEFORE, going: 'customers order' })

  scenes.announce('A mistake')
  await scenes.play(
    'somebody deletes the receipts of May and runs UPDATE orders SET total = 0',
    () => shop.makeMistake(),
    ({ orders, receipts }) =>
      `${inFull(receipts)} receipts deleted; UPDATE orders SET total = 0: ${inFull(orders)} rows`,
  )
  await watch.untilRed(scenes)

  scenes.announce('The recovery')
  const execution = await recover(executive, { workload, shop, stage, invocation, options })
  await customersOrder(shop, scenes, { orders: ORDERS_AFTER, going: 'the shop goes on' })
  await shop.closeDoors()
  const report = summary(execution)
  const dataLoss = await countOrders({ workload, region: watch.region, report })
  return { ...report, dataLoss, home: stage.home.folder, isKept: options.keep === true }
}

interface Recovery {
  readonly workload: Workload
  readonly shop: Shop
  readonly stage: Stage
  readonly invocation: Invocation
  readonly options: RehearsalOptions
}

/** Starts the runbook and follows it. Where nobody can be asked, its gates open by themselves. */
async function recover(
  { executions }: Executive,
  { workload, shop, stage, invocation, options }: Recovery,
): Promise<Execution> {
  const ledger = ledgerOf(shop.ledgerFile, workload)
  const input = dataCorruptionInput({ workload, incidentFolder: stage.incidents, ledger })
  const id = await executions.start('data-corruption', { ...input }, { owns: workload.name })
  const yes = options.yes || !invocation.output.canAsk
  return shop.whileOpen(followToRest(executions, id, invocation, { yes }))
}
