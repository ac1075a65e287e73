import dnsPacket, { type RecordType as PacketType } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import { encodeRdata, RECORD_TYPES, type RecordType } from './rdata.ts'

/** What another program reads from the bytes. */
function decoded(type: RecordType, value: string): unknown {
  const rdata = encodeRdata(type, value)
  const head = Buffer.alloc(12 + 1 + 10)
  head.writeUInt16BE(0x8000, 2)
  head.writeUInt16BE(1, 6)
  head.writeUInt16BE(RECORD_TYPES[type], 13)
  head.writeUInt16BE(1, 15)
  head.writeUInt16BE(rdata.length, 21)
  const [record] = dnsPacket.decode(Buffer.concat([head, rdata])).answers ?? []
  expect(record!.type satisfies PacketType).toBe(type)
  return (record as { data?: unknown }).data
}

const text = (strings: unknown) => (strings as Buffer[]).map((string) => string.toString('utf8'))

describe('the value of a record', () => {
  test.each([
    ['A', '192.0.2.1', '192.0.2.1'],
    ['AAAA', '2001:0db8:85a3:0:0:8a2e:0370:7334', '2001:db8:85a3::8a2e:370:7334'],
    ['AAAA', '::', '::'],
    ['AAAA', '::1', '::1'],
    ['AAAA', '::ffff:192.0.2.1', '::ffff:c000:201'],
    ['AAAA', 'fe80::', 'fe80::'],
    ['CNAME', 'Host.Example.com.', 'host.example.com'],
    ['NS', 'ns-1.example.com', 'ns-1.example.com'],
    ['PTR', 'host.example.com', 'host.example.com'],
  ] as const)('of type %s, %s', (type, value, data) => {
    expect(decoded(type, value)).toBe(data)
  })

  test('of several parts', () => {
    expect(decoded('MX', '10 mail.example.com')).toEqual({
      preference: 10,
      exchange: 'mail.example.com',
    })
    expect(decoded('SRV', '1 2 5060 sip.example.com.')).toEqual({
      priority: 1,
      weight: 2,
      port: 5060,
      target: 'sip.example.com',
    })
    expect(decoded('SOA', 'ns.example.com. mail.example.com. 1 7200 900 1209600 86400')).toEqual({
      mname: 'ns.example.com',
      rname: 'mail.example.com',
      serial: 1,
      refresh: 7200,
      retry: 900,
      expire: 1209600,
      minimum: 86400,
    })
    expect(decoded('CAA', '128 iodef "mailto:admin@example.com"')).toMatchObject({
      flags: 128,
      tag: 'iodef',
      value: 'mailto:admin@example.com',
    })
  })

  test('of quoted strings', () => {
    expect(text(decoded('TXT', '"one"'))).toEqual(['one'])
    expect(text(decoded('TXT', '"one" "two three"'))).toEqual(['one', 'two three'])
    expect(text(decoded('TXT', '"one""two three"'))).toEqual(['one', 'two three'])
    expect(text(decoded('TXT', '"a \\"b\\" \\\\ \\303\\244 \u00e4"'))).toEqual([
      'a "b" \\ \u00e4 \u00e4',
    ])
    expect(text(decoded('TXT', '""'))).toEqual([''])
    expect(text(decoded('TXT', `"${'x'.repeat(255)}"`))).toEqual(['x'.repeat(255)])
  })

  test.each([
    ['A', '256.1.1.1', 'not IPv4'],
    ['A', '10.1.1', 'not IPv4'],
    ['A', '::1', 'not IPv4'],
    ['AAAA', '192.0.2.1', 'not IPv6'],
    ['AAAA', 'fe80::1%lo', 'not IPv6'],
    ['AAAA', '1:2:3:4:5:6:7:8:9', 'not IPv6'],
    ['CNAME', 'a..b', 'empty label'],
    ['CNAME', 'a b', 'bad character'],
    ['MX', 'mail.example.com', 'number of fields'],
    ['MX', '65536 mail.example.com', 'not a number'],
    ['MX', '-1 mail.example.com', 'not a number'],
    ['SRV', '1 2 mail.example.com', 'number of fields'],
    ['SOA', 'a. b. 1 2 3 4', 'number of fields'],
    ['SOA', 'a. b. 1 2 3 4 4294967296', 'not a number'],
    ['TXT', 'one', 'not quoted'],
    ['TXT', '"one', 'not quoted'],
    ['TXT', '"one"two', 'not quoted'],
    ['TXT', '""one""', 'not quoted'],
    ['TXT', '', 'not quoted'],
    ['TXT', `"${'x'.repeat(256)}"`, 'long string'],
    ['CAA', '0 issue ca.example.net', 'not quoted'],
    ['CAA', '256 issue "ca.example.net"', 'not a number'],
    ['CAA', 'issue "ca.example.net"', 'number of fields'],
  ] as const)('%s %s is refused: %s', (type, value, problem) => {
    expect(() => encodeRdata(type, value)).toThrow(expect.objectContaining({ problem }))
  })
})
