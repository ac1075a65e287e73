import { LifeboatError } from '../../core/errors.ts'
import type { Scenes } from './scenes.ts'
import type { Shop } from './shop.ts'

/** Many times what a slow machine needs: a shop that takes no order by then takes none. */
const ORDERS_WITHIN_MS = 120_000

/**
 * Waits until customers have placed so many orders more, and says how many they have placed.
 *
 * @throws LifeboatError `Unexpected` with the last refusal, when the shop takes no orders; or when a process of it has ended
 */
export async function customersOrder(
  shop: Shop,
  scenes: Scenes,
  { orders, going }: { orders: number; going: string },
): Promise<void> {
  const before = shop.traffic.acknowledged
  const counted = () =>
    `${going}: ${shop.traffic.acknowledged} orders acknowledged, ${shop.traffic.refused} refused`
  const isDone = await shop.whileOpen(
    scenes.waitUntil(counted, ORDERS_WITHIN_MS, () => shop.traffic.acknowledged >= before + orders),
  )
  if (!isDone) {
    const why = shop.traffic.lastRefusal ?? 'it does not answer'
    throw new LifeboatError('Unexpected', `the shop takes no orders: ${why}`)
  }
  scenes.note('✔', counted())
}
