import type { ResourceRecordSet } from '@aws-sdk/client-route-53'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { records, refused, route53UnderTest } from './route53-under-test.ts'

type Changes = ['CREATE' | 'DELETE' | 'UPSERT', ResourceRecordSet][]

describe('ChangeResourceRecordSets', () => {
  const world = route53UnderTest()
  let zone: { id: string; name: string }
  let check: string

  beforeAll(async () => {
    zone = await world.zone()
    const { HealthCheck } = await world.api().createHealthCheck({
      CallerReference: 'records',
      HealthCheckConfig: { Type: 'CALCULATED', HealthThreshold: 0 },
    })
    check = HealthCheck!.Id!
  })

  const named = (label: string) => `${label}.${zone.name}`
  const listed = async () => {
    const { ResourceRecordSets = [] } = await world
      .api()
      .listResourceRecordSets({ HostedZoneId: zone.id })
    return ResourceRecordSets
  }
  /** The words of a refusal, after which nothing has changed. */
  const problem = async (...changes: Changes) => {
    const before = await listed()
    const { name, message } = await refused(world.change(zone.id, ...changes))
    expect(await listed()).toEqual(before)
    return `${name}: ${message}`
  }

  test('creates, replaces and deletes records, which are answered as they are then', async () => {
    const www = named('www')
    await world.change(zone.id, ['CREATE', records(www, 'A', ['192.0.2.1', '192.0.2.2'])])
    expect((await world.resolver().resolve4(www)).sort()).toEqual(['192.0.2.1', '192.0.2.2'])
    await world.change(zone.id, ['UPSERT', records(www, 'A', ['192.0.2.3'], { TTL: 7 })])
    expect(await world.resolver().resolve4(www, { ttl: true })).toEqual([
      { address: '192.0.2.3', ttl: 7 },
    ])
    // Spelled in another way it is the same.
    const same = records(`${www.toUpperCase()}.`, 'A', ['192.0.2.3'], { TTL: 7 })
    await world.change(zone.id, ['DELETE', same])
    await expect(world.resolver().resolve4(www)).rejects.toMatchObject({ code: 'ENOTFOUND' })
    expect((await listed()).map(({ Type }) => Type)).toEqual(['NS', 'SOA'])
  })

  test('takes records of every type that is served', async () => {
    await world.change(
      zone.id,
      ['UPSERT', records(named('types'), 'AAAA', ['2001:DB8::1'])],
      ['UPSERT', records(named('types'), 'TXT', ['"one" "two"', '"a \\"b\\""'])],
      ['UPSERT', records(named('types'), 'MX', ['10 Mail.example.com', '20 mail2.example.com.'])],
      ['UPSERT', records(named('types'), 'CAA', ['0 issue "ca.example.net"'])],
      ['UPSERT', records(named('_sip._tcp'), 'SRV', ['1 2 5060 sip.example.com'])],
      ['UPSERT', records(named('alias'), 'CNAME', ['elsewhere.example.com'])],
      ['UPSERT', records(named('1'), 'PTR', ['host.example.com'])],
      ['UPSERT', records(named('child'), 'NS', ['ns.example.com'])],
      ['UPSERT', records(named('*.wild'), 'A', ['192.0.2.9'])],
      ['UPSERT', records(named('a\\100b'), 'A', ['192.0.2.8'])],
    )
    const dns = world.resolver()
    expect(await dns.resolve6(named('types'))).toEqual(['2001:db8::1'])
    expect((await dns.resolveTxt(named('types'))).sort()).toEqual([['a "b"'], ['one', 'two']])
    expect((await dns.resolveMx(named('types'))).sort((a, b) => a.priority - b.priority)).toEqual([
      { exchange: 'mail.example.com', priority: 10 },
      { exchange: 'mail2.example.com', priority: 20 },
    ])
    expect(await dns.resolveCaa(named('types'))).toEqual([{ critical: 0, issue: 'ca.example.net' }])
    expect(await dns.resolveSrv(named('_sip._tcp'))).toEqual([
      { name: 'sip.example.com', port: 5060, priority: 1, weight: 2 },
    ])
    expect(await dns.resolveCname(named('alias'))).toEqual(['elsewhere.example.com'])
    expect(await dns.resolvePtr(named('1'))).toEqual(['host.example.com'])
    expect(await dns.resolve4(named('anything.wild'))).toEqual(['192.0.2.9'])
    // Names and values are told as they are kept, and as they were given.
    const sets = await listed()
    const has = (set: object) => expect(sets).toContainEqual(expect.objectContaining(set))
    has({ Name: `\\052.wild.${zone.name}.`, Type: 'A' })
    has({ Name: `a\\100b.${zone.name}.`, Type: 'A' })
    has({ Name: `types.${zone.name}.`, ResourceRecords: [{ Value: '2001:DB8::1' }] })
    const { HostedZone } = await world.api().getHostedZone({ Id: zone.id })
    expect(HostedZone?.ResourceRecordSetCount).toBe(sets.length)
  })

  test('does all of a batch or nothing of it, and tells all that is wrong', async () => {
    await world.change(zone.id, ['CREATE', records(named('there'), 'A', ['192.0.2.1'])])
    expect(
      await problem(
        ['CREATE', records(named('new'), 'A', ['192.0.2.1'])],
        ['CREATE', records(named('there'), 'A', ['192.0.2.1'])],
        ['DELETE', records(named('absent'), 'A', ['192.0.2.1'])],
        ['UPSERT', records(named('bad'), 'A', ['192.0.2.256'])],
      ),
    ).toBe(
      `InvalidChangeBatch: [Tried to create resource record set [name='there.${zone.name}.', type='A'] but it already exists, ` +
        `Tried to delete resource record set [name='absent.${zone.name}.', type='A'] but it was not found, ` +
        "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '192.0.2.256'']",
    )
    expect(await problem(['DELETE', records(named('there'), 'A', ['192.0.2.2'])])).toContain(
      'but the values provided do not match the current values',
    )
    expect(
      await problem(['DELETE', records(named('there'), 'A', ['192.0.2.1'], { TTL: 61 })]),
    ).toContain('but the values provided do not match the current values')
  })

  test('lets a record be deleted and made anew in one batch, and no other repetition', async () => {
    const name = named('repeated')
    const [one, two] = ['192.0.2.1', '192.0.2.2'].map((value) => records(name, 'A', [value]))
    await world.change(zone.id, ['CREATE', one!])
    await world.change(zone.id, ['DELETE', one!], ['CREATE', two!])
    expect(await world.resolver().resolve4(name)).toEqual(['192.0.2.2'])
    for (const [first, second] of [
      ['DELETE', 'DELETE'],
      ['UPSERT', 'UPSERT'],
      ['UPSERT', 'DELETE'],
    ] as const) {
      expect(await problem([first, two!], [second, two!])).toBe(
        `InvalidChangeBatch: [The request contains an invalid set of changes for a resource record set 'A ${name}.']`,
      )
    }
  })

  describe('refuses', () => {
    test.each<[string, (name: string) => ResourceRecordSet, string]>([
      [
        'a name outside of the zone',
        () => records('www.elsewhere.test', 'A', ['192.0.2.1']),
        'RRSet with DNS name www.elsewhere.test. is not permitted in zone ZONE.',
      ],
      [
        'a name that only ends alike',
        () => records(`bad${'ZONE'}`, 'A', ['192.0.2.1']),
        'RRSet with DNS name badZONE. is not permitted in zone ZONE.',
      ],
      [
        'a name that is none',
        () => records('a..ZONE', 'A', ['192.0.2.1']),
        "FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..ZONE'",
      ],
      [
        'a CNAME at the apex',
        () => records('ZONE', 'CNAME', ['a.test']),
        'RRSet of type CNAME with DNS name ZONE. is not permitted at apex in zone ZONE.',
      ],
      [
        'a CNAME beside others',
        () => records('taken.ZONE', 'CNAME', ['a.test']),
        'RRSet of type CNAME with DNS name taken.ZONE. is not permitted as it conflicts with other records with the same DNS name in zone ZONE.',
      ],
      [
        'others beside a CNAME',
        () => records('cname.ZONE', 'A', ['192.0.2.1']),
        'RRSet of type A with DNS name cname.ZONE. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone ZONE.',
      ],
      [
        'the same value twice',
        (name) => records(name, 'A', ['192.0.2.1', '192.0.2.1']),
        "Duplicate Resource Record: '192.0.2.1'",
      ],
      [
        'an address of the other kind',
        (name) => records(name, 'AAAA', ['192.0.2.1']),
        'AAAARRDATAIllegalIPv6Address',
      ],
      [
        'text without quotes',
        (name) => records(name, 'TXT', ['text']),
        "InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'text'",
      ],
      [
        'two CNAMEs',
        (name) => records(name, 'CNAME', ['a.test', 'b.test']),
        'can have one value only',
      ],
      [
        '401 values',
        (name) =>
          records(
            name,
            'A',
            Array.from({ length: 401 }, (_, n) => `10.0.${n >> 8}.${n & 255}`),
          ),
        'Number of values limit of 400 exceeded.',
      ],
      ['name servers of a wildcard', () => records('*.ZONE', 'NS', ['a.test']), 'is not permitted'],
      [
        'another SOA record',
        () => records('soa.ZONE', 'SOA', ['a. b. 1 2 3 4 5']),
        'is not permitted',
      ],
    ])('%s', async (_, set, words) => {
      await world.change(
        zone.id,
        ['UPSERT', records(named('taken'), 'A', ['192.0.2.1'])],
        ['UPSERT', records(named('cname'), 'CNAME', ['a.test'])],
      )
      const placed = (text: string) => text.replaceAll('ZONE', zone.name)
      const asked = set(named('refused'))
      const told = await problem(['CREATE', { ...asked, Name: placed(asked.Name!) }])
      expect(told).toMatch(/^InvalidChangeBatch: /)
      expect(told).toContain(placed(words))
    })

    test.each<[string, Partial<ResourceRecordSet>, string]>([
      [
        'neither values nor an alias',
        { ResourceRecords: [] },
        'Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none',
      ],
      ['values without a TTL', { TTL: undefined }, 'but found none'],
      [
        'values and an alias',
        { AliasTarget: { DNSName: 'x', HostedZoneId: 'x', EvaluateTargetHealth: false } },
        'but found more than one',
      ],
      [
        'an identifier without routing',
        { SetIdentifier: 'a' },
        'Expected exactly one of [Weight, Region, Failover, GeoLocation, or MultiValueAnswer], but found none',
      ],
      [
        'two kinds of routing',
        { SetIdentifier: 'a', Weight: 1, Failover: 'PRIMARY' },
        'but found more than one',
      ],
      ['routing without an identifier', { Weight: 1 }, "Missing field 'SetIdentifier'"],
      ['a health check without routing', { HealthCheckId: 'x' }, "Missing field 'SetIdentifier'"],
      ['a weight beyond 255', { SetIdentifier: 'a', Weight: 256 }, 'Weight'],
      ['a TTL below 0', { TTL: -1 }, 'TTL'],
      ['a type that is none', { Type: 'WKS' as never }, 'enumeration'],
    ])('%s, as input', async (_, more, words) => {
      const told = await problem(['CREATE', records(named('refused'), 'A', ['192.0.2.1'], more)])
      expect(told).toMatch(/^InvalidInput: /)
      expect(told).toContain(words)
    })

    test.each<[string, Partial<ResourceRecordSet>]>([
      ['latency', { SetIdentifier: 'a', Region: 'us-east-1' }],
      ['geolocation', { SetIdentifier: 'a', GeoLocation: { CountryCode: 'SG' } }],
      ['geoproximity', { SetIdentifier: 'a', GeoProximityLocation: { AWSRegion: 'us-east-1' } }],
      [
        'IP-based',
        { SetIdentifier: 'a', CidrRoutingConfig: { CollectionId: 'x', LocationName: 'y' } },
      ],
      ['NAPTR', { Type: 'NAPTR' }],
    ])('%s routing or records, which a home has not', async (_, more) => {
      const told = await problem(['CREATE', records(named('refused'), 'A', ['192.0.2.1'], more)])
      expect(told).toMatch(/^UnsupportedOperation: .*not available in an embedded home\.$/)
    })

    test('what a zone cannot be without', async () => {
      const [ns, soa] = await listed()
      expect(await problem(['DELETE', ns!], ['DELETE', soa!])).toBe(
        'InvalidChangeBatch: [A HostedZone must contain at least one NS record for the zone itself., A HostedZone must contain exactly one SOA record.]',
      )
    })

    test('more than 1,000 values and 32,000 characters, of which an upsert counts twice', async () => {
      const many = (count: number) =>
        Array.from({ length: count }, (_, n): Changes[number] => [
          'UPSERT',
          records(named(`many-${n}`), 'A', ['192.0.2.1']),
        ])
      expect(await problem(...many(501))).toContain('Number of records limit of 1000 exceeded.')
      const long = `"${'x'.repeat(250)}" `.repeat(4).trim()
      const texts = Array.from({ length: 16 }, (_, n): Changes[number] => [
        'UPSERT',
        records(named(`long-${n}`), 'TXT', [long]),
      ])
      expect(await problem(...texts)).toContain('Number of characters limit of 32000 exceeded.')
    })

    test('a zone and a health check that are not there', async () => {
      const set = records(named('refused'), 'A', ['192.0.2.1'])
      expect(await refusal(world.change('Z0', ['CREATE', set]))).toBe('NoSuchHostedZone')
      const weighted = { ...set, SetIdentifier: 'a', Weight: 1, HealthCheckId: 'nobody' }
      expect(await problem(['CREATE', weighted])).toMatch(/^NoSuchHealthCheck: /)
    })

    test('a body that is not what the model says', async () => {
      const asked = { HostedZoneId: zone.id, ChangeBatch: { Changes: [] } }
      expect(await refusal(world.api().changeResourceRecordSets(asked))).toBe('InvalidInput')
      const Changes = [{ Action: 'CREATE' as const, ResourceRecordSet: undefined }]
      const call = world.api().changeResourceRecordSets({ ...asked, ChangeBatch: { Changes } })
      expect(await refusal(call)).toBe('InvalidInput')
    })
  })

  describe('of sets of one name and type', () => {
    const weighted = (id: string, more: Partial<ResourceRecordSet> = {}) =>
      records(named('group'), 'A', ['192.0.2.1'], { SetIdentifier: id, Weight: 1, ...more })
    const failover = (id: string, role: 'PRIMARY' | 'SECONDARY', value = '192.0.2.1') =>
      records(named('pair'), 'A', [value], {
        SetIdentifier: id,
        Failover: role,
        ...(role === 'PRIMARY' ? { HealthCheckId: check } : {}),
      })

    test('has one kind of routing', async () => {
      await world.change(zone.id, ['UPSERT', weighted('a')], ['UPSERT', weighted('b')])
      const identity = `RRSet with DNS name ${named('group')}., type A`
      const simple = records(named('group'), 'A', ['192.0.2.1'])
      expect(await problem(['CREATE', simple])).toContain(
        `${identity} cannot be created as other RRSets exist with the same name and type.`,
      )
      const { Weight: _, ...plain } = weighted('c')
      expect(await problem(['CREATE', { ...plain, Failover: 'SECONDARY' }])).toContain(
        `${identity}, SetIdentifier c, and marked as secondary cannot be created because a non-failover RRSet with the same name and type already exists.`,
      )
      expect(await problem(['CREATE', { ...plain, MultiValueAnswer: true }])).toContain(
        `${identity}, SetIdentifier c cannot be created because a non multivalue answer RRSet`,
      )
      expect(await problem(['CREATE', weighted('c', { TTL: 61 })])).toContain(
        `${identity}, SetIdentifier c cannot be created as weighted sets must contain the same TTL.`,
      )
      await world.change(zone.id, ['UPSERT', records(named('simple'), 'A', ['192.0.2.1'])])
      expect(await problem(['CREATE', { ...weighted('c'), Name: named('simple') }])).toContain(
        'cannot be created as a non-weighted set exists with the same name and type.',
      )
    })

    test('has one primary and one secondary, which may change places in one batch', async () => {
      await world.change(
        zone.id,
        ['UPSERT', failover('here', 'PRIMARY', '192.0.2.1')],
        ['UPSERT', failover('there', 'SECONDARY', '192.0.2.2')],
      )
      expect(await world.resolver().resolve4(named('pair'))).toEqual(['192.0.2.1'])
      expect(await problem(['CREATE', failover('third', 'PRIMARY')])).toContain(
        'SetIdentifier third, and marked as primary cannot be created because a failover RRSet with the same name, type and failover already exists.',
      )
      expect(await problem(['UPSERT', failover('there', 'PRIMARY')])).toMatch(/^InvalidChangeBatch/)
      await world.change(
        zone.id,
        ['UPSERT', failover('there', 'PRIMARY', '192.0.2.2')],
        ['UPSERT', failover('here', 'SECONDARY', '192.0.2.1')],
      )
      expect(await world.resolver().resolve4(named('pair'))).toEqual(['192.0.2.2'])
    })

    test('changes its routing in one batch only', async () => {
      const sets = [
        failover('here', 'SECONDARY', '192.0.2.1'),
        failover('there', 'PRIMARY', '192.0.2.2'),
      ]
      const asWeighted = sets.map(({ Failover: _, ...set }) => ({ ...set, Weight: 1 }))
      expect(await problem(['UPSERT', asWeighted[0]!])).toMatch(/^InvalidChangeBatch/)
      await world.change(zone.id, ['UPSERT', asWeighted[0]!], ['UPSERT', asWeighted[1]!])
    })

    test('has a health check where it is a primary without an alias', async () => {
      const { HealthCheckId: _, ...unchecked } = failover('p', 'PRIMARY')
      expect(await problem(['CREATE', { ...unchecked, Name: named('unchecked') }])).toBe(
        'InvalidChangeBatch: [A non-alias primary ResourceRecordSet must have an associated health check. No changes made.]',
      )
    })
  })

  describe('of an alias', () => {
    const bareId = () => zone.id.replace('/hostedzone/', '')
    const alias = (name: string, target: string, more: Partial<ResourceRecordSet> = {}) => ({
      Name: named(name),
      Type: 'A' as const,
      AliasTarget: { HostedZoneId: bareId(), DNSName: target, EvaluateTargetHealth: false },
      ...more,
    })

    test('answers what its target answers, also at the apex, with the TTL of the target', async () => {
      const target = records(named('target'), 'A', ['192.0.2.5'], { TTL: 33 })
      await world.change(
        zone.id,
        ['CREATE', target],
        ['CREATE', alias('stands-for', named('target'))],
        ['CREATE', { ...alias('', named('stands-for')), Name: zone.name }],
      )
      for (const name of [named('stands-for'), zone.name]) {
        expect(await world.resolver().resolve4(name, { ttl: true })).toEqual([
          { address: '192.0.2.5', ttl: 33 },
        ])
      }
      expect(await listed()).toContainEqual({
        Name: `${zone.name}.`,
        Type: 'A',
        AliasTarget: {
          HostedZoneId: bareId(),
          DNSName: `${named('stands-for')}.`,
          EvaluateTargetHealth: false,
        },
      })
    })

    test('refuses what it cannot stand for', async () => {
      expect(await problem(['CREATE', alias('lost', named('nowhere'))])).toBe(
        `InvalidChangeBatch: [Tried to create an alias that targets nowhere.${zone.name}., type A in zone ${bareId()}, but that target was not found]`,
      )
      const elsewhere = 'my-lb.ap-southeast-1.elb.amazonaws.com'
      const AliasTarget = {
        HostedZoneId: 'Z1LMS91P8CMLE5',
        DNSName: elsewhere,
        EvaluateTargetHealth: false,
      }
      const foreign = alias('foreign', elsewhere, { AliasTarget })
      expect(await problem(['CREATE', foreign])).toContain(
        `Tried to create an alias that targets ${elsewhere}., type A in zone Z1LMS91P8CMLE5, but the alias target name does not lie within the target zone`,
      )
      expect(await problem(['CREATE', alias('loop', named('loop'))])).toContain(
        'leads back to itself',
      )
      const multivalue = { SetIdentifier: 'a', MultiValueAnswer: true }
      expect(await problem(['CREATE', alias('multi', named('target'), multivalue)])).toMatch(
        /^InvalidInput/,
      )
    })
  })
})
