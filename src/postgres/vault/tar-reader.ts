import { LifeboatError } from '../../core/errors.ts'

const BLOCK_BYTES = 512

/** What a tar archive holds under one name. Content follows for files only. */
export interface TarEntry {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link'
  readonly length: number
  readonly mtimeMs: number
}

export type TarPiece = { readonly entry: TarEntry } | { readonly content: Buffer }

/**
 * Reads a tar archive that comes in pieces of any length: each entry, then its content in pieces.
 *
 * Source: PostgreSQL, port/tar.c (ustar, numbers in octal or base 256).
 */
export class TarReader {
  #header = Buffer.alloc(BLOCK_BYTES)
  #headerLength = 0
  /** Bytes of the current entry's content, and of the padding behind it, that are still to come. */
  #left = 0
  #padding = 0

  feed(bytes: Buffer): TarPiece[] {
    const pieces: TarPiece[] = []
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const content = bytes.subarray(at, at + this.#left)
        this.#left -= content.length
        at += content.length
        pieces.push({ content })
      } else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, bytes.length - at)
        this.#padding -= skipped
        at += skipped
      } else {
        const copied = bytes.copy(
          this.#header,
          this.#headerLength,
          at,
          at + BLOCK_BYTES - this.#headerLength,
        )
        this.#headerLength += copied
        at += copied
        const entry = this.#headerLength === BLOCK_BYTES ? this.#endHeader() : undefined
        if (entry) pieces.push({ entry })
      }
    }
    return pieces
  }

  #endHeader(): TarEntry | undefined {
    this.#headerLength = 0
    const header = this.#header
    // Two blocks of zeros end an archive.
    if (header.every((byte) => byte === 0)) return undefined
    checkSum(header)
    const length = numberAt(header, 124, 12)
    this.#left = length
    this.#padding = (BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES
    const prefix = textAt(header, 345, 155)
    const name = textAt(header, 0, 100)
    const type = String.fromCharCode(header[156]!)
    return {
      path: (prefix ? `${prefix}/${name}` : name).replace(/^\.\//, '').replace(/\/$/, ''),
      kind: type === '5' ? 'folder' : type === '2' ? 'link' : 'file',
      length,
      mtimeMs: numberAt(header, 136, 12) * 1000,
    }
  }
}

function textAt(header: Buffer, at: number, length: number): string {
  const end = header.indexOf(0, at)
  return header.toString('utf8', at, end < 0 ? at + length : Math.min(end, at + length))
}

function numberAt(header: Buffer, at: number, length: number): number {
  if ((header[at]! & 0x80) === 0)
    return Number.parseInt(textAt(header, at, length).trim() || '0', 8)
  let value = header[at]! & 0x7f
  for (let index = at + 1; index < at + length; index++) value = value * 256 + header[index]!
  return value
}

function checkSum(header: Buffer): void {
  let sum = 0
  for (let at = 0; at < BLOCK_BYTES; at++) sum += at >= 148 && at < 156 ? 32 : header[at]!
  if (sum === numberAt(header, 148, 8)) return
  throw new LifeboatError(
    'BackupFailed',
    'the server sent a file archive that is not a tar archive',
  )
}
