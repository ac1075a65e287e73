import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import { RegionHome, type StartedRegions } from '../../src/region/region-home.ts'
import { bytesOf, type Draft, presigned, type Signing, signed } from './drafts.ts'
import {
  basicTime,
  Choices,
  type Forgery,
  HEADER_FORGERIES,
  PRESIGNED_FORGERIES,
} from './forgeries.ts'
import { memoryBytes } from './process-memory.ts'
import { awsErrorCode, RawConnection } from './raw-connection.ts'

/** How many forged requests are sent; LIFEBOAT_FORGERIES asks for more. */
const COUNT = Number(process.env.LIFEBOAT_FORGERIES ?? 4_000)
const SEED = Number(process.env.LIFEBOAT_SEED ?? Number.parseInt(systemRandom.hex(7), 16))
const CONNECTIONS = 12
const MAX_GROWTH_BYTES = 64 * 1024 * 1024

const REGION = 'ap-southeast-1'
const CANARY = `canary-${systemRandom.hex(24)}`

/** Requests that a region answers with 200 when they are signed as they should be. */
const DRAFTS: Readonly<Record<string, { service: string; draft: Draft }>> = {
  'a query in a form': {
    service: 'sts',
    draft: {
      method: 'POST',
      path: '/',
      query: [],
      headers: [
        ['Host', 'sts.ap-southeast-1.amazonaws.com'],
        ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8'],
      ],
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
    },
  },
  'JSON that asks for a secret': {
    service: 'secretsmanager',
    draft: {
      method: 'POST',
      path: '/',
      query: [],
      headers: [
        ['Host', 'localhost'],
        ['Content-Type', 'application/x-amz-json-1.1'],
        ['X-Amz-Target', 'secretsmanager.GetSecretValue'],
      ],
      body: '{"SecretId":"canary"}',
    },
  },
}

const PRESIGNED_DRAFT: Draft = {
  method: 'GET',
  path: '/',
  query: [
    ['Action', 'GetCallerIdentity'],
    ['Version', '2011-06-15'],
  ],
  headers: [['Host', 'sts.amazonaws.com']],
  body: '',
}

describe('a region behind its gateway', () => {
  let folder: string
  let regions: StartedRegions
  let signing: Signing

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-forged-'))
    await chmod(folder, 0o711)
    const home = new RegionHome(folder)
    regions = await home.start([REGION], { port: 0 })
    const environment = await home.environment(REGION)
    const credentials = {
      accessKeyId: environment.AWS_ACCESS_KEY_ID!,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
    }
    const secrets = new SecretsManagerClient({
      region: REGION,
      endpoint: regions.endpoint,
      credentials,
    })
    await secrets.send(new CreateSecretCommand({ Name: 'canary', SecretString: CANARY }))
    signing = { ...credentials, scope: { date: '', region: REGION, service: '' }, time: '' }
  })
  afterAll(async () => {
    await regions?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  function freshSigning(service: string): Signing {
    const time = basicTime(systemClock.now())
    return { ...signing, time, scope: { date: time.slice(0, 8), region: REGION, service } }
  }

  const send = async (draft: Draft) => {
    const connection = new RawConnection(regions.port)
    const reply = await connection.send(bytesOf(draft))
    connection.close()
    return reply
  }

  test.each(Object.entries(DRAFTS))(
    'accepts %s when it is signed',
    async (_, { service, draft }) => {
      const reply = await send(signed(draft, freshSigning(service)))
      expect(reply?.status, reply?.body).toBe(200)
    },
  )

  test('accepts a presigned URL', async () => {
    const reply = await send(presigned(PRESIGNED_DRAFT, freshSigning('sts'), '60'))
    expect(reply?.status, reply?.body).toBe(200)
  })

  test(`accepts none of ${COUNT} forged requests, and answers each with an AWS error`, async () => {
    const forgeries: [string, string, Draft, Forgery][] = [
      ...Object.values(DRAFTS).flatMap(({ service, draft }) =>
        Object.entries(HEADER_FORGERIES).map(
          ([name, forge]) => [name, service, draft, forge] as [string, string, Draft, Forgery],
        ),
      ),
      ...Object.entries(PRESIGNED_FORGERIES).map(
        ([name, forge]) =>
          [name, 'sts', PRESIGNED_DRAFT, forge] as [string, string, Draft, Forgery],
      ),
    ]
    const choices = new Choices(SEED)
    const { pid, port } = regions.regions[0]!
    const faults: string[] = []
    const codes = new Map<string, number>()
    let sent = 0

    const work = async (index: number) => {
      // One half goes to the region itself, past the gateway, which refuses some things before it.
      const connection = new RawConnection(index % 2 === 0 ? regions.port : port!)
      while (sent < COUNT && faults.length < 20) {
        const [name, service, draft, forge] = forgeries[sent % forgeries.length]!
        sent += 1
        const request = bytesOf(forge(draft, freshSigning(service), choices))
        const reply = await connection.send(request)
        try {
          const code = awsErrorCode(reply)
          codes.set(code, (codes.get(code) ?? 0) + 1)
          if (reply?.body.includes(CANARY)) throw new Error('the answer holds the canary')
        } catch (error) {
          faults.push(`${name} (${service}, seed ${SEED}): ${(error as Error).message}\n${request}`)
        }
      }
      connection.close()
    }
    const before = memoryBytes(pid!)
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => work(index)))

    expect(faults).toEqual([])
    expect(sent).toBe(COUNT)
    expect(codes.get('InternalFailure')).toBeUndefined()
    expect(memoryBytes(pid!) - before).toBeLessThan(MAX_GROWTH_BYTES)
  }, 240_000)
})
