import { isIPv4, isIPv6 } from 'node:net'
import { NameError, type NameProblem, parseName, wireName } from './name.ts'

/** The types of records that are served, with their numbers. Source: IANA, "Domain Name System (DNS) Parameters". */
export const RECORD_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  CAA: 257,
} as const

export type RecordType = keyof typeof RECORD_TYPES

export function isRecordType(type: string): type is RecordType {
  return Object.hasOwn(RECORD_TYPES, type)
}

/** What is wrong with a value. */
export type RdataProblem =
  | NameProblem
  | 'not IPv4'
  | 'not IPv6'
  | 'not quoted'
  | 'long string'
  | 'number of fields'
  | 'not a number'

export class RdataError extends Error {
  override readonly name = 'RdataError'
  constructor(readonly problem: RdataProblem) {
    super(`not a value of a record: ${problem}`)
  }
}

/**
 * The bytes of a record's value, which is given as in a zone file: `10 mail.example.com`. Names in it are absolute and are not
 * compressed.
 *
 * @throws RdataError
 */
export function encodeRdata(type: RecordType, value: string): Buffer {
  try {
    return ENCODERS[type](value.trim())
  } catch (error) {
    if (error instanceof NameError) throw new RdataError(error.problem)
    throw error
  }
}

const ENCODERS: Readonly<Record<RecordType, (value: string) => Buffer>> = {
  A: (value) => {
    if (!isIPv4(value)) throw new RdataError('not IPv4')
    return Buffer.from(value.split('.').map(Number))
  },
  AAAA: encodeIPv6,
  NS: encodeName,
  CNAME: encodeName,
  PTR: encodeName,
  MX: (value) => {
    const [preference, exchange] = fields(value, 2)
    return Buffer.concat([number(preference!, 2), encodeName(exchange!)])
  },
  SRV: (value) => {
    const [priority, weight, port, target] = fields(value, 4)
    const numbers = [priority, weight, port].map((text) => number(text!, 2))
    return Buffer.concat([...numbers, encodeName(target!)])
  },
  SOA: (value) => {
    const [primary, mailbox, ...numbers] = fields(value, 7)
    const names = [encodeName(primary!), encodeName(mailbox!)]
    return Buffer.concat([...names, ...numbers.map((text) => number(text, 4))])
  },
  TXT: (value) => {
    const strings = quotedStrings(value)
    return Buffer.concat(strings.flatMap((string) => [Buffer.from([string.length]), string]))
  },
  CAA: (value) => {
    const [, flags, tag, rest] = /^(\S+)\s+(\S+)\s+(.+)$/.exec(value) ?? []
    if (rest === undefined || !/^[a-zA-Z0-9]{1,15}$/.test(tag!)) {
      throw new RdataError('number of fields')
    }
    const [string, ...more] = quotedStrings(rest)
    if (!string || more.length > 0) throw new RdataError('number of fields')
    const name = Buffer.from(tag!, 'latin1')
    return Buffer.concat([number(flags!, 1), Buffer.from([name.length]), name, string])
  },
}

function encodeName(value: string): Buffer {
  if (/\s/.test(value)) throw new RdataError('bad character')
  return wireName(parseName(value))
}

function encodeIPv6(value: string): Buffer {
  if (!isIPv6(value) || value.includes('%')) throw new RdataError('not IPv6')
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(value)
  const text = dotted
    ? `${dotted[1]! + hexPair(dotted[2]!, dotted[3]!)}:${hexPair(dotted[4]!, dotted[5]!)}`
    : value
  const [head, tail] = text.split('::').map((side) => side.split(':').filter(Boolean))
  const zeros = tail ? new Array<string>(8 - head!.length - tail.length).fill('0') : []
  const bytes = Buffer.alloc(16)
  for (const [index, group] of [...head!, ...zeros, ...(tail ?? [])].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  }
  return bytes
}

function hexPair(high: string, low: string): string {
  return (Number(high) * 256 + Number(low)).toString(16)
}

function fields(value: string, count: number): string[] {
  const parts = value.split(/\s+/)
  if (parts.length !== count) throw new RdataError('number of fields')
  return parts
}

function number(text: string, bytes: 1 | 2 | 4): Buffer {
  const value = Number(text)
  if (!/^\d{1,10}$/.test(text) || value >= 2 ** (8 * bytes)) throw new RdataError('not a number')
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}

/** `"one" "two"`, or with nothing between them as Terraform writes: in a string a quote and a backslash follow a backslash, and any byte may be `\ooo`. */
function quotedStrings(value: string): Buffer[] {
  const strings: Buffer[] = []
  const pattern = /"((?:[^"\\]|\\[0-3][0-7]{2}|\\[^0-9])*)"\s*/y
  while (pattern.lastIndex < value.length) {
    const text = pattern.exec(value)?.[1]
    if (text === undefined) throw new RdataError('not quoted')
    const bytes = Buffer.concat(
      [...text.matchAll(/\\([0-3][0-7]{2})|\\?([\s\S])/gu)].map(([, octal, character]) =>
        octal ? Buffer.from([Number.parseInt(octal, 8)]) : Buffer.from(character!, 'utf8'),
      ),
    )
    if (bytes.length > 255) throw new RdataError('long string')
    strings.push(bytes)
  }
  if (strings.length === 0) throw new RdataError('not quoted')
  return strings
}
