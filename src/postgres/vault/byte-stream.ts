import { LifeboatError } from '../../core/errors.ts'

/** Writes numbers and text densely: a number takes one byte for every seven bits that it has. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(1 << 16)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** @param value  a whole number from 0 to 2^53 - 1 */
  number(value: number): this {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
    return this
  }

  /** A number that may be negative. */
  signed(value: number): this {
    return this.number(value < 0 ? -value * 2 - 1 : value * 2)
  }

  double(value: number): this {
    this.#reserve(8)
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
    return this
  }

  text(value: string): this {
    const bytes = Buffer.from(value)
    this.number(bytes.length)
    this.#reserve(bytes.length)
    this.#length += bytes.copy(this.#bytes, this.#length)
    return this
  }

  /** What was written since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length))
    this.#length = 0
    return taken
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe((this.#length + bytes) * 2)
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** The inverse of `ByteWriter`. @throws LifeboatError `VaultDamaged` when the bytes end too early */
export class ByteReader {
  #at = 0

  constructor(private readonly bytes: Buffer) {}

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length
  }

  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.bytes[this.#at++]
      if (byte === undefined) throw endsTooEarly()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }

  signed(): number {
    const value = this.number()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  double(): number {
    if (this.#at + 8 > this.bytes.length) throw endsTooEarly()
    this.#at += 8
    return this.bytes.readDoubleLE(this.#at - 8)
  }

  text(): string {
    const length = this.number()
    if (this.#at + length > this.bytes.length) throw endsTooEarly()
    this.#at += length
    return this.bytes.toString('utf8', this.#at - length, this.#at)
  }
}

function endsTooEarly(): LifeboatError {
  return new LifeboatError('VaultDamaged', 'stored data ends too early')
}
