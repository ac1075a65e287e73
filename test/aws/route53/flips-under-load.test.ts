import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { Asker } from './asker.ts'
import { dnsHome } from './dns-home.ts'
import { records } from './route53-under-test.ts'

const FLIPS = Number(process.env.LIFEBOAT_ROUNDS ?? 8)
const AT_ONCE = 32
/** Answers that are waited for before health flips again. */
const EACH = 400
const PRIMARY = '192.0.2.1'
const SECONDARY = '192.0.2.2'
const TTL = 7
const NAME = 'www.flips.test'

const home = dnsHome({ checkSpeed: 50 })
let target: Server
let isWell = true

beforeAll(async () => {
  target = createServer((_, response) => response.writeHead(isWell ? 200 : 503).end())
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  target.closeAllConnections()
  target.close()
})

test(`no query is lost and no answer is stale while health flips ${FLIPS} times`, async () => {
  const { HealthCheck } = await home.api().createHealthCheck({
    CallerReference: 'flips',
    HealthCheckConfig: {
      ...{ Type: 'HTTP', IPAddress: '127.0.0.1', Port: (target.address() as AddressInfo).port },
      ...{ RequestInterval: 10, FailureThreshold: 1 },
    },
  })
  const HealthCheckId = HealthCheck!.Id!
  const pair = (Failover: 'PRIMARY' | 'SECONDARY', address: string, more: object) =>
    records(NAME, 'A', [address], { TTL, SetIdentifier: Failover, Failover, ...more })
  const HostedZoneId = await home.zone(
    'flips.test',
    pair('PRIMARY', PRIMARY, { HealthCheckId }),
    pair('SECONDARY', SECONDARY, {}),
  )
  const answer = () => (isWell ? PRIMARY : SECONDARY)
  /** Each of the two calls that tell of it, in turn. */
  const isTold = [
    async () => {
      const asked = { HostedZoneId, RecordName: NAME, RecordType: 'A' } as const
      return (await home.api().testDNSAnswer(asked)).RecordData?.join() === answer()
    },
    async () => {
      const { HealthCheckObservations = [] } = await home.api().getHealthCheckStatus({
        HealthCheckId,
      })
      const well = HealthCheckObservations.filter(({ StatusReport }) =>
        /^Success/.test(StatusReport?.Status ?? ''),
      ).length
      // More than 18 % of eight.
      return HealthCheckObservations.length === 8 && well >= 2 === isWell
    },
  ]

  const asker = await Asker.begin({ port: home.port(), name: NAME, atOnce: AT_ONCE })
  /** From when on until when which answer is the only one. */
  const settled: { fromMs: number; toMs: number; address: string }[] = []
  try {
    for (let flip = 0; flip < FLIPS; flip += 1) {
      isWell = !isWell
      await until(`flip ${flip} is told`, 60_000, isTold[flip % 2]!)
      const fromMs = performance.now()
      const wanted = asker.answered.length + EACH
      await until('more is answered', 60_000, async () => asker.answered.length >= wanted)
      settled.push({ fromMs, toMs: performance.now(), address: answer() })
    }
    asker.end()
    await until('all is answered', 10_000, async () => asker.open === 0)
  } finally {
    asker.close()
  }

  const { answered, strays } = asker
  expect(strays).toBe(0)
  expect(answered.length).toBeGreaterThanOrEqual(FLIPS * EACH)
  expect(new Set(answered.map(({ ttlSeconds }) => ttlSeconds))).toEqual(new Set([TTL]))
  const stale = settled.flatMap(({ fromMs, toMs, address }) =>
    answered.filter((one) => one.sentMs >= fromMs && one.sentMs < toMs && one.address !== address),
  )
  expect(stale).toEqual([])
  // Answers come in the order of the questions: each flip is one change and no going back.
  const changes = answered.flatMap(({ address }, at) =>
    address === answered[at - 1]?.address ? [] : [address],
  )
  const turns = Array.from({ length: FLIPS + 1 }, (_, n) => (n % 2 === 0 ? PRIMARY : SECONDARY))
  expect(changes).toEqual(turns)
}, 240_000)
