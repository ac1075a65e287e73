import type { HealthCheckConfig, ListHealthChecksResponse } from '@aws-sdk/client-route-53'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { refused, route53UnderTest } from './route53-under-test.ts'

const HTTP: HealthCheckConfig = { Type: 'HTTP', IPAddress: '127.0.0.1', Port: 1 }

describe('CreateHealthCheck', () => {
  const world = route53UnderTest()
  let count = 0
  const create = (HealthCheckConfig: HealthCheckConfig, CallerReference = `check ${++count}`) =>
    world.api().createHealthCheck({ CallerReference, HealthCheckConfig })

  test('answers a check with the defaults of all that was not given', async () => {
    const made = await create({
      Type: 'HTTPS_STR_MATCH',
      FullyQualifiedDomainName: 'www.shop.test',
      SearchString: 'ok <&>',
      ResourcePath: '/healthz?a=b&c',
    })
    expect(made).toMatchObject({
      $metadata: { httpStatusCode: 201 },
      Location: expect.stringContaining('/2013-04-01/healthcheck/'),
      HealthCheck: {
        Id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
        HealthCheckVersion: 1,
      },
    })
    expect(made.HealthCheck?.HealthCheckConfig).toEqual({
      Type: 'HTTPS_STR_MATCH',
      FullyQualifiedDomainName: 'www.shop.test',
      SearchString: 'ok <&>',
      ResourcePath: '/healthz?a=b&c',
      Port: 443,
      RequestInterval: 30,
      FailureThreshold: 3,
      MeasureLatency: false,
      EnableSNI: true,
      Inverted: false,
      Disabled: false,
    })
    const { HealthCheck } = await world
      .api()
      .getHealthCheck({ HealthCheckId: made.HealthCheck!.Id! })
    expect(HealthCheck).toEqual(made.HealthCheck)
  })

  test('answers the same check to the same reference and settings, and refuses other ones', async () => {
    const first = await create(HTTP, 'idempotent')
    expect(await create(HTTP, 'idempotent')).toMatchObject({ HealthCheck: first.HealthCheck })
    expect(await refusal(create({ ...HTTP, Port: 2 }, 'idempotent'))).toBe(
      'HealthCheckAlreadyExists',
    )
    const other = await create(HTTP)
    expect(other.HealthCheck!.Id).not.toBe(first.HealthCheck!.Id)
    await world.api().deleteHealthCheck({ HealthCheckId: first.HealthCheck!.Id! })
    expect(await refusal(create(HTTP, 'idempotent'))).toBe('HealthCheckAlreadyExists')
  })

  test('counts other checks, but no calculated ones', async () => {
    const child = (await create(HTTP)).HealthCheck!.Id!
    const parent = await create({
      Type: 'CALCULATED',
      ChildHealthChecks: [child],
      HealthThreshold: 1,
    })
    expect(parent.HealthCheck?.HealthCheckConfig).toEqual({
      Type: 'CALCULATED',
      ChildHealthChecks: [child],
      HealthThreshold: 1,
      Inverted: false,
      Disabled: false,
    })
    for (const id of [parent.HealthCheck!.Id!, 'nobody']) {
      const call = create({ Type: 'CALCULATED', ChildHealthChecks: [id], HealthThreshold: 1 })
      expect(await refusal(call)).toBe('InvalidInput')
    }
  })

  test('watches an alarm', async () => {
    const AlarmIdentifier = { Region: 'ap-southeast-1' as const, Name: 'orders too slow' }
    const { HealthCheck } = await create({ Type: 'CLOUDWATCH_METRIC', AlarmIdentifier })
    expect(HealthCheck?.HealthCheckConfig).toMatchObject({
      AlarmIdentifier,
      InsufficientDataHealthStatus: 'LastKnownStatus',
    })
  })

  test.each<[string, Partial<HealthCheckConfig>, string]>([
    ['no endpoint', { IPAddress: undefined }, 'Either IPAddress or FullyQualifiedDomainName'],
    ['an address that is none', { IPAddress: '127.1' }, 'is not an IP address'],
    ['a metadata address', { IPAddress: '169.254.169.254' }, 'is forbidden'],
    ['a mapped metadata address', { IPAddress: '::ffff:169.254.169.254' }, 'is forbidden'],
    ['a multicast address', { IPAddress: '224.0.0.1' }, 'is forbidden'],
    ['a host that is none', { FullyQualifiedDomainName: 'a b' }, 'FullyQualifiedDomainName'],
    ['a header in a host', { FullyQualifiedDomainName: 'a\r\nX: y' }, 'FullyQualifiedDomainName'],
    ['a header in a path', { ResourcePath: '/ HTTP/1.1\r\nX: y' }, 'ResourcePath'],
    ['port 0', { Port: 0 }, 'Port'],
    ['port 65,536', { Port: 65_536 }, 'Port'],
    ['no port for TCP', { Type: 'TCP', Port: undefined }, 'Port must be specified'],
    ['a path for TCP', { Type: 'TCP', ResourcePath: '/' }, 'ResourcePath'],
    ['an interval of 20', { RequestInterval: 20 }, 'RequestInterval must be 10 or 30'],
    ['a threshold of 0', { FailureThreshold: 0 }, 'FailureThreshold'],
    ['a threshold of 11', { FailureThreshold: 11 }, 'FailureThreshold'],
    ['a search string without a search', { SearchString: 'x' }, 'must not have a SearchString'],
    ['a search without a search string', { Type: 'HTTP_STR_MATCH' }, 'must have a SearchString'],
    ['a long search string', { Type: 'HTTP_STR_MATCH', SearchString: 'x'.repeat(256) }, '255'],
    ['two regions', { Regions: ['us-east-1', 'us-west-1'] }, 'at least three'],
    [
      'an unknown region',
      { Regions: ['us-east-1', 'us-west-1', 'eu-north-1' as never] },
      'Regions must be',
    ],
    ['children of an endpoint', { ChildHealthChecks: ['x'] }, 'must not have ChildHealthChecks'],
    [
      'an alarm of an endpoint',
      { AlarmIdentifier: { Region: 'us-east-1', Name: 'x' } },
      'must not have AlarmIdentifier',
    ],
    ['an endpoint of a calculated one', { Type: 'CALCULATED' }, 'must not have IPAddress'],
    ['an endpoint of an alarm', { Type: 'CLOUDWATCH_METRIC' }, 'must not have IPAddress'],
    ['an unknown type', { Type: 'PING' as never }, 'is not one of the types'],
  ])('refuses %s', async (_, more, words) => {
    const before = (await world.api().getHealthCheckCount({})).HealthCheckCount
    const { name, message } = await refused(create({ ...HTTP, ...more }))
    expect(name).toBe('InvalidInput')
    expect(message).toContain(words)
    expect((await world.api().getHealthCheckCount({})).HealthCheckCount).toBe(before)
  })

  test('refuses an alarm without a name, and routing controls', async () => {
    const Region = 'us-east-1'
    for (const AlarmIdentifier of [undefined, { Region, Name: '' }, { Region: 'x', Name: 'y' }]) {
      const call = create({ Type: 'CLOUDWATCH_METRIC', AlarmIdentifier } as never)
      expect(await refusal(call)).toBe('InvalidInput')
    }
    const arn = 'arn:aws:route53-recovery-control::0:controlpanel/a/routingcontrol/b'
    expect(await refusal(create({ Type: 'RECOVERY_CONTROL', RoutingControlArn: arn }))).toBe(
      'UnsupportedOperation',
    )
  })

  test('refuses the 201st', async () => {
    const { HealthCheckCount = 0 } = await world.api().getHealthCheckCount({})
    const disabled = { ...HTTP, Disabled: true }
    for (let n = HealthCheckCount; n < 200; n += 1) await create(disabled)
    expect(await refusal(create(disabled))).toBe('TooManyHealthChecks')
    const seen: string[] = []
    for (let Marker: string | undefined = ''; Marker !== undefined; ) {
      const page: ListHealthChecksResponse = await world
        .api()
        .listHealthChecks({ MaxItems: 90, ...(Marker && { Marker }) })
      seen.push(...page.HealthChecks!.map(({ Id }) => Id!))
      Marker = page.IsTruncated ? page.NextMarker : undefined
    }
    expect(new Set(seen).size).toBe(200)
    expect((await world.api().getHealthCheckCount({})).HealthCheckCount).toBe(200)
  })
})
