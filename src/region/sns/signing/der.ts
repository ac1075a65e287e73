/**
 * The part of DER that a certificate needs: every value is a tag, a length and its content.
 *
 * Source: ITU-T X.690.
 */

const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const NULL = 0x05
const OBJECT_IDENTIFIER = 0x06
const UTF8_STRING = 0x0c
const SEQUENCE = 0x30
const SET = 0x31
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const CONTEXT = 0xa0
/** UTCTime has two digits for the year, which mean up to 2049. */
const FIRST_YEAR_OF_GENERALIZED_TIME = 2050

export function sequence(...members: readonly Buffer[]): Buffer {
  return value(SEQUENCE, Buffer.concat(members))
}

export function set(...members: readonly Buffer[]): Buffer {
  return value(SET, Buffer.concat(members))
}

/** @param bytes  unsigned, most significant first */
export function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0)
  const digits = first < 0 ? Buffer.of(0) : bytes.subarray(first)
  // A first bit of 1 would mean a negative number.
  return value(INTEGER, digits[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits)
}

/** @param unused  how many bits at the end do not count */
export function bitString(bytes: Buffer, unused = 0): Buffer {
  return value(BIT_STRING, Buffer.concat([Buffer.of(unused), bytes]))
}

export function octetString(bytes: Buffer): Buffer {
  return value(OCTET_STRING, bytes)
}

export function nothing(): Buffer {
  return value(NULL, Buffer.alloc(0))
}

export function utf8String(text: string): Buffer {
  return value(UTF8_STRING, Buffer.from(text))
}

export function boolean(isTrue: boolean): Buffer {
  return value(0x01, Buffer.of(isTrue ? 0xff : 0))
}

/** @param dotted  as `2.5.4.3` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number)
  const groups = [first * 40 + second, ...others].map((arc) => {
    const digits = [arc & 0x7f]
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
      digits.unshift((rest & 0x7f) | 0x80)
    }
    return digits
  })
  return value(OBJECT_IDENTIFIER, Buffer.from(groups.flat()))
}

/** To the second, in the form that its year needs. */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]|\.\d+/g, '')
  return at.getUTCFullYear() >= FIRST_YEAR_OF_GENERALIZED_TIME
    ? value(GENERALIZED_TIME, Buffer.from(digits))
    : value(UTC_TIME, Buffer.from(digits.slice(2)))
}

/** An explicitly tagged member. */
export function tagged(number: number, content: Buffer): Buffer {
  return value(CONTEXT | number, content)
}

function value(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), length(content.length), content])
}

function length(count: number): Buffer {
  if (count < 0x80) return Buffer.of(count)
  const bytes: number[] = []
  for (let rest = count; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff)
  return Buffer.of(0x80 | bytes.length, ...bytes)
}
