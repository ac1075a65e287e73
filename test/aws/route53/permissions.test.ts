import { IAM } from '@aws-sdk/client-iam'
import { Route53 } from '@aws-sdk/client-route-53'
import { beforeAll, describe, expect, test } from 'vitest'
import { policyOf } from '../iam/iam-under-test.ts'
import { records, refused, route53UnderTest } from './route53-under-test.ts'

describe('Route 53', () => {
  const world = route53UnderTest()
  let limited: Route53
  let zone: { id: string; name: string }
  let other: { id: string; name: string }
  let check: string

  const allow = async (...statements: Record<string, unknown>[]) => {
    const PolicyDocument = policyOf(...statements)
    const about = { UserName: 'limited', PolicyName: 'test', PolicyDocument }
    await new IAM(world.client()).putUserPolicy(about)
  }
  const zoneArn = ({ id }: { id: string }) => `arn:aws:route53:::${id.slice(1)}`
  const isDenied = async (call: Promise<unknown>) => (await refused(call)).name === 'AccessDenied'

  beforeAll(async () => {
    const iam = new IAM(world.client())
    await iam.createUser({ UserName: 'limited' })
    const { AccessKey } = await iam.createAccessKey({ UserName: 'limited' })
    const keys = {
      accessKeyId: AccessKey!.AccessKeyId!,
      secretAccessKey: AccessKey!.SecretAccessKey!,
    }
    limited = new Route53(world.client(keys))
    zone = await world.zone()
    other = await world.zone()
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: 'permissions',
      HealthCheckConfig: { Type: 'CALCULATED', HealthThreshold: 0 },
    })
    check = HealthCheck!.Id!
  })

  /** What each action is about, and a call of it that would do no harm. */
  const ACTIONS: Readonly<Record<string, [resource: () => string, call: () => Promise<unknown>]>> =
    {
      ChangeResourceRecordSets: [
        () => zoneArn(zone),
        () =>
          limited.changeResourceRecordSets({
            HostedZoneId: zone.id,
            ChangeBatch: {
              Changes: [
                {
                  Action: 'DELETE',
                  ResourceRecordSet: records(`absent.${zone.name}`, 'A', ['192.0.2.1']),
                },
              ],
            },
          }),
      ],
      ChangeTagsForResource: [
        () => zoneArn(zone),
        () =>
          limited.changeTagsForResource({
            ResourceType: 'hostedzone',
            ResourceId: zone.id.replace('/hostedzone/', ''),
            RemoveTagKeys: ['x'],
          }),
      ],
      CreateHealthCheck: [
        () => '*',
        () =>
          limited.createHealthCheck({ CallerReference: 'x', HealthCheckConfig: { Type: 'TCP' } }),
      ],
      CreateHostedZone: [
        () => '*',
        () => limited.createHostedZone({ CallerReference: 'x', Name: 'x' }),
      ],
      DeleteHealthCheck: [
        () => 'arn:aws:route53:::healthcheck/nobody',
        () => limited.deleteHealthCheck({ HealthCheckId: 'nobody' }),
      ],
      DeleteHostedZone: [
        () => 'arn:aws:route53:::hostedzone/Z0',
        () => limited.deleteHostedZone({ Id: 'Z0' }),
      ],
      GetChange: [() => 'arn:aws:route53:::change/C0', () => limited.getChange({ Id: 'C0' })],
      GetHealthCheck: [
        () => `arn:aws:route53:::healthcheck/${check}`,
        () => limited.getHealthCheck({ HealthCheckId: check }),
      ],
      GetHealthCheckCount: [() => '*', () => limited.getHealthCheckCount({})],
      GetHealthCheckLastFailureReason: [
        () => `arn:aws:route53:::healthcheck/${check}`,
        () => limited.getHealthCheckLastFailureReason({ HealthCheckId: check }),
      ],
      GetHealthCheckStatus: [
        () => `arn:aws:route53:::healthcheck/${check}`,
        () => limited.getHealthCheckStatus({ HealthCheckId: check }),
      ],
      GetHostedZone: [() => zoneArn(zone), () => limited.getHostedZone({ Id: zone.id })],
      GetHostedZoneCount: [() => '*', () => limited.getHostedZoneCount({})],
      ListHealthChecks: [() => '*', () => limited.listHealthChecks({})],
      ListHostedZones: [() => '*', () => limited.listHostedZones({})],
      ListHostedZonesByName: [
        () => '*',
        () => limited.listHostedZonesByName({ DNSName: 'x.test' }),
      ],
      ListResourceRecordSets: [
        () => zoneArn(zone),
        () => limited.listResourceRecordSets({ HostedZoneId: zone.id }),
      ],
      ListTagsForResource: [
        () => `arn:aws:route53:::healthcheck/${check}`,
        () => limited.listTagsForResource({ ResourceType: 'healthcheck', ResourceId: check }),
      ],
      ListTagsForResources: [
        () => `arn:aws:route53:::healthcheck/${check}`,
        () => limited.listTagsForResources({ ResourceType: 'healthcheck', ResourceIds: [check] }),
      ],
      TestDNSAnswer: [
        () => '*',
        () =>
          limited.testDNSAnswer({ HostedZoneId: zone.id, RecordName: zone.name, RecordType: 'A' }),
      ],
      UpdateHealthCheck: [
        () => `arn:aws:route53:::healthcheck/${check}`,
        () => limited.updateHealthCheck({ HealthCheckId: check, HealthCheckVersion: 99 }),
      ],
      UpdateHostedZoneComment: [
        () => zoneArn(zone),
        () => limited.updateHostedZoneComment({ Id: zone.id }),
      ],
    }

  test.each(Object.keys(ACTIONS))('asks for the right to %s, and for no other', async (name) => {
    const [resource, call] = ACTIONS[name]!
    await allow({ Action: `route53:${name}`, Resource: resource() })
    const outcome = await call().then(
      () => 'allowed',
      (error: Error) => error.name,
    )
    expect(outcome).not.toBe('AccessDenied')
    await allow(
      { Action: '*' },
      { Effect: 'Deny', Action: `route53:${name}`, Resource: resource() },
    )
    expect(await isDenied(call())).toBe(true)
  })

  test('keeps a right to the zone that it was given for', async () => {
    await allow({ Action: 'route53:*', Resource: zoneArn(zone) })
    const change = ({ id, name }: { id: string; name: string }) =>
      limited.changeResourceRecordSets({
        HostedZoneId: id,
        ChangeBatch: {
          Changes: [
            { Action: 'UPSERT', ResourceRecordSet: records(`www.${name}`, 'A', ['192.0.2.1']) },
          ],
        },
      })
    await change(zone)
    const { name, message } = await refused(change(other))
    expect([name, message]).toEqual([
      'AccessDenied',
      expect.stringContaining(
        `is not authorized to perform: route53:ChangeResourceRecordSets on resource: ${zoneArn(other)}`,
      ),
    ])
    const { ResourceRecordSets } = await world
      .api()
      .listResourceRecordSets({ HostedZoneId: other.id })
    expect(ResourceRecordSets).toHaveLength(2)
  })

  test('lets a right be limited to names, types and actions', async () => {
    const only = 'route53:ChangeResourceRecordSets'
    await allow({
      Action: only,
      Condition: {
        'ForAllValues:StringEquals': {
          [`${only}NormalizedRecordNames`]: [`mine.${zone.name}`],
          [`${only}RecordTypes`]: ['A'],
          [`${only}Actions`]: ['UPSERT'],
        },
      },
    })
    const change = (Action: 'CREATE' | 'UPSERT', ...sets: ReturnType<typeof records>[]) =>
      limited.changeResourceRecordSets({
        HostedZoneId: zone.id,
        ChangeBatch: { Changes: sets.map((ResourceRecordSet) => ({ Action, ResourceRecordSet })) },
      })
    const mine = records(`MINE.${zone.name}.`, 'A', ['192.0.2.1'])
    await change('UPSERT', mine)
    const theirs = records(`theirs.${zone.name}`, 'A', ['192.0.2.1'])
    const text = records(`mine.${zone.name}`, 'TXT', ['"a"'])
    expect(await isDenied(change('UPSERT', mine, theirs))).toBe(true)
    expect(await isDenied(change('UPSERT', text))).toBe(true)
    expect(await isDenied(change('CREATE', mine))).toBe(true)
  })
})
