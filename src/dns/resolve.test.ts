import dnsPacket, { type DecodedPacket, type RecordType as PacketType } from 'dns-packet'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseName } from './name.ts'
import { encodeRdata, RECORD_TYPES, type RecordType } from './rdata.ts'
import type { RecordSet } from './record-set.ts'
import { respond } from './respond.ts'
import { Zone } from './zone.ts'
import { Zones } from './zones.ts'

const zones = new Zones({ isHealthy: () => true, random: () => 0 })

function simple(name: string, type: RecordType, values: string[], ttlSeconds = 60): RecordSet {
  return {
    name: parseName(name),
    type,
    id: undefined,
    routing: { kind: 'simple' },
    healthCheck: undefined,
    content: { kind: 'records', ttlSeconds, rdata: values.map((one) => encodeRdata(type, one)) },
  }
}

function add(id: string, apex: string, sets: RecordSet[]): Zone {
  const own = [
    simple(apex, 'SOA', ['ns-1.dns.localhost. hostmaster.test. 1 7200 900 1209600 30'], 900),
    simple(apex, 'NS', ['ns-1.dns.localhost.', 'ns-2.dns.localhost.'], 172_800),
  ]
  const zone = Zone.of(parseName(apex), [...own, ...sets])
  zones.put(id, zone)
  return zone
}

beforeAll(() => {
  add('1', 'shop.test', [
    simple('www.shop.test', 'A', ['192.0.2.1', '192.0.2.2']),
    simple('www.shop.test', 'AAAA', ['2001:db8::1']),
    simple('shop.test', 'MX', ['10 mail.shop.test']),
    simple('mail.shop.test', 'A', ['192.0.2.25']),
    simple('_sip._tcp.shop.test', 'SRV', ['1 1 5060 www.shop.test']),
    simple('alias.shop.test', 'CNAME', ['www.shop.test']),
    simple('chain.shop.test', 'CNAME', ['alias.shop.test']),
    simple('away.shop.test', 'CNAME', ['www.elsewhere.test']),
    simple('dangling.shop.test', 'CNAME', ['nothing.shop.test']),
    simple('ring.shop.test', 'CNAME', ['ring2.shop.test']),
    simple('ring2.shop.test', 'CNAME', ['ring.shop.test']),
    simple('*.wild.shop.test', 'A', ['192.0.2.9']),
    simple('*.wild.shop.test', 'TXT', ['"wild"']),
    simple('a.b.wild.shop.test', 'A', ['192.0.2.10']),
    simple('child.shop.test', 'NS', ['ns.child.shop.test', 'ns.elsewhere.test']),
    simple('ns.child.shop.test', 'A', ['192.0.2.53']),
    simple('caa.shop.test', 'CAA', ['0 issue "ca.example.net"']),
    simple('1.shop.test', 'PTR', ['www.shop.test']),
    simple(
      'big.shop.test',
      'TXT',
      Array.from({ length: 30 }, (_, n) => `"${String(n).padStart(2, '0')}${'x'.repeat(200)}"`),
    ),
    simple(
      'fits.shop.test',
      'A',
      Array.from({ length: 20 }, (_, n) => `192.0.2.${n}`),
    ),
  ])
  add('2', 'eu.shop.test', [simple('www.eu.shop.test', 'A', ['192.0.2.77'])])
  add('3', 'shop.test', [simple('www.shop.test', 'A', ['192.0.2.66'])])
})

interface Asked {
  transport?: 'udp' | 'tcp'
  edns?: number
}

function ask(name: string, type: string, { transport = 'udp', edns }: Asked = {}): DecodedPacket {
  const query = dnsPacket.encode({
    type: 'query',
    id: 4711,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type: type as PacketType }],
    ...(edns === undefined
      ? {}
      : {
          additionals: [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: edns,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: dnsPacket.DNSSEC_OK,
              flag_do: true,
              options: [],
            },
          ],
        }),
  })
  const response = respond(query, transport, zones)!
  if (transport === 'udp') expect(response.length).toBeLessThanOrEqual(edns ?? 512)
  const packet = dnsPacket.decode(response)
  expect(packet).toMatchObject({ id: 4711, flag_qr: true, flag_rd: true, flag_ra: false })
  expect(packet.questions).toEqual([{ name, type, class: 'IN' }])
  return packet
}

const rcodeOf = (packet: DecodedPacket) => (packet as unknown as { rcode: string }).rcode
const short = (records: DecodedPacket['answers']) =>
  (records ?? []).map((record) => {
    const { name, type, data } = record as { name: string; type: string; data: unknown }
    const text = Array.isArray(data) ? `${data[0]}` : data
    return `${name} ${type} ${typeof text === 'object' ? JSON.stringify(text) : text}`
  })

describe('an authoritative answer', () => {
  test('has the records of the name and type, and names the servers of the zone', () => {
    const packet = ask('www.shop.test', 'A')
    expect(packet.flag_aa).toBe(true)
    expect(short(packet.answers)).toEqual([
      'www.shop.test A 192.0.2.1',
      'www.shop.test A 192.0.2.2',
    ])
    expect(short(packet.authorities)).toEqual([
      'shop.test NS ns-1.dns.localhost',
      'shop.test NS ns-2.dns.localhost',
    ])
  })

  test('does not depend on the case of letters, and repeats the question as it was asked', () => {
    const packet = ask('wWw.ShOp.TeSt', 'AAAA')
    expect(short(packet.answers)).toEqual(['wWw.ShOp.TeSt AAAA 2001:db8::1'])
  })

  test('brings the addresses of the hosts that it names', () => {
    const mail = ask('shop.test', 'MX')
    expect(short(mail.answers)).toEqual([
      'shop.test MX {"preference":10,"exchange":"mail.shop.test"}',
    ])
    expect(short(mail.additionals)).toEqual(['mail.shop.test A 192.0.2.25'])
    const sip = ask('_sip._tcp.shop.test', 'SRV')
    expect(sip.answers).toHaveLength(1)
    expect(sip.additionals).toHaveLength(3)
  })

  test.each([
    ['caa.shop.test', 'CAA'],
    ['1.shop.test', 'PTR'],
    ['shop.test', 'SOA'],
    ['shop.test', 'NS'],
  ])('of %s and type %s', (name, type) => {
    expect(ask(name, type).answers!.every((one) => one.type === type)).toBe(true)
    expect(ask(name, type).answers!.length).toBeGreaterThan(0)
  })

  test('comes from the zone with the longest name, and of two with one name from the first', () => {
    expect(short(ask('www.eu.shop.test', 'A').answers)).toEqual(['www.eu.shop.test A 192.0.2.77'])
    expect(rcodeOf(ask('www2.eu.shop.test', 'A'))).toBe('NXDOMAIN')
  })
})

describe('what is not there', () => {
  test('as a name is told with the SOA record, whose TTL is that of the refusal', () => {
    const packet = ask('nothing.shop.test', 'A')
    expect(rcodeOf(packet)).toBe('NXDOMAIN')
    expect(packet.flag_aa).toBe(true)
    expect(packet.answers).toEqual([])
    expect(packet.authorities).toMatchObject([{ name: 'shop.test', type: 'SOA', ttl: 30 }])
  })

  test.each([
    ['www.shop.test', 'TXT'],
    ['www.shop.test', 'NAPTR'],
    // Nothing but a name below it.
    ['_tcp.shop.test', 'A'],
    ['b.wild.shop.test', 'A'],
  ])('as a type of %s (%s) is told without a refusal of the name', (name, type) => {
    const packet = ask(name, type)
    expect(rcodeOf(packet)).toBe('NOERROR')
    expect(packet.answers).toEqual([])
    expect(packet.authorities).toMatchObject([{ type: 'SOA', ttl: 30 }])
  })

  test('as a zone is refused', () => {
    for (const name of ['elsewhere.test', 'test', '.']) {
      const packet = ask(name, 'A')
      expect(rcodeOf(packet)).toBe('REFUSED')
      expect(packet.flag_aa).toBe(false)
      expect([packet.answers, packet.authorities]).toEqual([[], []])
    }
  })

  test.each(['AXFR', 'IXFR'])('as a transfer (%s) is refused', (type) => {
    const packet = ask('shop.test', type, { transport: 'tcp' })
    expect(rcodeOf(packet)).toBe('REFUSED')
    expect(packet.answers).toEqual([])
  })

  test('as all types at once is one small record', () => {
    expect(short(ask('www.shop.test', 'ANY').answers)).toEqual([
      'www.shop.test HINFO {"cpu":"RFC8482","os":""}',
    ])
  })
})

describe('an alias by CNAME', () => {
  test('is followed within the zone', () => {
    expect(short(ask('chain.shop.test', 'A').answers)).toEqual([
      'chain.shop.test CNAME alias.shop.test',
      'alias.shop.test CNAME www.shop.test',
      'www.shop.test A 192.0.2.1',
      'www.shop.test A 192.0.2.2',
    ])
  })

  test('is not followed when it is what was asked for', () => {
    expect(short(ask('chain.shop.test', 'CNAME').answers)).toEqual([
      'chain.shop.test CNAME alias.shop.test',
    ])
  })

  test('ends where it leaves the zone, and in a ring where it began', () => {
    expect(short(ask('away.shop.test', 'A').answers)).toEqual([
      'away.shop.test CNAME www.elsewhere.test',
    ])
    expect(ask('ring.shop.test', 'A').answers).toHaveLength(2)
  })

  test('to a name that is not there says so', () => {
    const packet = ask('dangling.shop.test', 'A')
    expect(rcodeOf(packet)).toBe('NXDOMAIN')
    expect(packet.answers).toHaveLength(1)
    expect(packet.authorities).toMatchObject([{ type: 'SOA' }])
  })
})

describe('a wildcard', () => {
  test.each(['x.wild.shop.test', 'x.y.wild.shop.test'])('answers for %s', (name) => {
    expect(short(ask(name, 'A').answers)).toEqual([`${name} A 192.0.2.9`])
    expect(rcodeOf(ask(name, 'MX'))).toBe('NOERROR')
  })

  test('does not answer for what is there, nor below it, nor for its own parent', () => {
    expect(short(ask('a.b.wild.shop.test', 'A').answers)).toEqual([
      'a.b.wild.shop.test A 192.0.2.10',
    ])
    expect(rcodeOf(ask('x.b.wild.shop.test', 'A'))).toBe('NXDOMAIN')
    expect(ask('wild.shop.test', 'A').answers).toEqual([])
  })
})

describe('a name that is given to other servers', () => {
  test.each(['child.shop.test', 'www.child.shop.test', 'ns.child.shop.test'])(
    'is referred to them (%s)',
    (name) => {
      const packet = ask(name, 'A')
      expect(packet.flag_aa).toBe(false)
      expect(packet.answers).toEqual([])
      expect(short(packet.authorities)).toEqual([
        'child.shop.test NS ns.child.shop.test',
        'child.shop.test NS ns.elsewhere.test',
      ])
      expect(short(packet.additionals)).toEqual(['ns.child.shop.test A 192.0.2.53'])
    },
  )
})

describe('the size of an answer', () => {
  test('is limited by UDP, where a part is never given for all', () => {
    for (const edns of [undefined, 100, 1232, 4096, 65_535]) {
      const packet = ask('big.shop.test', 'TXT', edns === undefined ? {} : { edns })
      expect(packet.flag_tc).toBe(true)
      expect(packet.answers).toEqual([])
    }
    const whole = ask('big.shop.test', 'TXT', { transport: 'tcp' })
    expect(whole.flag_tc).toBe(false)
    expect(whole.answers).toHaveLength(30)
  })

  test('loses what is not needed before it loses what is', () => {
    const packet = ask('fits.shop.test', 'A')
    expect(packet.flag_tc).toBe(false)
    expect(packet.answers).toHaveLength(20)
    expect(ask('fits.shop.test', 'A', { edns: 512 }).answers).toHaveLength(20)
  })

  test('is told by EDNS, with the flag that was sent', () => {
    const { additionals } = ask('www.shop.test', 'A', { edns: 1232 })
    expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 4096, flag_do: true }])
    expect(ask('www.shop.test', 'A').additionals).toEqual([])
  })
})

describe('records that come and go', () => {
  test('make names exist, and no more exist', () => {
    const zone = zones.get('2')!
    const deep = simple('x.y.z.eu.shop.test', 'A', ['192.0.2.1'])
    zone.replace(deep.name, [deep])
    zone.replace(deep.name, [deep])
    expect(rcodeOf(ask('z.eu.shop.test', 'A'))).toBe('NOERROR')
    zone.replace(deep.name, [])
    zone.replace(deep.name, [])
    expect(rcodeOf(ask('z.eu.shop.test', 'A'))).toBe('NXDOMAIN')
    expect(rcodeOf(ask('www.eu.shop.test', 'A'))).toBe('NOERROR')
  })

  test('of a zone that is taken away are those of the next one of its name', () => {
    zones.delete('1')
    expect(short(ask('www.shop.test', 'A').answers)).toEqual(['www.shop.test A 192.0.2.66'])
    zones.delete('3')
    expect(rcodeOf(ask('www.shop.test', 'A'))).toBe('REFUSED')
    expect(rcodeOf(ask('www.eu.shop.test', 'A'))).toBe('NOERROR')
  })
})

test('every type has a number of its own', () => {
  const numbers = Object.values(RECORD_TYPES)
  expect(new Set(numbers).size).toBe(numbers.length)
})
