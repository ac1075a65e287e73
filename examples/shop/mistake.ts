/**
 * What somebody meant to run for one order, without its WHERE. Only for a shop that may be damaged.
 *
 * SHOP_SECRET  the secret with the database's credentials; shop/database unless told
 */
import pg from 'pg'
import { readCredentials } from './credentials.ts'

const { host, port, dbname, username, password } = await readCredentials(
  process.env.SHOP_SECRET ?? 'shop/database',
)
const client = new pg.Client({
  host,
  port,
  database: dbname,
  user: username,
  password,
  application_name: 'somebody',
})
await client.connect()
const { rowCount } = await client.query('UPDATE orders SET total = 0')
await client.end()
console.log(JSON.stringify({ orders: rowCount }))
