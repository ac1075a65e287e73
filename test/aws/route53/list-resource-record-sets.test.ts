import type { ListResourceRecordSetsRequest, ResourceRecordSet } from '@aws-sdk/client-route-53'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { records, route53UnderTest } from './route53-under-test.ts'

describe('ListResourceRecordSets', () => {
  const world = route53UnderTest()
  let zone: { id: string; name: string }
  let all: ResourceRecordSet[]

  const list = (more: Partial<ListResourceRecordSetsRequest> = {}) =>
    world.api().listResourceRecordSets({ HostedZoneId: zone.id, ...more })
  const short = (sets: ResourceRecordSet[] = []) =>
    sets.map(({ Name, Type, SetIdentifier = '' }) =>
      `${Name!.replace(`${zone.name}.`, '')} ${Type} ${SetIdentifier}`.trim(),
    )

  beforeAll(async () => {
    zone = await world.zone()
    const weighted = (id: string) =>
      records(`w.${zone.name}`, 'A', ['192.0.2.1'], { SetIdentifier: id, Weight: 1 })
    const simple = ['a', 'b', 'x.a', 'a-b', '*.a', 'a0', '*'].map((label) =>
      records(`${label}.${zone.name}`, 'A', ['192.0.2.1']),
    )
    await world.change(
      zone.id,
      ...[...simple, weighted('2'), weighted('10'), weighted('1')].map(
        (set) => ['CREATE', set] as ['CREATE', ResourceRecordSet],
      ),
      ['CREATE', records(`a.${zone.name}`, 'TXT', ['"a"'])],
      ['CREATE', records(`a.${zone.name}`, 'AAAA', ['::1'])],
    )
    all = (await list()).ResourceRecordSets!
  })

  test('orders by the reversed name with its dots, by the type, and by the identifier', () => {
    expect(short(all)).toEqual([
      'NS',
      'SOA',
      '\\052. A',
      'a-b. A',
      'a. A',
      'a. AAAA',
      'a. TXT',
      '\\052.a. A',
      'x.a. A',
      'a0. A',
      'b. A',
      'w. A 1',
      'w. A 10',
      'w. A 2',
    ])
  })

  test.each([
    [{ StartRecordName: 'a.ZONE' }, 'a. A'],
    [{ StartRecordName: 'A.zone', StartRecordType: 'B' }, 'a. TXT'],
    [{ StartRecordName: 'a.ZONE', StartRecordType: 'AAAA' }, 'a. AAAA'],
    [{ StartRecordName: 'a.ZONE', StartRecordType: 'SOA' }, 'a. TXT'],
    [{ StartRecordName: 'aa.ZONE' }, 'b. A'],
    [{ StartRecordName: '*.a.ZONE' }, '\\052.a. A'],
    [{ StartRecordName: 'w.ZONE', StartRecordType: 'A', StartRecordIdentifier: '10' }, 'w. A 10'],
  ] as const)('begins at %j with %s', async (start, first) => {
    const placed = JSON.parse(JSON.stringify(start).replace(/zone/i, zone.name))
    const { ResourceRecordSets } = await list(placed)
    expect(short(ResourceRecordSets)[0]).toBe(first)
    expect(all.slice(-ResourceRecordSets!.length)).toEqual(ResourceRecordSets)
  })

  test('comes in pages that say where the next one begins', async () => {
    const seen: ResourceRecordSet[] = []
    for (let next: Partial<ListResourceRecordSetsRequest> | undefined = {}; next; ) {
      const page = await list({ ...next, MaxItems: 3 })
      expect(page.MaxItems).toBe(3)
      expect(page.ResourceRecordSets!.length).toBeLessThanOrEqual(3)
      seen.push(...page.ResourceRecordSets!)
      next = page.IsTruncated
        ? {
            StartRecordName: page.NextRecordName,
            StartRecordType: page.NextRecordType,
            StartRecordIdentifier: page.NextRecordIdentifier,
          }
        : undefined
    }
    expect(seen).toEqual(all)
    expect((await list({ MaxItems: 1000 })).MaxItems).toBe(300)
  })

  test('refuses a start that is none, and a zone that is not there', async () => {
    expect(await refusal(list({ StartRecordType: 'A' }))).toBe('InvalidInput')
    const identifier = { StartRecordName: zone.name, StartRecordIdentifier: 'a' }
    expect(await refusal(list(identifier))).toBe('InvalidInput')
    expect(await refusal(list({ MaxItems: 0 }))).toBe('InvalidInput')
    expect(await refusal(list({ HostedZoneId: 'Z0' }))).toBe('NoSuchHostedZone')
  })
})
