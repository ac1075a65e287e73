import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { Flows } from './flows.ts'
import { NO_OUTAGES, withOutage } from './outages.ts'
import { TcpLinks } from './tcp-links.ts'

const [NEAR, FAR, THIRD] = ['ap-southeast-1', 'us-east-1', 'eu-west-1'] as const
let server: Server
let port: number
let flows: Flows
let links: TcpLinks
const sockets: Socket[] = []

/** A server in the far region that says everything twice. */
beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (data) => socket.write(Buffer.concat([data, data])))
    socket.on('end', () => socket.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  flows = new Flows()
  links = new TcpLinks(flows)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await links.close()
  server.close()
})

const dial = async (from: string = NEAR) => {
  const socket = connect(await links.open({ from, to: FAR, port }), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => socket.destroy())
  return socket
}
const echo = async (socket: Socket, text: string) => {
  socket.write(text)
  const [answer] = await once(socket, 'data')
  return String(answer)
}
/** Whether a new connection carries anything. */
const carries = async (from?: string) => {
  const socket = await dial(from)
  const answer = echo(socket, 'x').catch(() => 'cut')
  return (await Promise.race([answer, once(socket, 'close').then(() => 'cut')])) === 'xx'
}

test('leads to the far port, by one port for each way', async () => {
  expect(await echo(await dial(), 'hello')).toBe('hellohello')
  const link = { from: NEAR, to: FAR, port }
  expect(await links.open(link)).toBe(await links.open(link))
  expect(await links.open({ ...link, from: THIRD })).not.toBe(await links.open(link))
  expect(await links.open({ from: NEAR, to: NEAR, port })).toBe(port)
  const socket = await dial()
  socket.end()
  await once(socket, 'close')
})

test.each([
  ['partition', { kind: 'partition', from: FAR }],
  ['halt of replication', { kind: 'replication-only' }],
] as const)(
  'a %s cuts what stands and lets nothing through until it is lifted',
  async (_, order) => {
    const standing = await dial()
    const beside = await dial(THIRD)
    expect(await echo(standing, 'a')).toBe('aa')
    expect(await echo(beside, 'b')).toBe('bb')
    flows.outages = withOutage(NO_OUTAGES, NEAR, order)
    await once(standing, 'close')
    expect(await carries()).toBe(false)
    expect(await echo(beside, 'c')).toBe('cc')
    flows.outages = NO_OUTAGES
    expect(await carries()).toBe(true)
  },
)

test('a slow region is slow in both directions; an API that is down cuts nothing', async () => {
  const socket = await dial()
  expect(await echo(socket, 'a')).toBe('aa')
  flows.outages = withOutage(
    withOutage(NO_OUTAGES, NEAR, { kind: 'slow', ms: 80 }),
    ...([FAR, { kind: 'api-only' }] as const),
  )
  const startedMs = systemClock.monotonicMs()
  expect(await echo(socket, 'b')).toBe('bb')
  expect(systemClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(155)
})
