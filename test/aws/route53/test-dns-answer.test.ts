import type { RRType, TestDNSAnswerRequest } from '@aws-sdk/client-route-53'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { records, route53UnderTest } from './route53-under-test.ts'

describe('TestDNSAnswer', () => {
  const world = route53UnderTest()
  let zone: { id: string; name: string }

  const ask = (RecordName: string, RecordType: RRType, more: Partial<TestDNSAnswerRequest> = {}) =>
    world.api().testDNSAnswer({ HostedZoneId: zone.id, RecordName, RecordType, ...more })

  beforeAll(async () => {
    zone = await world.zone()
    await world.change(
      zone.id,
      ['CREATE', records(`www.${zone.name}`, 'A', ['192.0.2.1'])],
      ['CREATE', records(`www.${zone.name}`, 'AAAA', ['2001:db8::1'])],
      ['CREATE', records(`www.${zone.name}`, 'TXT', ['"a \\"b\\" \\303\\244" "c"'])],
      ['CREATE', records(`www.${zone.name}`, 'MX', ['10 mail.example.com'])],
      ['CREATE', records(`www.${zone.name}`, 'SRV', ['1 2 3 sip.example.com'])],
      ['CREATE', records(`www.${zone.name}`, 'CAA', ['0 issue "ca.example.net"'])],
      ['CREATE', records(`alias.${zone.name}`, 'CNAME', [`www.${zone.name}`])],
      ['CREATE', records(`*.wild.${zone.name}`, 'A', ['192.0.2.9'])],
      ['CREATE', records(`child.${zone.name}`, 'NS', ['ns.elsewhere.test'])],
    )
  })

  test('tells the name, the type, the server, and how it is asked', async () => {
    expect(await ask(`WWW.${zone.name}`, 'A')).toMatchObject({
      Nameserver: expect.any(String),
      RecordName: `www.${zone.name}.`,
      RecordType: 'A',
      RecordData: ['192.0.2.1'],
      ResponseCode: 'NOERROR',
      Protocol: 'UDP',
    })
  })

  test.each<[string, RRType, string[]]>([
    ['www', 'AAAA', ['2001:db8::1']],
    ['www', 'TXT', ['"a \\"b\\" \\303\\244" "c"']],
    ['www', 'MX', ['10 mail.example.com.']],
    ['www', 'SRV', ['1 2 3 sip.example.com.']],
    ['www', 'CAA', ['0 issue "ca.example.net"']],
    ['x.wild', 'A', ['192.0.2.9']],
    ['www', 'PTR', []],
    // To whom the name is given is no answer.
    ['child', 'NS', []],
  ])('of %s and type %s is %j', async (label, type, data) => {
    const { RecordData, ResponseCode } = await ask(`${label}.${zone.name}`, type)
    expect([RecordData, ResponseCode]).toEqual([data, 'NOERROR'])
  })

  test('follows a CNAME, and tells what is not there', async () => {
    const { RecordData } = await ask(`alias.${zone.name}`, 'A')
    expect(RecordData).toEqual([`www.${zone.name}.`, '192.0.2.1'])
    const nothing = await ask(`nothing.${zone.name}`, 'A')
    expect(nothing).toMatchObject({ RecordData: [], ResponseCode: 'NXDOMAIN' })
    const { RecordData: soa } = await ask(zone.name, 'SOA')
    expect(soa).toEqual([
      'ns-1.dns.localhost. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400',
    ])
  })

  test('needs no name server that lives', async () => {
    await world.closeDns()
    expect(await ask(`www.${zone.name}`, 'A')).toMatchObject({ RecordData: ['192.0.2.1'] })
    await world.openDns()
  })

  test('refuses names outside of the zone, unknown types, and what depends on the asker', async () => {
    expect(await refusal(ask('www.elsewhere.test', 'A'))).toBe('InvalidInput')
    expect(await refusal(ask(`www.${zone.name}`, 'WKS' as RRType))).toBe('InvalidInput')
    expect(await refusal(ask('a..b', 'A'))).toBe('InvalidInput')
    const subnet = { EDNS0ClientSubnetIP: '192.0.2.0' }
    expect(await refusal(ask(`www.${zone.name}`, 'A', subnet))).toBe('UnsupportedOperation')
    expect(await refusal(ask(zone.name, 'A', { HostedZoneId: 'Z0' }))).toBe('NoSuchHostedZone')
  })
})
