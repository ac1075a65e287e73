import { beforeAll, describe, expect, test } from 'vitest'
import { RegionClient } from '../../../src/aws/region-client.ts'
import type { RecordSet } from '../../../src/aws/route53.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { queryDns } from '../../../src/probe/dns.ts'
import { records, route53UnderTest } from './route53-under-test.ts'

describe('what the control plane asks of Route 53 and of DNS', () => {
  const world = route53UnderTest()
  let zone: { id: string; name: string }
  let check: string

  const withRoute53 = async <T>(use: (client: RegionClient['route53']) => Promise<T>) => {
    const { endpoint, credentials } = world.client()
    const region = 'ap-southeast-1'
    const client = new RegionClient({ region, endpoint, credentials, clock: systemClock })
    try {
      return await use(client.route53)
    } finally {
      client.close()
    }
  }
  const dns = async (name: string, type: 'A' | 'TXT' | 'SOA' = 'A') =>
    await queryDns({
      server: { host: '127.0.0.1', port: world.dnsPort() },
      name,
      type,
      timeoutMs: 10_000,
      random: systemRandom,
    })

  beforeAll(async () => {
    const made = await world.zone()
    zone = { ...made, id: made.id.replace('/hostedzone/', '') }
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: 'control plane',
      HealthCheckConfig: { Type: 'TCP', IPAddress: '127.0.0.1', Port: 1, RequestInterval: 10 },
    })
    check = HealthCheck!.Id!
    await world.change(
      zone.id,
      ...(['PRIMARY', 'SECONDARY'] as const).map((Failover, n) => {
        const more = Failover === 'PRIMARY' ? { HealthCheckId: check } : {}
        const routing = { SetIdentifier: Failover, Failover, ...more }
        const set = records(`www.${zone.name}`, 'A', [`192.0.2.${n + 1}`], routing)
        return ['CREATE', set] as ['CREATE', typeof set]
      }),
    )
  })

  test('finds a zone by its name, and the records of a name in it', async () => {
    await withRoute53(async (route53) => {
      expect(await route53.findZone(zone.name)).toEqual({ id: zone.id, name: `${zone.name}.` })
      expect(await route53.findZone('elsewhere.test')).toBeUndefined()
      expect(await route53.listRecordSets(zone.id)).toHaveLength(4)
      const name = `www.${zone.name}.`
      const [primary, ...others] = await route53.listRecordSets(zone.id, `www.${zone.name}`)
      expect(primary).toEqual({
        name,
        type: 'A',
        identifier: 'PRIMARY',
        routing: { kind: 'failover', role: 'primary' },
        healthCheck: check,
        content: { kind: 'values', ttlSeconds: 60, values: ['192.0.2.1'] },
      })
      expect(others).toMatchObject([{ routing: { role: 'secondary' }, healthCheck: null }])
    })
  })

  test('moves names in one batch, and returns when they are answered', async () => {
    await withRoute53(async (route53) => {
      const [primary, secondary] = await route53.listRecordSets(zone.id, `www.${zone.name}`)
      const swapped: RecordSet[] = [
        { ...primary!, content: secondary!.content },
        { ...secondary!, content: primary!.content },
      ]
      await route53.setHealthCheck(check, { isDisabled: true })
      await route53.upsert(zone.id, swapped, 'swap')
      await route53.upsert(zone.id, swapped, 'swap, once more')
      expect(await dns(`www.${zone.name}`)).toEqual({
        code: 'NOERROR',
        isAuthoritative: true,
        records: [{ name: `www.${zone.name}`, type: 'A', ttlSeconds: 60, value: '192.0.2.2' }],
      })
      const many = Array.from({ length: 100 }, (_, n) => `"${n} ${'x'.repeat(100)}"`)
      const big: RecordSet = {
        name: `big.${zone.name}`,
        type: 'TXT',
        identifier: null,
        routing: { kind: 'simple' },
        healthCheck: null,
        content: { kind: 'values', ttlSeconds: 1, values: many },
      }
      await route53.upsert(zone.id, [big], 'more than goes by UDP')
      expect((await dns(`big.${zone.name}`, 'TXT')).records).toHaveLength(100)
    })
    expect(await dns(`nothing.${zone.name}`)).toMatchObject({ code: 'NXDOMAIN', records: [] })
    expect(await dns('elsewhere.test')).toMatchObject({ code: 'REFUSED', records: [] })
  })

  test('refuses to write what it could not read', async () => {
    await withRoute53(async (route53) => {
      const [primary] = await route53.listRecordSets(zone.id, `www.${zone.name}`)
      const odd: RecordSet = { ...primary!, routing: { kind: 'other' } }
      await expect(route53.upsert(zone.id, [odd], 'odd')).rejects.toMatchObject({
        code: 'CallRefused',
      })
    })
  })

  test('pins a health check, and reads what its checkers find', async () => {
    await withRoute53(async (route53) => {
      await route53.setHealthCheck(check, { isDisabled: true, isInverted: true })
      expect(await route53.getHealthCheck(check)).toMatchObject({
        id: check,
        type: 'TCP',
        isDisabled: true,
        isInverted: true,
        children: [],
      })
      await route53.setHealthCheck(check, { isDisabled: false, isInverted: false })
      const found = () => route53.listObservations(check)
      await expect
        .poll(async () => (await found()).map(({ status }) => status))
        .toEqual(Array.from({ length: 8 }, () => 'Failure: Connection refused.'))
      expect(await found()).toContainEqual({
        location: 'us-east-1',
        isSuccess: false,
        status: 'Failure: Connection refused.',
        checkedAt: expect.any(Date),
      })
      await expect(route53.getHealthCheck('nobody')).rejects.toMatchObject({
        code: 'ResourceNotFound',
      })
    })
  })

  test('knows when nobody answers', async () => {
    await world.closeDns()
    await expect(dns(`www.${zone.name}`)).rejects.toMatchObject({ code: 'NameServerUnreachable' })
    await world.openDns()
    expect((await dns(`www.${zone.name}`)).code).toBe('NOERROR')
  })
})
