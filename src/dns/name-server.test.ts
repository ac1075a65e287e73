import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import dnsPacket, { type DecodedPacket } from 'dns-packet'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NameServer } from './name-server.ts'
import { encodeRdata } from './rdata.ts'
import type { RecordSet } from './record-set.ts'
import type { Authority } from './respond.ts'
import { Zone } from './zone.ts'
import { Zones } from './zones.ts'

let server: NameServer
let zone: Zone
let answered: number
const errors: unknown[] = []
const open: { destroy(): void }[] = []

function set(name: string, values: string[], type: 'A' | 'TXT' = 'A'): RecordSet {
  const rdata = values.map((value) => encodeRdata(type, value))
  const content = { kind: 'records' as const, ttlSeconds: 60, rdata }
  return { name, type, id: undefined, routing: { kind: 'simple' }, healthCheck: undefined, content }
}

beforeEach(async () => {
  const zones = new Zones({ isHealthy: () => true, random: () => 0 })
  const big = Array.from({ length: 100 }, (_, n) => `"${n}${'x'.repeat(240)}"`)
  zone = Zone.of('shop.test', [
    set('www.shop.test', ['192.0.2.1']),
    set('big.shop.test', big, 'TXT'),
  ])
  zones.put('1', zone)
  answered = 0
  const authority: Authority = {
    get version() {
      return zones.version
    },
    answer: (question) => {
      answered += 1
      return zones.answer(question)
    },
  }
  server = await NameServer.listen({ port: 0, authority, onError: (e) => errors.push(e) })
})
afterEach(async () => {
  vi.useRealTimers()
  for (const one of open.splice(0)) one.destroy()
  await server.close()
  expect(errors.splice(0)).toEqual([])
})

const query = (name = 'www.shop.test', id = 1, type: 'A' | 'TXT' = 'A') =>
  dnsPacket.encode({ type: 'query', id, questions: [{ name, type }] })
const framed = (message: Buffer) => {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(message.length)
  return Buffer.concat([head, message])
}

/** A connection, with the messages that have come on it. */
async function connection() {
  const socket = connect({ port: server.port, host: '127.0.0.1' })
  open.push(socket)
  const messages: Buffer[] = []
  let bytes = Buffer.alloc(0)
  let isClosed = false
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0)
      messages.push(bytes.subarray(2, end))
      bytes = bytes.subarray(end)
    }
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    isClosed = true
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  return { socket, messages, isClosed: () => isClosed }
}

/** Sends datagrams and returns the answer to the one with the id 4711, decoded. */
async function datagrams(...messages: Buffer[]): Promise<DecodedPacket> {
  const socket: UdpSocket = createSocket('udp4')
  open.push({ destroy: () => socket.close() })
  const answer = new Promise<DecodedPacket>((resolve) =>
    socket.on('message', (message) => {
      if (message.readUInt16BE(0) === 4711) resolve(dnsPacket.decode(message))
    }),
  )
  for (const message of messages) socket.send(message, server.port, '127.0.0.1')
  return await answer
}

describe('by UDP', () => {
  test('answers, and goes on after what cannot be read', async () => {
    const garbage = [Buffer.alloc(0), Buffer.from('GET / HTTP/1.1'), Buffer.alloc(65_000, 0xc0)]
    const answer = await datagrams(...garbage, query('www.shop.test', 4711))
    expect(answer.answers ?? []).toMatchObject([{ data: '192.0.2.1' }])
  })

  test('lets a resolver fall back to TCP for what is too long', async () => {
    expect((await datagrams(query('big.shop.test', 4711, 'TXT'))).flag_tc).toBe(true)
    const resolver = new Resolver()
    resolver.setServers([`127.0.0.1:${server.port}`])
    expect(await resolver.resolveTxt('big.shop.test')).toHaveLength(100)
  })

  test('answers by what the zone has at that moment', async () => {
    const resolver = new Resolver()
    resolver.setServers([`127.0.0.1:${server.port}`])
    const isOver = new AbortController()
    const asking = (async () => {
      const seen = new Set<string>()
      while (!isOver.signal.aborted) {
        for (const address of await resolver.resolve4('www.shop.test')) seen.add(address)
      }
      return seen
    })()
    for (let n = 1; n <= 50; n += 1) {
      zone.replace('www.shop.test', [set('www.shop.test', [`192.0.2.${n}`])])
      expect(await resolver.resolve4('www.shop.test')).toEqual([`192.0.2.${n}`])
    }
    isOver.abort()
    expect((await asking).size).toBeGreaterThan(1)
  })
})

describe('by TCP', () => {
  test('answers any number of questions on one connection, in order, however they arrive', async () => {
    const { socket, messages } = await connection()
    const all = Buffer.concat(Array.from({ length: 50 }, (_, id) => framed(query(undefined, id))))
    for (const byte of all.subarray(0, 40)) socket.write(Buffer.from([byte]))
    socket.write(all.subarray(40))
    await expect.poll(() => messages.length).toBe(50)
    expect(messages.map((message) => message.readUInt16BE(0))).toEqual(
      Array.from({ length: 50 }, (_, id) => id),
    )
  })

  test('does not pile up answers for who does not read them', async () => {
    const { socket, messages } = await connection()
    socket.pause()
    const count = 1_000
    const asked = Array.from({ length: count }, (_, id) =>
      framed(query('big.shop.test', id, 'TXT')),
    )
    socket.write(Buffer.concat(asked))
    const others = await connection()
    others.socket.write(framed(query()))
    await expect.poll(() => others.messages.length).toBe(1)
    // What the kernel holds on both sides, and some more: not all of it.
    expect(answered).toBeLessThan(0.7 * count)
    socket.resume()
    await expect.poll(() => messages.length).toBe(count)
  })

  test.each([
    ['a question that is too long', framed(Buffer.alloc(5_000))],
    ['an answer', framed(Buffer.from(dnsPacket.encode({ type: 'response', id: 1 })))],
  ])('cuts the connection after %s', async (_, bytes) => {
    const { socket, messages, isClosed } = await connection()
    socket.write(bytes)
    await expect.poll(isClosed).toBe(true)
    expect(messages).toEqual([])
  })

  test('lets the connection that has been silent for longest go when there are too many', async () => {
    const silent = await connection()
    const useful = await connection()
    for (let n = 0; n < 254; n += 1) await connection()
    useful.socket.write(framed(query()))
    await expect.poll(() => useful.messages.length).toBe(1)
    const last = await connection()
    last.socket.write(framed(query()))
    await expect.poll(() => last.messages.length).toBe(1)
    await expect.poll(silent.isClosed).toBe(true)
    expect(useful.isClosed()).toBe(false)
  })

  test('gives a question ten seconds to arrive', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { socket, isClosed } = await connection()
    socket.write(framed(query()).subarray(0, 5))
    await new Promise(setImmediate)
    vi.advanceTimersByTime(9_000)
    socket.write(Buffer.from([0]))
    await new Promise(setImmediate)
    expect(isClosed()).toBe(false)
    vi.advanceTimersByTime(1_500)
    vi.useRealTimers()
    await expect.poll(isClosed).toBe(true)
  })
})

test('a port that is taken for one protocol is told', async () => {
  for (const take of [takeUdp, takeTcp]) {
    const { port, release } = await take()
    const zones = new Zones({ isHealthy: () => true, random: () => 0 })
    const call = NameServer.listen({ port, authority: zones, onError: (e) => errors.push(e) })
    await expect(call).rejects.toMatchObject({
      code: 'PortTaken',
      hint: expect.stringContaining('--dns-port'),
    })
    release()
  }
})

async function takeUdp() {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return { port: socket.address().port, release: () => socket.close() }
}

async function takeTcp(): Promise<{ port: number; release: () => void }> {
  const { createServer } = await import('node:net')
  const taken = createServer((socket: Socket) => socket.destroy())
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  return { port: (taken.address() as { port: number }).port, release: () => taken.close() }
}
