import { Resolver } from 'node:dns/promises'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Route53 } from '@aws-sdk/client-route-53'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { findProcess } from '../../../src/postgres/process-identity.ts'
import { gone } from '../../../src/region/home-child.ts'
import { RegionHome, type StartedRegions } from '../../../src/region/region-home.ts'
import { until } from '../../trials/trial-region.ts'
import { records, refused } from './route53-under-test.ts'

const KILLS = Number(process.env.LIFEBOAT_KILLS ?? 4)
const SEED = Number(process.env.LIFEBOAT_SEED ?? Number.parseInt(systemRandom.hex(6), 16))
/** Health checks are made so many times faster than on AWS. */
const SPEED = 50
const REGION = 'us-east-1'

type Killed = 'global' | 'dns'

describe(`the processes of Route 53, killed with kill -9 (seed ${SEED})`, () => {
  let folder: string
  let home: RegionHome
  let started: StartedRegions
  let route53: Route53
  let dnsAddress: string
  let zone: string
  let endpoint: Server
  let endpointPort: number

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-killed-dns-'))
    await chmod(folder, 0o711)
    home = new RegionHome(join(folder, 'home'))
    started = await home.start([REGION], { port: 0, checkSpeed: SPEED })
    const environment = await home.environment()
    dnsAddress = environment.LIFEBOAT_DNS!
    route53 = new Route53({
      region: REGION,
      endpoint: environment.AWS_ENDPOINT_URL!,
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID!,
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
      },
      maxAttempts: 1,
    })
    const made = await route53.createHostedZone({ Name: 'shop.test', CallerReference: 'shop' })
    zone = made.HostedZone!.Id!
    await inSync(made.ChangeInfo!.Id!)
    await openEndpoint(0)
  })
  afterAll(async () => {
    route53?.destroy()
    await closeEndpoint()
    await started.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function openEndpoint(port: number): Promise<void> {
    endpoint = createServer((_, response) => response.end('well'))
    await new Promise<void>((resolve) => endpoint.listen(port, '127.0.0.1', resolve))
    endpointPort = (endpoint.address() as AddressInfo).port
  }
  async function closeEndpoint(): Promise<void> {
    endpoint.closeAllConnections()
    await new Promise((resolve) => endpoint.close(resolve))
  }
  async function inSync(Id: string): Promise<void> {
    await until('the change is in sync', 60_000, async () => {
      return (await route53.getChange({ Id })).ChangeInfo?.Status === 'INSYNC'
    })
  }
  async function kill(name: Killed): Promise<void> {
    const { pid } = (await home.status())[name]
    const victim = findProcess(pid!)!
    process.kill(-pid!, 'SIGKILL')
    expect(await gone(victim, 10_000)).toBe(true)
  }
  /** One attempt, which fails while nobody answers, or when the answer is late. */
  function resolver(): Resolver {
    const made = new Resolver({ timeout: 1_000, tries: 1 })
    made.setServers([dnsAddress])
    return made
  }
  /** The first answer, however late a busy machine is with it: what it says has no second chance. */
  async function answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    let answer: { is: Answer } | undefined
    await until('DNS answers', 60_000, async () => {
      try {
        answer = { is: await ask() }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ETIMEOUT') throw error
      }
      return answer !== undefined
    })
    return answer!.is
  }

  test('DNS serves records, and live health, while the API is dead; and the other way round', async () => {
    const { HealthCheck } = await route53.createHealthCheck({
      CallerReference: 'www',
      HealthCheckConfig: {
        Type: 'HTTP',
        IPAddress: '127.0.0.1',
        Port: endpointPort,
        RequestInterval: 10,
        FailureThreshold: 2,
      },
    })
    const pair = (role: 'PRIMARY' | 'SECONDARY', value: string, more = {}) => ({
      Action: 'CREATE' as const,
      ResourceRecordSet: records('www.shop.test', 'A', [value], {
        SetIdentifier: role,
        Failover: role,
        ...more,
      }),
    })
    const { ChangeInfo } = await route53.changeResourceRecordSets({
      HostedZoneId: zone,
      ChangeBatch: {
        Changes: [
          pair('PRIMARY', '192.0.2.1', { HealthCheckId: HealthCheck!.Id }),
          pair('SECONDARY', '192.0.2.2'),
        ],
      },
    })
    await inSync(ChangeInfo!.Id!)
    const www = async () => (await resolver().resolve4('www.shop.test'))[0]
    const answers = (address: string) =>
      until(`www is ${address}`, 60_000, async () => (await answered(www)) === address)

    await kill('global')
    expect((await refused(route53.listHostedZones({}))).name).toMatch(/^(Error|TimeoutError)$/)
    await answers('192.0.2.1')
    await closeEndpoint()
    await answers('192.0.2.2')

    // It comes back with the health that it knew: before anything could be found anew.
    await kill('dns')
    await expect(www()).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNREFUSED|ETIMEOUT/),
    })
    await home.start(['dns'])
    expect(await answered(www)).toBe('192.0.2.2')
    await openEndpoint(endpointPort)
    await answers('192.0.2.1')

    await home.start(['global'])
    await kill('dns')
    const { HealthCheckObservations } = await route53.getHealthCheckStatus({
      HealthCheckId: HealthCheck!.Id!,
    })
    expect(HealthCheckObservations).toHaveLength(8)
    const late = await route53.changeResourceRecordSets({
      HostedZoneId: zone,
      ChangeBatch: {
        Changes: [
          { Action: 'CREATE', ResourceRecordSet: records('late.shop.test', 'A', ['192.0.2.9']) },
        ],
      },
    })
    expect(late.ChangeInfo?.Status).toBe('PENDING')
    await home.start(['dns'])
    await inSync(late.ChangeInfo!.Id!)
    const lateOnes = () => resolver().resolve4('late.shop.test')
    expect(await answered(lateOnes)).toEqual(['192.0.2.9'])
  }, 180_000)

  test(
    `lose no change that was acknowledged, and answer none that was not in sync: ${KILLS} kills`,
    async () => {
      const isOver = new AbortController()
      let attempted = 0
      let acknowledged = 0
      let synced = 0
      let asked = 0
      const wrong: string[] = []
      const unlessDead = async (work: () => Promise<void>) => {
        await work().catch((error: unknown) => {
          if (!(error instanceof Error)) throw error
        })
      }
      const write = async () => {
        while (!isOver.signal.aborted) {
          await unlessDead(async () => {
            attempted += 1
            const mine = attempted
            const set = records('counter.shop.test', 'TXT', [`"${mine}"`], { TTL: 0 })
            const { ChangeInfo } = await route53.changeResourceRecordSets({
              HostedZoneId: zone,
              ChangeBatch: { Changes: [{ Action: 'UPSERT', ResourceRecordSet: set }] },
            })
            acknowledged = mine
            for (let isSynced = false; !isSynced && !isOver.signal.aborted; ) {
              const { ChangeInfo: now } = await route53.getChange({ Id: ChangeInfo!.Id! })
              isSynced = now?.Status === 'INSYNC'
              if (isSynced) synced = mine
            }
          })
        }
      }
      const read = async () => {
        const dns = resolver()
        let seen = 0
        while (!isOver.signal.aborted) {
          const atLeast = Math.max(synced, seen)
          await unlessDead(async () => {
            const [[text = ''] = []] = await dns.resolveTxt('counter.shop.test')
            asked += 1
            seen = Number(text)
            if (seen < atLeast || seen > attempted)
              wrong.push(`${seen} is not in ${atLeast}..${attempted}`)
          })
        }
      }
      const working = [write(), read(), read()]
      await until('the first change is in sync', 60_000, async () => synced > 0)

      for (let round = 0; round < KILLS; round += 1) {
        const random = pseudoRandom(SEED + round)
        const name: Killed = random() < 0.5 ? 'global' : 'dns'
        const before = { synced, asked }
        await systemClock.sleep(Math.floor(random() * 60))
        await kill(name)
        const held = acknowledged
        await home.start([name])
        await until(`round ${round}: changes are in sync and answered again`, 60_000, async () => {
          return synced > Math.max(held, before.synced) && asked > before.asked
        })
      }
      isOver.abort()
      await Promise.all(working)
      expect(wrong).toEqual([])
      const { ResourceRecordSets } = await route53.listResourceRecordSets({
        HostedZoneId: zone,
        StartRecordName: 'counter.shop.test',
        StartRecordType: 'TXT',
        MaxItems: 1,
      })
      const kept = Number(ResourceRecordSets?.[0]?.ResourceRecords?.[0]?.Value?.replaceAll('"', ''))
      expect(kept).toBeGreaterThanOrEqual(acknowledged)
    },
    60_000 + KILLS * 30_000,
  )
})

/** Numbers from 0 to below 1 that a seed determines. */
function pseudoRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
