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
  /** False where another server is referred to. */
  readonly isAuthoritative: boolean
  readonly answers: readonly WireRecord[]
  readonly authorities: readonly WireRecord[]
  /** Left out first when there is no room. */
  readonly additionals: readonly WireRecord[]
}

export function emptyAnswer(rcode: number): Answer {
  return { rcode, isAuthoritative: false, answers: [], authorities: [], additionals: [] }
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
 * The bytes of an answer. What does not fit is left out: additional records silently, any other with the flag that tells
 * the asker to ask again by TCP.
 */
export function encodeResponse(query: Query, answer: Answer, maxBytes: number): Buffer {
  const question = query.question?.bytes ?? Buffer.alloc(0)
  const room = maxBytes - HEADER_BYTES - question.length - (query.edns ? OPT_BYTES : 0)
  const whole = [...answer.answers, ...answer.authorities].map((one) => encodeRecord(one, query))
  const needed = byteLength(whole)
  const isTruncated = needed > room
  const extra = isTruncated ? [] : fitting(answer, query, room - needed)

  const flags =
    FLAGS.response |
    (query.opcode << 11) |
    (answer.isAuthoritative ? FLAGS.authoritative : 0) |
    (isTruncated ? FLAGS.truncated : 0) |
    (query.isRecursionDesired ? FLAGS.recursionDesired : 0) |
    (answer.rcode & 0xf)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(query.id, 0)
  header.writeUInt16BE(flags, 2)
  header.writeUInt16BE(query.question ? 1 : 0, 4)
  header.writeUInt16BE(isTruncated ? 0 : answer.answers.length, 6)
  header.writeUInt16BE(isTruncated ? 0 : answer.authorities.length, 8)
  header.writeUInt16BE(extra.length + (query.edns ? 1 : 0), 10)
  const records = isTruncated ? [] : [...whole, ...extra]
  const opt = query.edns ? [encodeOpt(answer.rcode, query.edns.isDnssecOk)] : []
  return Buffer.concat([header, question, ...records, ...opt])
}

/** Whole groups of additional records: half a group would be taken for all of it. */
function fitting({ additionals }: Answer, query: Query, room: number): Buffer[] {
  const encoded = additionals.map((one) => encodeRecord(one, query))
  return byteLength(encoded) <= room ? encoded : []
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

function byteLength(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}
