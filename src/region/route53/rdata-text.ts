import dnsPacket from 'dns-packet'
import type { WireRecord } from '../../dns/response.ts'

const HEADER_BYTES = 12
const RECORD_HEAD_BYTES = 11

/** The value of a record as the API gives it: `10 mail.example.com.`. */
export function rdataText({ type, rdata }: WireRecord): string {
  const head = Buffer.alloc(HEADER_BYTES + RECORD_HEAD_BYTES)
  head.writeUInt16BE(0x8000, 2)
  head.writeUInt16BE(1, 6)
  head.writeUInt16BE(type, HEADER_BYTES + 1)
  head.writeUInt16BE(1, HEADER_BYTES + 3)
  head.writeUInt16BE(rdata.length, HEADER_BYTES + 9)
  const [record] = dnsPacket.decode(Buffer.concat([head, rdata])).answers ?? []
  switch (record?.type) {
    case 'A':
    case 'AAAA':
      return record.data
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return `${record.data}.`
    case 'MX':
      return `${record.data.preference} ${record.data.exchange}.`
    case 'SRV': {
      const { priority, weight, port, target } = record.data
      return `${priority} ${weight} ${port} ${target}.`
    }
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data
      return `${mname}. ${rname}. ${serial} ${refresh} ${retry} ${expire} ${minimum}`
    }
    case 'CAA':
      return `${record.data.flags} ${record.data.tag} ${quoted(record.data.value)}`
    case 'TXT':
      return [record.data].flat().map(quoted).join(' ')
    default:
      return rdata.toString('hex')
  }
}

function quoted(string: string | Buffer): string {
  const bytes = typeof string === 'string' ? Buffer.from(string, 'utf8') : string
  const text = bytes.toString('latin1').replace(/["\\]/g, '\\$&')
  const escaped = text.replace(
    /[^ -~]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  return `"${escaped}"`
}
