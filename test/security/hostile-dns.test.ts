import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { decode } from 'dns-packet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/core/random.ts'
import { dnsHome } from '../aws/route53/dns-home.ts'
import { records } from '../aws/route53/route53-under-test.ts'
import { until } from '../trials/trial-region.ts'
import { Choices } from './forgeries.ts'
import { HostileTargets } from './hostile-targets.ts'
import { framed, goodQuery, MALFORMED } from './malformed-packets.ts'
import { memoryBytes } from './process-memory.ts'

/** How many malformed messages are sent by each of UDP and TCP; LIFEBOAT_FUZZ asks for more. */
const COUNT = Number(process.env.LIFEBOAT_FUZZ ?? 5_000)
const SEED = Number(process.env.LIFEBOAT_SEED ?? Number.parseInt(systemRandom.hex(7), 16))
/** After so many a good query must be answered. */
const BATCH = 50
const MAX_GROWTH_BYTES = 64 * 1024 * 1024
const ANSWER_MS = 10_000
/** Source: Route 53 Developer Guide, "Maximum response size". */
const MAX_UDP_BYTES = 4096

const NAME = 'www.fuzzed.test'
const ADDRESS = '192.0.2.1'
const kinds = Object.entries(MALFORMED)

const home = dnsHome({ checkSpeed: 20 })
beforeAll(async () => {
  await home.zone('fuzzed.test', records(NAME, 'A', [ADDRESS]))
})

describe(`${COUNT} malformed messages (seed ${SEED}) neither end a name server nor make it grow, and good ones are answered`, () => {
  /** Sends all by what `send` does with a batch of them. Memory counts from the middle on: until then a process warms up. */
  const sendAll = async (send: (batch: Buffer[], id: number) => Promise<void>) => {
    const choices = new Choices(SEED)
    const good = goodQuery(1, NAME)
    const pid = (await home.pid())!
    let before = 0
    for (let sent = 0; sent < COUNT; sent += BATCH) {
      if (sent >= COUNT / 2 && before === 0) before = memoryBytes(pid)
      const batch = Array.from({ length: BATCH }, (_, n) =>
        kinds[(sent + n) % kinds.length]![1](good, choices),
      )
      await send(batch, 1 + (sent / BATCH) * 2)
    }
    expect(memoryBytes(pid) - before).toBeLessThan(MAX_GROWTH_BYTES)
    expect(await home.pid()).toBe(pid)
  }
  const isRight = (packet: Buffer) => {
    const { answers = [] } = decode(packet)
    return answers.length === 1 && answers[0]!.type === 'A' && answers[0]!.data === ADDRESS
  }

  test('by UDP', async () => {
    const socket = createSocket('udp4')
    socket.connect(home.port(), '127.0.0.1')
    await once(socket, 'connect')
    const packets: Buffer[] = []
    socket.on('message', (packet) => packets.push(packet))
    try {
      await sendAll(async (batch, id) => {
        packets.splice(0)
        for (const message of batch) socket.send(message)
        socket.send(goodQuery(id, NAME))
        const ofGood = () =>
          packets.find((packet) => packet.readUInt16BE(0) === id && isRight(packet))
        await until('the good query is answered', ANSWER_MS, async () => ofGood() !== undefined)
        // No more answers than questions, none longer than may be, and each can be read.
        expect(packets.length).toBeLessThanOrEqual(batch.length + 1)
        for (const packet of packets) {
          expect(packet.length).toBeLessThanOrEqual(MAX_UDP_BYTES)
          expect(decode(packet).type).toBe('response')
        }
      })
    } finally {
      socket.close()
    }
    expect(await home.log()).not.toMatch(/rror/)
  }, 600_000)

  test('by TCP, also behind lengths that lie', async () => {
    const choices = new Choices(SEED + 1)
    /** What is heard until it is enough, or the connection has ended. */
    const talk = (say: (socket: Socket) => void, isEnough: (heard: Buffer) => boolean) =>
      new Promise<Buffer>((resolve, reject) => {
        const socket = connect(home.port(), '127.0.0.1')
        let heard = Buffer.alloc(0)
        const timer = setTimeout(() => reject(new Error('no answer in time')), ANSWER_MS)
        const end = () => {
          clearTimeout(timer)
          socket.destroy()
          resolve(heard)
        }
        socket.on('data', (chunk) => {
          heard = Buffer.concat([heard, chunk])
          if (isEnough(heard)) end()
        })
        // A connection that was cut with something unread is reset.
        socket.on('error', end)
        socket.on('close', end)
        say(socket)
      })
    await sendAll(async (batch, id) => {
      // Ten on a connection; then the asker is gone, or the server has cut it.
      for (let at = 0; at < batch.length; at += 10) {
        const frames = batch.slice(at, at + 10).map((message) => {
          const lie = choices.of([0, 0, 0, 1, -1, 2_000, 65_535])
          return framed(message, Math.max(0, message.length + lie))
        })
        const bytes = Buffer.concat(frames)
        // Some hear what there is to say, and some are gone before.
        if (choices.below(2) === 0)
          await talk(
            (socket) => socket.end(bytes),
            () => false,
          )
        else
          await talk(
            (socket) => socket.write(bytes, () => socket.destroy()),
            () => false,
          )
      }
      const heard = await talk(
        (socket) => socket.write(framed(goodQuery(id, NAME))),
        (bytes) => bytes.length > 2 && bytes.length >= 2 + bytes.readUInt16BE(0),
      )
      expect(isRight(heard.subarray(2))).toBe(true)
    })
    expect(await home.log()).not.toMatch(/rror/)
  }, 600_000)
})

describe('health checks of endpoints that mean harm', () => {
  let hostile: HostileTargets
  beforeAll(async () => {
    hostile = await HostileTargets.open()
  })
  afterAll(() => hostile.close())

  test('end, follow nothing and take no memory, and those of others go on in time', async () => {
    const created: string[] = []
    const create = async (HealthCheckConfig: object) => {
      const { HealthCheck } = await home.api().createHealthCheck({
        CallerReference: `hostile ${created.length}`,
        HealthCheckConfig: {
          ...{ Type: 'HTTP', IPAddress: '127.0.0.1', RequestInterval: 10, FailureThreshold: 1 },
          ...HealthCheckConfig,
        },
      })
      created.push(HealthCheck!.Id!)
      return HealthCheck!.Id!
    }
    const good = await create({ Port: hostile.good.port })
    await home.zone(
      'others.test',
      records('www.others.test', 'A', [ADDRESS], {
        ...{ SetIdentifier: 'a', Failover: 'PRIMARY', HealthCheckId: good },
      }),
      records('www.others.test', 'A', ['192.0.2.2'], { SetIdentifier: 'b', Failover: 'SECONDARY' }),
      records('metadata.others.test', 'A', ['169.254.169.254']),
      records('by-name.others.test', 'CNAME', ['metadata.others.test']),
    )
    const pid = (await home.pid())!
    const before = memoryBytes(pid)
    const expected = new Map<string, RegExp>()
    for (const { status, ...config } of hostile.all()) expected.set(await create(config), status)
    // Where connections hang, each of eight locations waits for ten seconds.
    for (let n = 0; n < 30; n += 1) await create({ Type: 'TCP', Port: hostile.hanging.port })

    for (const [id, status] of expected) {
      await until(`${id} is told: ${status}`, 60_000, async () => {
        const told = await home.api().getHealthCheckStatus({ HealthCheckId: id })
        return (told.HealthCheckObservations ?? []).some(({ StatusReport }) =>
          status.test(StatusReport?.Status ?? ''),
        )
      })
    }
    // Six requests of each location, which are made in three seconds.
    const asked = hostile.good.requests + 48
    await until('others are asked', 15_000, async () => hostile.good.requests >= asked)
    hostile.good.isWell = false
    await until('others fail over', 15_000, async () => {
      const told = await home.api().testDNSAnswer({
        ...{ HostedZoneId: await zoneOf('others.test'), RecordName: 'www.others.test' },
        RecordType: 'A',
      })
      return told.RecordData?.join() === '192.0.2.2'
    })
    expect(hostile.followed).toBe(0)
    expect(memoryBytes(pid) - before).toBeLessThan(MAX_GROWTH_BYTES)
    expect(await home.pid()).toBe(pid)
    expect(await home.log()).not.toMatch(/rror/)

    for (const HealthCheckId of created) {
      if (HealthCheckId !== good) await home.api().deleteHealthCheck({ HealthCheckId })
    }
    await expect.poll(() => hostile.connections).toBe(0)
  }, 240_000)
})

async function zoneOf(name: string): Promise<string> {
  const { HostedZones = [] } = await home.api().listHostedZonesByName({ DNSName: name })
  return HostedZones[0]!.Id!
}
