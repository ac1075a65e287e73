/**
 * The shop: an HTTP service over one PostgreSQL database.
 *
 *   POST /orders       {"customerId": "7", "items": [{"product", "quantity", "unitPrice"}]}  → 201
 *   GET  /orders/:id   → 200, 404
 *   GET  /health       → 200 when the database answers, else 503
 *   GET  /ready        → 200 when the database takes writes, else 503
 *
 * SHOP_HOST      the address at which it listens; 127.0.0.1 unless told
 * SHOP_PORT      where it listens; 8080 unless told, 0 lets the system choose
 * SHOP_SECRET    the secret with the database's credentials; shop/database unless told
 * SHOP_DATABASE  `host:port` of the database instead of the secret's, as of a replica in this region
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Database } from './database.ts'
import { findOrder, placeOrder } from './orders.ts'

const database = new Database(process.env.SHOP_SECRET ?? 'shop/database')

const server = createServer((request, response) => {
  answer(request).then(
    ({ status, body }) => send(response, status, body),
    (error: Error) => send(response, 503, { error: error.message }),
  )
})

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const { pathname } = new URL(request.url ?? '/', 'http://shop')
  if (request.method === 'POST' && pathname === '/orders') return postOrder(request)
  if (request.method === 'GET' && pathname === '/health') {
    await database.query('SELECT 1')
    return { status: 200, body: { status: 'ok' } }
  }
  if (request.method === 'GET' && pathname === '/ready') {
    const [state] = await database.query<{ takesWrites: boolean }>(
      'SELECT NOT pg_is_in_recovery() AS "takesWrites"',
    )
    const isReady = state?.takesWrites === true
    return { status: isReady ? 200 : 503, body: { takesWrites: isReady } }
  }
  const id = request.method === 'GET' && /^\/orders\/(\d{1,18})$/.exec(pathname)?.[1]
  const order = id ? await findOrder(database, id) : undefined
  return order ? { status: 200, body: order } : { status: 404, body: { error: 'not found' } }
}

async function postOrder(request: IncomingMessage): Promise<Answer> {
  const order = readOrder(await bodyOf(request))
  if (!order) return { status: 400, body: { error: 'customerId and items are needed' } }
  return { status: 201, body: await placeOrder(database, order.customerId, order.items) }
}

function readOrder(body: string): { customerId: string; items: [] } | undefined {
  try {
    const { customerId, items } = JSON.parse(body)
    return /^\d{1,18}$/.test(customerId) && items?.length > 0 ? { customerId, items } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

const host = process.env.SHOP_HOST ?? '127.0.0.1'
server.listen(Number(process.env.SHOP_PORT ?? 8080), host, () => {
  console.log(`listening on http://${host}:${(server.address() as AddressInfo).port}`)
})

function stop(): void {
  server.close(() => database.close().then(() => process.exit(0)))
  server.closeAllConnections()
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
process.once('disconnect', stop)
