/**
 * Creates the shop's tables and fills them with made-up trade.
 *
 * SHOP_SECRET     the secret with the database's credentials; shop/database unless told
 * SHOP_CUSTOMERS  how many customers; 5000 unless told
 * SHOP_ORDERS     how many orders, each with two line items; 120000 unless told
 */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { readCredentials } from './credentials.ts'

const customers = Number(process.env.SHOP_CUSTOMERS ?? 5_000)
const orders = Number(process.env.SHOP_ORDERS ?? 120_000)

const { host, port, dbname, username, password } = await readCredentials(
  process.env.SHOP_SECRET ?? 'shop/database',
)
const client = new pg.Client({ host, port, database: dbname, user: username, password })
await client.connect()
await client.query(`BEGIN; ${script('schema.sql')} ${script('sample-data.sql')} COMMIT`)
await client.query('VACUUM ANALYZE')
await client.end()
console.log(JSON.stringify({ customers, orders, lineItems: orders * 2 }))

function script(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
    .replaceAll(':customers', String(customers))
    .replaceAll(':orders', String(orders))
}
