import { type Name, readName } from './name.ts'

/** A request as it came, as far as an authoritative server needs it. */
export interface Query {
  readonly id: number
  readonly opcode: number
  readonly isRecursionDesired: boolean
  /** Undefined when the message is malformed behind its header. */
  readonly question: Question | undefined
  readonly edns: Edns | undefined
}

export interface Question {
  readonly name: Name
  readonly type: number
  readonly class: number
  /** As sent, to be sent back: resolvers compare also the case of letters. */
  readonly bytes: Buffer
}

/** Source: RFC 6891. */
export interface Edns {
  readonly version: number
  /** The largest answer that the asker takes by UDP, in bytes. */
  readonly udpSize: number
  /** RFC 3225: is to be sent back. */
  readonly isDnssecOk: boolean
}

export const HEADER_BYTES = 12
const IS_RESPONSE = 0x8000
const RECURSION_DESIRED = 0x0100
const OPT = 41
/** OPT, a cookie or a signature; nobody asks with more. */
const MAX_ADDITIONAL = 4

/**
 * Reads a query. It looks at the header, one question and the records behind it, each once, and follows no pointers, so
 * that no message makes it slow.
 *
 * @returns undefined for what must not be answered: it is too short, or is an answer itself
 */
export function parseQuery(message: Buffer): Query | undefined {
  if (message.length < HEADER_BYTES) return undefined
  const flags = message.readUInt16BE(2)
  if ((flags & IS_RESPONSE) !== 0) return undefined
  const header = {
    id: message.readUInt16BE(0),
    opcode: (flags >> 11) & 0xf,
    isRecursionDesired: (flags & RECURSION_DESIRED) !== 0,
  }
  const malformed = { ...header, question: undefined, edns: undefined }
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((at) =>
    message.readUInt16BE(at),
  )
  if (questions !== 1 || answers !== 0 || authorities !== 0) return malformed
  if (additionals! > MAX_ADDITIONAL) return malformed
  const question = readQuestion(message)
  if (!question) return malformed
  const edns = readAdditionals(message, HEADER_BYTES + question.bytes.length, additionals!)
  return edns === 'malformed' ? malformed : { ...header, question, edns }
}

function readQuestion(message: Buffer): Question | undefined {
  const read = readName(message, HEADER_BYTES)
  if (!read || read.end + 4 > message.length) return undefined
  return {
    name: read.name,
    type: message.readUInt16BE(read.end),
    class: message.readUInt16BE(read.end + 2),
    bytes: message.subarray(HEADER_BYTES, read.end + 4),
  }
}

function readAdditionals(
  message: Buffer,
  start: number,
  count: number,
): Edns | undefined | 'malformed' {
  let offset = start
  let edns: Edns | undefined
  for (let n = 0; n < count; n += 1) {
    const nameEnd = endOfName(message, offset)
    if (nameEnd === undefined || nameEnd + 10 > message.length) return 'malformed'
    const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8)
    if (end > message.length) return 'malformed'
    if (message.readUInt16BE(nameEnd) === OPT) {
      // Source: RFC 6891, 6.1.1: one, and of the root.
      if (edns || nameEnd !== offset + 1) return 'malformed'
      edns = {
        udpSize: message.readUInt16BE(nameEnd + 2),
        version: message[nameEnd + 5]!,
        isDnssecOk: (message[nameEnd + 6]! & 0x80) !== 0,
      }
    }
    offset = end
  }
  return offset === message.length ? edns : 'malformed'
}

/** Where a name ends, which may end in a pointer; nobody follows it. */
function endOfName(message: Buffer, start: number): number | undefined {
  let offset = start
  while (offset < message.length) {
    const length = message[offset]!
    if (length === 0) return offset + 1
    if (length >= 0xc0) return offset + 2
    if (length > 63) return undefined
    offset += 1 + length
  }
  return undefined
}
