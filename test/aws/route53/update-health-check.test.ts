import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { records, route53UnderTest } from './route53-under-test.ts'

describe('UpdateHealthCheck', () => {
  const world = route53UnderTest()
  let server: Server
  let Port: number
  let asked = 0
  let count = 0

  beforeAll(async () => {
    server = createServer((_, response) => {
      asked += 1
      response.end('well')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    Port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const create = async (more: object = {}) => {
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: `check ${++count}`,
      HealthCheckConfig: {
        Type: 'HTTP',
        IPAddress: '127.0.0.1',
        Port,
        RequestInterval: 10,
        ...more,
      },
    })
    return HealthCheck!.Id!
  }
  const update = (HealthCheckId: string, more: object) =>
    world.api().updateHealthCheck({ HealthCheckId, ...more })

  test('changes what is given, leaves the rest, and counts versions', async () => {
    const id = await create({ ResourcePath: '/a', FullyQualifiedDomainName: 'www.shop.test' })
    const { HealthCheck } = await update(id, { HealthCheckVersion: 1, FailureThreshold: 5 })
    expect(HealthCheck).toMatchObject({
      HealthCheckVersion: 2,
      HealthCheckConfig: { FailureThreshold: 5, ResourcePath: '/a', Port, RequestInterval: 10 },
    })
    const reset = await update(id, {
      ResetElements: ['ResourcePath', 'FullyQualifiedDomainName', 'Regions'],
    })
    expect(reset.HealthCheck?.HealthCheckConfig).not.toHaveProperty('ResourcePath')
    expect(reset.HealthCheck?.HealthCheckConfig).not.toHaveProperty('FullyQualifiedDomainName')
    const { HealthCheck: read } = await world.api().getHealthCheck({ HealthCheckId: id })
    expect(read).toEqual(reset.HealthCheck)
  })

  test('refuses to overwrite another change, and what cannot be changed', async () => {
    const id = await create()
    await update(id, { Port: Port })
    expect(await refusal(update(id, { HealthCheckVersion: 1, Port: 1 }))).toBe(
      'HealthCheckVersionMismatch',
    )
    const named = await create({ IPAddress: undefined, FullyQualifiedDomainName: 'a.test' })
    for (const [check, more] of [
      [named, { IPAddress: '127.0.0.1' }],
      [named, { ResetElements: ['FullyQualifiedDomainName'] }],
      [id, { ResetElements: ['Port'] }],
      [id, { FailureThreshold: 11 }],
      [id, { ChildHealthChecks: ['x'] }],
    ] as const) {
      expect(await refusal(update(check, more))).toBe('InvalidInput')
    }
    const { HealthCheck } = await world.api().getHealthCheck({ HealthCheckId: id })
    expect(HealthCheck).toMatchObject({ HealthCheckVersion: 2, HealthCheckConfig: { Port } })
    expect(await refusal(update('nobody', { Port: 1 }))).toBe('NoSuchHealthCheck')
  })

  test('moves a failover at once, by inverting a check and by disabling it', async () => {
    const id = await create()
    const zone = await world.zone()
    const name = `www.${zone.name}`
    const pair = (role: 'PRIMARY' | 'SECONDARY', value: string, more = {}) =>
      records(name, 'A', [value], { SetIdentifier: role, Failover: role, ...more })
    await world.change(
      zone.id,
      ['CREATE', pair('PRIMARY', '192.0.2.1', { HealthCheckId: id })],
      ['CREATE', pair('SECONDARY', '192.0.2.2')],
    )
    const answer = async () => (await world.resolver().resolve4(name))[0]
    const becomes = (value: string) => expect.poll(answer).toBe(value)
    await becomes('192.0.2.1')
    await update(id, { Inverted: true })
    await becomes('192.0.2.2')
    await update(id, { Disabled: true })
    await becomes('192.0.2.2')
    await update(id, { Inverted: false })
    await becomes('192.0.2.1')
    const before = asked
    await update(id, { Disabled: false })
    await expect.poll(() => asked).toBeGreaterThan(before)
  })

  test('DeleteHealthCheck leaves records that it judged healthy, and a child of another stays', async () => {
    const child = await create({ Disabled: true, Inverted: true })
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: 'parent',
      HealthCheckConfig: { Type: 'CALCULATED', ChildHealthChecks: [child], HealthThreshold: 1 },
    })
    const zone = await world.zone()
    const name = `www.${zone.name}`
    const weighted = (id: string, value: string, more = {}) =>
      records(name, 'A', [value], { SetIdentifier: id, Weight: 1, ...more })
    await world.change(
      zone.id,
      ['CREATE', weighted('a', '192.0.2.1', { HealthCheckId: HealthCheck!.Id })],
      ['CREATE', weighted('b', '192.0.2.2', { Weight: 0 })],
    )
    const answer = async () => (await world.resolver().resolve4(name))[0]
    await expect.poll(answer).toBe('192.0.2.2')

    const remove = (id: string) => world.api().deleteHealthCheck({ HealthCheckId: id })
    expect(await refusal(remove(child))).toBe('HealthCheckInUse')
    await remove(HealthCheck!.Id!)
    await expect.poll(answer).toBe('192.0.2.1')
    await remove(child)
    expect(await refusal(remove(child))).toBe('NoSuchHealthCheck')
  })
})
