import type {
  ListHostedZonesByNameResponse,
  ListHostedZonesResponse,
} from '@aws-sdk/client-route-53'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { records, route53UnderTest } from './route53-under-test.ts'

describe('hosted zones', () => {
  const world = route53UnderTest()
  const create = async (Name: string) => {
    const { HostedZone } = await world.api().createHostedZone({ Name, CallerReference: Name })
    return HostedZone!
  }

  test('GetHostedZone tells a zone and its name servers, and refuses one that is not there', async () => {
    const made = await create('get.test')
    for (const Id of [made.Id!, made.Id!.replace('/hostedzone/', '')]) {
      const { HostedZone, DelegationSet } = await world.api().getHostedZone({ Id })
      expect(HostedZone).toEqual(made)
      expect(DelegationSet?.NameServers).toHaveLength(4)
    }
    expect(await refusal(world.api().getHostedZone({ Id: 'Z0' }))).toBe('NoSuchHostedZone')
  })

  test('UpdateHostedZoneComment replaces a comment, or removes it', async () => {
    const { Id } = await create('comment.test')
    const update = (Comment?: string) => world.api().updateHostedZoneComment({ Id: Id!, Comment })
    expect((await update('one')).HostedZone?.Config?.Comment).toBe('one')
    expect((await world.api().getHostedZone({ Id: Id! })).HostedZone?.Config?.Comment).toBe('one')
    expect((await update()).HostedZone?.Config?.Comment).toBeUndefined()
    expect(await refusal(update('x'.repeat(257)))).toBe('InvalidInput')
  })

  test('DeleteHostedZone refuses a zone with other records, and ends to serve one without', async () => {
    const { id, name } = await world.zone()
    const set = records(`www.${name}`, 'A', ['192.0.2.1'])
    await world.change(id, ['CREATE', set])
    expect(await refusal(world.api().deleteHostedZone({ Id: id }))).toBe('HostedZoneNotEmpty')
    expect(await world.resolver().resolve4(`www.${name}`)).toEqual(['192.0.2.1'])

    await world.change(id, ['DELETE', set])
    const { ChangeInfo } = await world.api().deleteHostedZone({ Id: id })
    await world.inSync(ChangeInfo?.Id)
    await expect(world.resolver().resolveSoa(name)).rejects.toMatchObject({ code: 'EREFUSED' })
    expect(await refusal(world.api().getHostedZone({ Id: id }))).toBe('NoSuchHostedZone')
    expect(await refusal(world.api().deleteHostedZone({ Id: id }))).toBe('NoSuchHostedZone')
  })

  test('ListHostedZones and ListHostedZonesByName page through all, each in its order', async () => {
    for (const name of ['b.list.test', 'a.list.test', 'a-b.list.test', 'x.a.list.test']) {
      await create(name)
    }
    const byId: string[] = []
    for (let Marker: string | undefined = ''; Marker !== undefined; ) {
      const page: ListHostedZonesResponse = await world
        .api()
        .listHostedZones({ MaxItems: 2, ...(Marker && { Marker }) })
      expect(page.HostedZones!.length).toBeLessThanOrEqual(2)
      byId.push(...page.HostedZones!.map(({ Id }) => Id!))
      Marker = page.IsTruncated ? page.NextMarker : undefined
    }
    expect(byId).toEqual([...byId].sort())
    const { HostedZoneCount } = await world.api().getHostedZoneCount({})
    expect(byId).toHaveLength(HostedZoneCount!)

    const byName: string[] = []
    for (let next: object | undefined = { DNSName: 'list.test' }; next; ) {
      const page: ListHostedZonesByNameResponse = await world
        .api()
        .listHostedZonesByName({ ...next, MaxItems: 1 })
      byName.push(...page.HostedZones!.map(({ Name }) => Name!))
      next = page.IsTruncated
        ? { DNSName: page.NextDNSName, HostedZoneId: page.NextHostedZoneId }
        : undefined
    }
    const listed = byName.filter((name) => name.endsWith('.list.test.'))
    expect(listed).toEqual(['a-b.list.test.', 'a.list.test.', 'x.a.list.test.', 'b.list.test.'])
    expect(await refusal(world.api().listHostedZonesByName({ HostedZoneId: 'Z0' }))).toBe(
      'InvalidInput',
    )
  })

  test('what a home has not is refused by its name', async () => {
    const call = world.api().createReusableDelegationSet({ CallerReference: 'x' })
    expect(await refusal(call)).toBe('UnsupportedOperation')
    expect(await refusal(world.api().getDNSSEC({ HostedZoneId: 'Z0' }))).toBe(
      'UnsupportedOperation',
    )
  })
})
