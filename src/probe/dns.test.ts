import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import dnsPacket, { type Answer, type Packet } from 'dns-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { systemRandom } from '../core/random.ts'
import { queryDns } from './dns.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

type Reply = (query: Packet & { id: number }, transport: 'udp' | 'tcp') => (Packet | Buffer)[]

/** A name server that answers what the test says, by both protocols. */
async function answering(reply: Reply): Promise<{ host: string; port: number }> {
  const bytesOf = (message: Buffer, transport: 'udp' | 'tcp') =>
    reply(dnsPacket.decode(message) as Packet & { id: number }, transport).map((one) =>
      Buffer.isBuffer(one) ? one : dnsPacket.encode(one),
    )
  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (bytes) => {
      for (const message of bytesOf(bytes.subarray(2), 'tcp')) {
        const head = Buffer.alloc(2)
        head.writeUInt16BE(message.length)
        socket.write(Buffer.concat([head, message]))
      }
    })
  })
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  const { port } = tcp.address() as { port: number }
  const udp = createSocket('udp4')
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
  udp.on('message', (message, { port, address }) => {
    for (const one of bytesOf(message, 'udp')) udp.send(one, port, address)
  })
  closing.push(
    () => udp.close(),
    () => tcp.close(),
  )
  return { host: '127.0.0.1', port }
}

const a = (data: string): Answer => ({ type: 'A', name: 'WWW.shop.test', ttl: 60, data })
const response = (query: Packet & { id: number }, more: Partial<Packet> = {}): Packet => ({
  type: 'response',
  id: query.id,
  flags: dnsPacket.AUTHORITATIVE_ANSWER,
  questions: query.questions,
  answers: [a('192.0.2.1')],
  ...more,
})
const ask = (server: { host: string; port: number }, timeoutMs = 20_000) =>
  queryDns({ server, name: 'www.shop.test', type: 'A', timeoutMs, random: systemRandom })

describe('a name server', () => {
  test('answers with records, how long they may be remembered, and whether it speaks for them', async () => {
    const server = await answering((query) => [response(query)])
    expect(await ask(server)).toEqual({
      code: 'NOERROR',
      isAuthoritative: true,
      records: [{ name: 'www.shop.test', type: 'A', ttlSeconds: 60, value: '192.0.2.1' }],
    })
  })

  test('that is not believed: another id, question or sender is passed over', async () => {
    const questions = [{ type: 'A' as const, name: 'evil.test' }]
    const server = await answering((query) => [
      Buffer.from('nonsense'),
      response(query, { id: (query.id + 1) & 0xffff, answers: [a('192.0.2.66')] }),
      response(query, { questions, answers: [a('192.0.2.66')] }),
      { ...response(query), type: 'query' },
      response(query),
    ])
    expect((await ask(server)).records).toMatchObject([{ value: '192.0.2.1' }])
  })

  test('is asked again by TCP when its answer is too long', async () => {
    const many = Array.from({ length: 200 }, (_, n) => a(`10.0.0.${n}`))
    const server = await answering((query, transport) => [
      transport === 'tcp'
        ? response(query, { answers: many })
        : response(query, { flags: dnsPacket.TRUNCATED_RESPONSE, answers: [] }),
    ])
    expect((await ask(server)).records).toHaveLength(200)
  })

  test('that says nothing, or nothing that can be read, is unreachable', async () => {
    const silent = await answering(() => [])
    await expect(ask(silent, 200)).rejects.toMatchObject({ code: 'NameServerUnreachable' })
    const truncated = await answering((query, transport) =>
      transport === 'tcp'
        ? [Buffer.from([0xc0, 0xc0, 0xc0])]
        : [response(query, { flags: dnsPacket.TRUNCATED_RESPONSE })],
    )
    await expect(ask(truncated)).rejects.toMatchObject({ code: 'NameServerUnreachable' })
    for (const close of closing.splice(0)) close()
    const began = performance.now()
    await expect(ask(silent, 20_000)).rejects.toMatchObject({ code: 'NameServerUnreachable' })
    // Nobody listens: that is heard, and not waited for.
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
