import { labelsOf, type Name, wireName } from './name.ts'
import { HEADER_BYTES, type Query } from './query.ts'

/** How a question was answered. Source: RFC 1035, 4.1.1; RFC 6891 for the last one. */
export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const

/** A record as it is sent. */
export interface WireRecord {
  readonly name: Name
  readonly type: number
  readonly ttlSeconds: number
  readonly rdata: Buffer
}

export interface Answer {
  readonly rcode: number
  /** True when it stays the same until a record changes: neither health nor chance had a say. */
  readonly isFixed?: boolean
  /** False where another server is referred to. */
  readonly isAuthoritative: boolean
  readonly answers: readonly WireRecord[]
  readonly authorities: readonly WireRecord[]
  /** More authorities, which are left out where there is no room. */
  readonly courtesies: readonly WireRecord[]
  /** Left out first. */
  readonly additionals: readonly WireRecord[]
}

export function emptyAnswer(rcode: number): Answer {
  const none: readonly WireRecord[] = []
  return {
    rcode,
    isAuthoritative: false,
    answers: none,
    authorities: none,
    courtesies: none,
    additionals: none,
  }
}

const CLASS_IN = 1
const OPT = 41
/** What this server takes by UDP, in bytes. Source: Route 53 Developer Guide, "Maximum response size". */
const OUR_UDP_BYTES = 4096
const PLAIN_UDP_BYTES = 512
const OPT_BYTES = 11

const FLAGS = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
}

/** How long an answer to a query may be by UDP, in bytes. */
export function udpLimit({ edns }: Query): number {
  if (!edns) return PLAIN_UDP_BYTES
  return Math.min(Math.max(edns.udpSize, PLAIN_UDP_BYTES), OUR_UDP_BYTES)
}

/**
 * The bytes of an answer. What does not fit is left out: courtesies and additional records silently, any other with the
 * flag that tells the asker to ask again by TCP.
 */
export function encodeResponse(query: Query, answer: Answer, maxBytes: number): Buffer {
  const question = query.question?.bytes ?? Buffer.alloc(0)
  let room = maxBytes - HEADER_BYTES - question.length - (query.edns ? OPT_BYTES : 0)
  /** All of a group or nothing of it: half of one would be taken for all. */
  const take = (records: readonly WireRecord[]) => {
    const encoded = records.map((record) => encodeRecord(record, query))
    const bytes = encoded.reduce((sum, part) => sum + part.length, 0)
    if (bytes > room) return undefined
    room -= bytes
    return encoded
  }
  const answers = take(answer.answers)
  const authorities = answers && take(answer.authorities)
  const courtesies = (authorities && take(answer.courtesies)) ?? []
  const additionals = (authorities && take(answer.additionals)) ?? []
  const sections = authorities
    ? [answers, [...authorities, ...courtesies], additionals]
    : [[], [], []]

  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(query.id, 0)
  header.writeUInt16BE(flagsOf(query, answer, { isTruncated: !authorities }), 2)
  header.writeUInt16BE(query.question ? 1 : 0, 4)
  for (const [index, records] of sections.entries()) {
    header.writeUInt16BE(records.length, 6 + 2 * index)
  }
  const opt = query.edns ? [encodeOpt(answer.rcode, query.edns.isDnssecOk)] : []
  header.writeUInt16BE(additionals.length + opt.length, 10)
  return Buffer.concat([header, question, ...sections.flat(), ...opt])
}

function flagsOf(query: Query, answer: Answer, { isTruncated }: { isTruncated: boolean }): number {
  return (
    FLAGS.response |
    (query.opcode << 11) |
    (answer.isAuthoritative ? FLAGS.authoritative : 0) |
    (isTruncated ? FLAGS.truncated : 0) |
    (query.isRecursionDesired ? FLAGS.recursionDesired : 0) |
    (answer.rcode & 0xf)
  )
}

function encodeRecord({ name, type, ttlSeconds, rdata }: WireRecord, query: Query): Buffer {
  const owner = compressed(name, query)
  const bytes = Buffer.alloc(owner.length + 10 + rdata.length)
  const offset = owner.copy(bytes)
  bytes.writeUInt16BE(type, offset)
  bytes.writeUInt16BE(CLASS_IN, offset + 2)
  bytes.writeUInt32BE(ttlSeconds, offset + 4)
  bytes.writeUInt16BE(rdata.length, offset + 8)
  rdata.copy(bytes, offset + 10)
  return bytes
}

/** The owner of a record, whose last labels are mostly those of the question: a pointer stands for them. */
function compressed(name: Name, { question }: Query): Buffer {
  if (!question || name === '') return wireName(name)
  if (name === question.name) return pointer(HEADER_BYTES)
  const [mine, asked] = [labelsOf(name), labelsOf(question.name)]
  let common = 0
  while (
    common < asked.length &&
    common < mine.length &&
    mine.at(-1 - common) === asked.at(-1 - common)
  ) {
    common += 1
  }
  if (common === 0) return wireName(name)
  const skipped = wireName(asked.slice(0, asked.length - common).join('.')).length - 1
  const own = wireName(mine.slice(0, mine.length - common).join('.'))
  return Buffer.concat([own.subarray(0, -1), pointer(HEADER_BYTES + skipped)])
}

function pointer(offset: number): Buffer {
  return Buffer.from([0xc0 | (offset >> 8), offset & 0xff])
}

function encodeOpt(rcode: number, isDnssecOk: boolean): Buffer {
  const bytes = Buffer.alloc(OPT_BYTES)
  bytes.writeUInt16BE(OPT, 1)
  bytes.writeUInt16BE(OUR_UDP_BYTES, 3)
  bytes[5] = rcode >> 4
  bytes[7] = isDnssecOk ? 0x80 : 0
  return bytes
}
