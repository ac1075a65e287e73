import { createHash } from 'node:crypto'
import type { ChunkSignatures } from './chunk-signatures.ts'
import { bodyFault } from './payload-mode.ts'

const MAX_LINE_BYTES = 1024
const MAX_TRAILERS = 16
/** Source: S3 API Reference: only the last chunk may be smaller. */
const MIN_CHUNK_BYTES = 8192

export interface ChunkedBodyOptions {
  /** Undefined when chunks are not signed. */
  readonly signatures: ChunkSignatures | undefined
  /** The length of the content, as `x-amz-decoded-content-length` has it. */
  readonly contentLength: number
  /** Lower-case names announced by `x-amz-trailer`; undefined when the mode has no trailer. */
  readonly trailerNames: readonly string[] | undefined
  /** Gets the trailer before the body ends. */
  readonly onTrailer: (name: string, value: string) => void
}

/**
 * The content of a body in AWS's own chunks (`aws-chunked`), as it arrives.
 *
 * Bytes are passed on before their chunk's signature is read: what they make must stay invisible until the
 * body has ended. When anything is wrong with it, it does not end but throws.
 *
 * @throws Fault `SignatureDoesNotMatch`, `IncompleteBody`, `InvalidChunkSizeError`, `MalformedTrailerError`
 */
export async function* chunkedBody(
  source: AsyncIterable<Buffer>,
  o: ChunkedBodyOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new LineReader(source)
  try {
    yield* content(reader, o)
  } finally {
    await reader.close()
  }
}

async function* content(
  reader: LineReader,
  o: ChunkedBodyOptions,
): AsyncGenerator<Buffer, void, undefined> {
  let left = o.contentLength
  let lastSize = MIN_CHUNK_BYTES
  for (;;) {
    const { size, signature } = parseChunkHead(await reader.line(), o.signatures !== undefined)
    if (size > left || (size === 0 && left > 0)) throw incomplete('the length announced')
    if (size > 0 && lastSize < MIN_CHUNK_BYTES) {
      throw bodyFault(
        'InvalidChunkSizeError',
        'Only the last chunk is allowed to have a size less than 8192 bytes',
      )
    }
    const hash = o.signatures && createHash('sha256')
    for await (const piece of reader.take(size)) {
      hash?.update(piece)
      yield piece
    }
    if (hash) o.signatures?.verifyChunk(signature, hash.digest('hex'))
    left -= size
    lastSize = size
    if (size === 0) break
    if ((await reader.line()) !== '') throw incomplete('chunks')
  }
  if (o.trailerNames) await readTrailer(reader, o, o.trailerNames)
  else if ((await reader.line()) !== '') throw incomplete('chunks')
  await reader.end()
}

function parseChunkHead(line: string, isSigned: boolean): { size: number; signature: string } {
  const match = /^([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line)
  if (!match) throw incomplete('chunks')
  const [, size = '', signature = ''] = match
  if (isSigned && signature === '') {
    throw bodyFault('SignatureDoesNotMatch', 'A chunk is not signed.')
  }
  return { size: Number.parseInt(size, 16), signature }
}

async function readTrailer(
  reader: LineReader,
  { signatures, onTrailer }: ChunkedBodyOptions,
  names: readonly string[],
): Promise<void> {
  const values = new Map<string, string>()
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    const isKnown = names.includes(name) || (signatures && name === 'x-amz-trailer-signature')
    if (!isKnown || values.has(name) || values.size >= MAX_TRAILERS) throw malformedTrailer()
    values.set(name, line.slice(colon + 1).trim())
  }
  if (!names.every((name) => values.has(name))) throw malformedTrailer()
  const signature = values.get('x-amz-trailer-signature')
  values.delete('x-amz-trailer-signature')
  const text = [...values].map(([name, value]) => `${name}:${value}\n`).join('')
  signatures?.verifyTrailer(signature ?? '', text)
  for (const [name, value] of values) onTrailer(name, value)
}

/** Reads lines and lengths by turns from a stream of buffers, without copying the lengths. */
class LineReader {
  readonly #source: AsyncIterator<Buffer>
  #pending: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Up to the next CRLF, without it. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#pending.indexOf('\r\n')
      if (end >= 0 && end <= MAX_LINE_BYTES) {
        const text = this.#pending.toString('latin1', 0, end)
        this.#pending = this.#pending.subarray(end + 2)
        return text
      }
      if (this.#pending.length > MAX_LINE_BYTES) throw incomplete('chunks')
      const next = await this.#source.next()
      if (next.done) throw incomplete('the length announced')
      this.#pending = Buffer.concat([this.#pending, next.value])
    }
  }

  /** The next `size` bytes. */
  async *take(size: number): AsyncGenerator<Buffer, void, undefined> {
    let left = size
    while (left > 0) {
      if (this.#pending.length === 0) {
        const next = await this.#source.next()
        if (next.done) throw incomplete('the length announced')
        this.#pending = next.value
      }
      const piece = this.#pending.subarray(0, left)
      this.#pending = this.#pending.subarray(piece.length)
      left -= piece.length
      if (piece.length > 0) yield piece
    }
  }

  /** Lets go of the stream, wherever it is. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }

  /** Makes sure that nothing follows. */
  async end(): Promise<void> {
    while (this.#pending.length === 0) {
      const next = await this.#source.next()
      if (next.done) return
      this.#pending = next.value
    }
    throw incomplete('the length announced')
  }
}

function incomplete(what: string) {
  return bodyFault('IncompleteBody', `The request body does not have ${what}.`)
}

function malformedTrailer() {
  return bodyFault(
    'MalformedTrailerError',
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  )
}
