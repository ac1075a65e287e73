/**
 * Creates the shop's tables and fills them with made-up trade; the orders of the last month of May have receipts.
 *
 * SHOP_SECRET     the secret with the database's credentials; shop/database unless told
 * SHOP_CUSTOMERS  how many customers; 5000 unless told
 * SHOP_ORDERS     how many orders, each with two line items; 120000 unless told
 * SHOP_RECEIPTS   the bucket of the receipts; shop-receipts unless told
 */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { readCredentials } from './credentials.ts'
import { yearOfMay } from './may.ts'
import { receiptOf, storeReceipt } from './receipts.ts'

const customers = Number(process.env.SHOP_CUSTOMERS ?? 5_000)
const orders = Number(process.env.SHOP_ORDERS ?? 120_000)

const { host, port, dbname, username, password } = await readCredentials(
  process.env.SHOP_SECRET ?? 'shop/database',
)
const client = new pg.Client({ host, port, database: dbname, user: username, password })
await client.connect()
await client.query(`BEGIN; ${script('schema.sql')} ${script('sample-data.sql')} COMMIT`)
const receipts = await storeReceiptsOfMay()
await client.query('VACUUM ANALYZE')
await client.end()
console.log(JSON.stringify({ customers, orders, lineItems: orders * 2, receipts }))

/** @returns how many */
async function storeReceiptsOfMay(): Promise<number> {
  const { rows } = await client.query<{ id: string; placedAt: Date; total: string }>(
    `SELECT id, placed_at AS "placedAt", total FROM orders
      WHERE placed_at >= $1 AND placed_at < $2 AND id % 4 = 0`,
    [`${yearOfMay}-05-01T00:00:00Z`, `${yearOfMay}-06-01T00:00:00Z`],
  )
  const waiting = rows.values()
  const clerk = async () => {
    for (const order of waiting) await storeReceipt(receiptOf(order))
  }
  await Promise.all(Array.from({ length: 16 }, clerk))
  await client.query(
    `UPDATE orders SET receipt = stored.key
       FROM unnest($1::bigint[], $2::text[]) AS stored (id, key) WHERE orders.id = stored.id`,
    [rows.map(({ id }) => id), rows.map((order) => receiptOf(order).key)],
  )
  return rows.length
}

function script(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
    .replaceAll(':customers', String(customers))
    .replaceAll(':orders', String(orders))
}
