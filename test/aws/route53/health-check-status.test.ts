import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { records, route53UnderTest } from './route53-under-test.ts'

describe('GetHealthCheckStatus and GetHealthCheckLastFailureReason', () => {
  const world = route53UnderTest()
  let server: Server
  let Port: number
  let status = 200
  const hosts: (string | undefined)[] = []
  let count = 0

  beforeAll(async () => {
    server = createServer((request, response) => {
      hosts.push(request.headers.host)
      response.writeHead(status).end('well')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    Port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const create = async (more: object) => {
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: `check ${++count}`,
      HealthCheckConfig: { Type: 'HTTP', Port, RequestInterval: 10, ...more },
    })
    return HealthCheck!.Id!
  }
  const statuses = async (HealthCheckId: string) => {
    const { HealthCheckObservations = [] } = await world
      .api()
      .getHealthCheckStatus({ HealthCheckId })
    return HealthCheckObservations
  }
  const reasons = async (HealthCheckId: string) => {
    const { HealthCheckObservations = [] } = await world
      .api()
      .getHealthCheckLastFailureReason({ HealthCheckId })
    return HealthCheckObservations.map(({ StatusReport }) => StatusReport?.Status)
  }
  const eventually = (read: () => Promise<unknown>) => expect.poll(read)

  test('tell what each location found, and what it found when it last failed', async () => {
    const id = await create({ IPAddress: '127.0.0.1', FullyQualifiedDomainName: 'www.shop.test' })
    await eventually(async () => (await statuses(id)).length).toBe(8)
    const seen = await statuses(id)
    expect(new Set(seen.map(({ Region }) => Region)).size).toBe(8)
    for (const { IPAddress, StatusReport } of seen) {
      expect(IPAddress).toBe('127.0.0.1')
      expect(StatusReport).toEqual({
        Status: 'Success: HTTP Status Code 200, OK',
        CheckedTime: expect.any(Date),
      })
    }
    expect(await reasons(id)).toEqual([])
    expect(hosts).toContain(`www.shop.test:${Port}`)

    status = 503
    await eventually(async () => (await reasons(id)).length).toBe(8)
    status = 200
    const isWell = async () =>
      (await statuses(id)).every(({ StatusReport }) => /^Success/.test(StatusReport?.Status ?? ''))
    await eventually(isWell).toBe(true)
    expect(new Set(await reasons(id))).toEqual(
      new Set(['Failure: HTTP Status Code 503, Service Unavailable']),
    )
  })

  test('are asked at fewer locations where fewer are named', async () => {
    const Regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1']
    const id = await create({ IPAddress: '127.0.0.1', Regions })
    await eventually(async () => (await statuses(id)).map(({ Region }) => Region).sort()).toEqual(
      Regions.sort(),
    )
  })

  test('of a host that has a record here is of the record, and follows it', async () => {
    const zone = await world.zone()
    const FullyQualifiedDomainName = `api.${zone.name}`
    const id = await create({ FullyQualifiedDomainName })
    await eventually(() => reasons(id)).toContain(
      `Failure: DNS resolution failed: no IPv4 address of '${FullyQualifiedDomainName}' is known here.`,
    )
    await world.change(zone.id, ['CREATE', records(FullyQualifiedDomainName, 'A', ['127.0.0.1'])])
    await eventually(async () => (await statuses(id))[0]?.StatusReport?.Status).toBe(
      'Success: HTTP Status Code 200, OK. Resolved IP: 127.0.0.1',
    )
    await world.change(zone.id, [
      'UPSERT',
      records(FullyQualifiedDomainName, 'A', ['169.254.169.254']),
    ])
    await eventually(async () => (await statuses(id))[0]?.StatusReport?.Status).toContain(
      'The address 169.254.169.254 is not one that health checks may reach here.',
    )
  })

  test('of an alarm says why nothing is known, when no region answers', async () => {
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: 'alarm',
      HealthCheckConfig: {
        Type: 'CLOUDWATCH_METRIC',
        AlarmIdentifier: { Region: 'us-east-1', Name: 'orders' },
      },
    })
    await eventually(() => reasons(HealthCheck!.Id!)).toEqual([
      'Failure: the region us-east-1 does not tell of its alarms (there are no regions)',
    ])
  })

  test('are not to be had of a calculated check, nor of one that is not there', async () => {
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: 'calculated',
      HealthCheckConfig: { Type: 'CALCULATED', HealthThreshold: 0 },
    })
    expect(await refusal(statuses(HealthCheck!.Id!))).toBe('InvalidInput')
    expect(await refusal(reasons(HealthCheck!.Id!))).toBe('InvalidInput')
    expect(await refusal(statuses('nobody'))).toBe('NoSuchHealthCheck')
  })
})
