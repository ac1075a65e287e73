import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { refused, route53UnderTest } from './route53-under-test.ts'

describe('CreateHostedZone', () => {
  const world = route53UnderTest()

  test('makes a zone that is served, with its SOA and NS records', async () => {
    const made = await world.api().createHostedZone({
      Name: 'My-App.test',
      CallerReference: 'first',
      HostedZoneConfig: { Comment: 'Managed by Terraform', PrivateZone: false },
    })
    expect(made).toMatchObject({
      $metadata: { httpStatusCode: 201 },
      HostedZone: {
        Id: expect.stringMatching(/^\/hostedzone\/Z[0-9A-Z]{20}$/),
        Name: 'my-app.test.',
        CallerReference: 'first',
        Config: { Comment: 'Managed by Terraform', PrivateZone: false },
        ResourceRecordSetCount: 2,
      },
      ChangeInfo: { Id: expect.stringMatching(/^\/change\/C[0-9A-Z]{20}$/), Status: 'PENDING' },
      Location: expect.stringContaining('/2013-04-01/hostedzone/Z'),
    })
    expect(made.DelegationSet?.NameServers).toHaveLength(4)
    await world.inSync(made.ChangeInfo?.Id)

    const { ResourceRecordSets } = await world
      .api()
      .listResourceRecordSets({ HostedZoneId: made.HostedZone!.Id! })
    expect(ResourceRecordSets).toMatchObject([
      { Name: 'my-app.test.', Type: 'NS', TTL: 172_800 },
      { Name: 'my-app.test.', Type: 'SOA', TTL: 900 },
    ])
    const soa = await world.resolver().resolveSoa('my-app.test')
    expect(soa).toMatchObject({ serial: 1, refresh: 7200, minttl: 86_400 })
    const servers = await world.resolver().resolveNs('my-app.test')
    expect(servers.sort()).toEqual(made.DelegationSet?.NameServers)
  })

  test('takes a caller reference once, also after the zone is deleted', async () => {
    const asked = { Name: 'again.test', CallerReference: 'once' }
    const { HostedZone } = await world.api().createHostedZone(asked)
    expect(await refusal(world.api().createHostedZone(asked))).toBe('HostedZoneAlreadyExists')
    await world.api().deleteHostedZone({ Id: HostedZone!.Id! })
    expect(await refusal(world.api().createHostedZone(asked))).toBe('HostedZoneAlreadyExists')
    const { HostedZones } = await world.api().listHostedZones({})
    expect(HostedZones!.filter(({ Name }) => Name === 'again.test.')).toEqual([])
  })

  test('takes a name again, and the first zone of a name is the one that is served', async () => {
    const Name = 'twins.test'
    const first = await world.api().createHostedZone({ Name, CallerReference: 'twin 1' })
    const second = await world.api().createHostedZone({ Name, CallerReference: 'twin 2' })
    expect(first.HostedZone!.Id).not.toBe(second.HostedZone!.Id)
    await world.change(second.HostedZone!.Id!, [
      'CREATE',
      { Name: `www.${Name}`, Type: 'A', TTL: 1, ResourceRecords: [{ Value: '192.0.2.2' }] },
    ])
    await expect(world.resolver().resolve4(`www.${Name}`)).rejects.toMatchObject({
      code: 'ENOTFOUND',
    })
    const { ChangeInfo } = await world.api().deleteHostedZone({ Id: first.HostedZone!.Id! })
    await world.inSync(ChangeInfo?.Id)
    expect(await world.resolver().resolve4(`www.${Name}`)).toEqual(['192.0.2.2'])
  })

  test.each([
    ['', 'InvalidDomainName'],
    ['test', 'InvalidDomainName'],
    ['a..test', 'InvalidDomainName'],
    ['*.a.test', 'InvalidDomainName'],
    ['a b.test', 'InvalidDomainName'],
    [`${'a'.repeat(64)}.test`, 'InvalidDomainName'],
  ])("refuses the name '%s'", async (Name, code) => {
    const before = await world.api().getHostedZoneCount({})
    const call = world.api().createHostedZone({ Name, CallerReference: `bad ${Name}` })
    expect(await refusal(call)).toBe(code)
    expect((await world.api().getHostedZoneCount({})).HostedZoneCount).toBe(before.HostedZoneCount)
  })

  test('says what is wrong with a name', async () => {
    const call = world.api().createHostedZone({ Name: 'a..test', CallerReference: 'words' })
    expect((await refused(call)).message).toBe(
      "FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..test'",
    )
  })

  test('refuses private zones and delegation sets, which a home has not', async () => {
    const asked = { Name: 'private.test', CallerReference: 'private' }
    const VPC = { VPCId: 'vpc-1', VPCRegion: 'us-east-1' as const }
    for (const more of [
      { VPC },
      { HostedZoneConfig: { PrivateZone: true } },
      { DelegationSetId: 'N1' },
    ]) {
      expect(await refusal(world.api().createHostedZone({ ...asked, ...more }))).toBe(
        'UnsupportedOperation',
      )
    }
    expect((await world.api().createHostedZone(asked)).HostedZone?.Name).toBe('private.test.')
  })
})
