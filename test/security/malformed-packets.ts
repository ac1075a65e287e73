import { encode } from 'dns-packet'
import type { Choices } from './forgeries.ts'

const OPT = 41
/** Longer than any message that is read over TCP, and near the longest datagram. */
const LONG_BYTES = 60_000

/** Makes one message that is no query, or a strange one. */
type Malformed = (good: Buffer, choices: Choices) => Buffer

const bytes = (length: number, choices: Choices) =>
  Buffer.from(Array.from({ length }, () => choices.below(256)))

const uint16 = (value: number) => Buffer.from([value >> 8, value & 0xff])

/** A header that counts its sections so, and what follows it. */
const message = (counts: readonly number[], ...parts: Buffer[]) =>
  Buffer.concat([uint16(7), uint16(0x0100), ...counts.map(uint16), ...parts])

const question = (name: Buffer) => Buffer.concat([name, uint16(1), uint16(1)])

const plain = (good: Buffer) => good.subarray(12)

const changed = (good: Buffer, change: (copy: Buffer) => void) => {
  const copy = Buffer.from(good)
  change(copy)
  return copy
}

export const MALFORMED: Readonly<Record<string, Malformed>> = {
  'random bytes': (_, choices) => bytes(choices.below(600), choices),
  'a header and random bytes': (_, choices) =>
    message([1, 0, 0, choices.below(3)], bytes(choices.below(300), choices)),
  'a truncated query': (good, choices) => good.subarray(0, choices.below(good.length)),
  'a query with more': (good, choices) =>
    Buffer.concat([good, bytes(1 + choices.below(100), choices)]),
  'flipped bits': (good, choices) =>
    changed(good, (copy) => {
      for (let n = 0; n <= choices.below(8); n += 1) {
        copy[choices.below(copy.length)]! ^= 1 << choices.below(8)
      }
    }),
  'huge counts': (good, choices) =>
    changed(good, (copy) => {
      copy.writeUInt16BE(
        choices.of([0xffff, 0x8000, choices.below(65_536)]),
        4 + 2 * choices.below(4),
      )
    }),
  'a name that points at itself': () => message([1, 0, 0, 0], question(uint16(0xc00c))),
  'a name that points in a circle': (_, choices) => {
    const label = Buffer.from([1, 97])
    const loop = Buffer.concat([label, uint16(0xc000 | (12 + choices.of([0, 2, 4])))])
    return message([1, 0, 0, 0], question(loop), uint16(0xc00c))
  },
  'a name that points behind the end': (_, choices) =>
    message([1, 0, 0, 0], question(uint16(0xc000 | choices.below(0x4000)))),
  'additional records whose names point in circles': (good, choices) => {
    const record = Buffer.concat([uint16(0xc00c), uint16(OPT), bytes(6, choices), uint16(0)])
    const count = 1 + choices.below(6)
    return message([1, 0, 0, count], plain(good), ...Array(count).fill(record))
  },
  'a label that is longer than the message': (_, choices) =>
    message(
      [1, 0, 0, 0],
      Buffer.from([choices.of([64, 127, 128, 191, 192, 255]), 97, 0, 0, 1, 0, 1]),
    ),
  'a label that ends too late': (_, choices) =>
    message([1, 0, 0, 0], Buffer.from([1 + choices.below(63), 97])),
  'a name of too many labels': (_, choices) =>
    message(
      [1, 0, 0, 0],
      question(
        Buffer.concat([
          ...Array(100 + choices.below(300)).fill(Buffer.from([1, 97])),
          Buffer.alloc(1),
        ]),
      ),
    ),
  'a name of any bytes': (_, choices) => {
    const labels = Array.from({ length: 1 + choices.below(4) }, () => {
      const label = bytes(1 + choices.below(63), choices)
      return Buffer.concat([Buffer.from([label.length]), label])
    })
    return message([1, 0, 0, 0], question(Buffer.concat([...labels, Buffer.alloc(1)])))
  },
  'options whose lengths lie': (good, choices) => {
    const said = choices.of([0, 1, 4, 12, 0xffff, choices.below(65_536)])
    const record = [Buffer.alloc(1), uint16(OPT), bytes(6, choices), uint16(said)]
    return message([1, 0, 0, 1], plain(good), ...record, bytes(choices.below(13), choices))
  },
  'EDNS of any size, version and flags': (good, choices) => {
    const size = choices.of([0, 1, 511, 512, 0xffff, choices.below(65_536)])
    const record = [Buffer.alloc(1), uint16(OPT), uint16(size), bytes(4, choices), uint16(0)]
    return message([1, 0, 0, 1], plain(good), ...record)
  },
  'options twice': (good, choices) => {
    const record = Buffer.concat([Buffer.alloc(1), uint16(OPT), bytes(6, choices), uint16(0)])
    return message([1, 0, 0, 2], plain(good), record, record)
  },
  'any opcode and flags': (good, choices) =>
    changed(good, (copy) => copy.writeUInt16BE(choices.below(65_536), 2)),
  'any type and class': (good, choices) =>
    changed(good, (copy) => bytes(4, choices).copy(copy, copy.length - 4)),
  'an answer': (good) => changed(good, (copy) => copy.writeUInt16BE(0x8180, 2)),
  'a message that is too long': (good, choices) =>
    Buffer.concat([good, Buffer.alloc(choices.of([600, 4_096, LONG_BYTES]), choices.below(256))]),
}

/** A query as anybody sends it. */
export function goodQuery(id: number, name: string): Buffer {
  return encode({ type: 'query', id, flags: 0x0100, questions: [{ name, type: 'A' }] })
}

/** A message behind a length, which is its own or lies. */
export function framed(bytes: Buffer, length = bytes.length): Buffer {
  return Buffer.concat([uint16(length & 0xffff), bytes])
}
