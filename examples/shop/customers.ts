/**
 * The shop's customers: they place orders over HTTP and keep a receipt for each that was acknowledged.
 *
 * SHOP_URL                the shop; http://127.0.0.1:8080 unless told
 * SHOP_LEDGER             the file of receipts, one JSON object a line, each on disk before the next step
 * SHOP_ORDERS_PER_SECOND  50 unless told
 * SHOP_CUSTOMERS          customers are numbered from 1 to this; 5000 unless told
 *
 * Prints one JSON line a second: {"acknowledged", "refused"}, counted since the start, and "lastRefusal" if there was one.
 */
import { Ledger } from './ledger.ts'
import type { Order } from './orders.ts'
import { postJson } from './post-json.ts'

const address = new URL('/orders', process.env.SHOP_URL ?? 'http://127.0.0.1:8080')
const perSecond = Number(process.env.SHOP_ORDERS_PER_SECOND ?? 50)
const customers = Number(process.env.SHOP_CUSTOMERS ?? 5_000)
const ledgerFile = process.env.SHOP_LEDGER
if (!ledgerFile) throw new Error('SHOP_LEDGER names no file')

/** More than this many unanswered orders at once and customers wait, as people do. */
const MOST_IN_FLIGHT = 20
const ANSWER_WITHIN_MS = 5_000

const ledger = await Ledger.open(ledgerFile)
const inFlight = new Set<Promise<void>>()
let number = 0
let acknowledged = 0
let refused = 0
let lastRefusal: string | undefined

async function placeOrder(): Promise<void> {
  number += 1
  const price = (100 + ((number * 31) % 4_900)) / 100
  const items = [
    { product: 'lifebelt', quantity: 1, unitPrice: price.toFixed(2) },
    { product: 'rope', quantity: 1 + (number % 3), unitPrice: '4.20' },
  ]
  const customerId = String(1 + ((number * 17) % customers))
  const answer = await postJson(address, { customerId, items }, { timeoutMs: ANSWER_WITHIN_MS })
  if (answer.status !== 201) {
    const { error } = answer.body as { error?: string }
    throw new Error(`the shop answered ${answer.status}: ${error}`)
  }
  const { id, total, placedAt, receipt, receiptTag } = answer.body as Order
  const acknowledgedAt = new Date().toISOString()
  await ledger.append({ id, total, placedAt, receipt, receiptTag, acknowledgedAt })
  acknowledged += 1
}

const startedAt = performance.now()
let due = 0
const arrivals = setInterval(() => {
  const should = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000)
  while (due < should) {
    due += 1
    if (inFlight.size >= MOST_IN_FLIGHT) continue
    const order = placeOrder()
      .catch((error: Error) => {
        refused += 1
        lastRefusal = error.message
      })
      .finally(() => inFlight.delete(order))
    inFlight.add(order)
  }
}, 10)

const say = () => console.log(JSON.stringify({ acknowledged, refused, lastRefusal }))
const report = setInterval(say, 1_000)

async function stop(): Promise<void> {
  clearInterval(arrivals)
  clearInterval(report)
  await Promise.all(inFlight)
  await ledger.close()
  say()
  process.exit(0)
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
process.once('disconnect', stop)
