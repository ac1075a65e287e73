import { LifeboatError } from '../../core/errors.ts'
import type { Lsn } from '../../core/lsn.ts'

/**
 * What a stream of archived WAL consists of:
 *
 *     kind 1 byte · position 8 bytes · length 4 bytes · that many bytes
 *
 * `wal`: bytes that belong at the position. `end`: all up to the position has been sent; comes again and again while there is
 * no more. `next`: the timeline has ended, and the position is the number of the next one.
 */
export type WalRecord =
  | { readonly kind: 'wal'; readonly at: Lsn; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly at: Lsn }
  | { readonly kind: 'next'; readonly timeline: number }

const KINDS = ['wal', 'end', 'next'] as const
const HEAD_BYTES = 13
/** Long ones are cut, so that nobody has to hold them whole. */
const MAX_BYTES = 1 << 20

/** WAL as records. */
export function* encodeWal(at: Lsn, bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += MAX_BYTES) {
    const part = bytes.subarray(from, from + MAX_BYTES)
    yield Buffer.concat([head('wal', at + BigInt(from), part.length), part])
  }
}

export function encodeEnd(at: Lsn): Buffer {
  return head('end', at, 0)
}

export function encodeNext(timeline: number): Buffer {
  return head('next', BigInt(timeline), 0)
}

/** The inverse of all three. @throws LifeboatError `VaultDamaged` when it is no stream of records */
export async function* decodeRecords(stream: AsyncIterable<Buffer>): AsyncGenerator<WalRecord> {
  let parts: Buffer[] = []
  let have = 0
  let wanted = HEAD_BYTES
  for await (const piece of stream) {
    parts.push(piece)
    have += piece.length
    if (have < wanted) continue
    let rest = Buffer.concat(parts)
    for (;;) {
      wanted = HEAD_BYTES + (rest.length < HEAD_BYTES ? 0 : lengthIn(rest))
      if (rest.length < wanted) break
      yield recordIn(rest.subarray(0, wanted))
      rest = rest.subarray(wanted)
    }
    parts = [rest]
    have = rest.length
  }
}

function recordIn(bytes: Buffer): WalRecord {
  const kind = KINDS[bytes[0]!]
  const at = bytes.readBigUInt64BE(1)
  if (kind === 'wal') return { kind, at: at as Lsn, bytes: bytes.subarray(HEAD_BYTES) }
  if (kind === 'end') return { kind, at: at as Lsn }
  if (kind === 'next') return { kind, timeline: Number(at) }
  throw broken()
}

function lengthIn(bytes: Buffer): number {
  const length = bytes.readUInt32BE(9)
  if (length <= MAX_BYTES) return length
  throw broken()
}

function head(kind: WalRecord['kind'], at: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES)
  bytes[0] = KINDS.indexOf(kind)
  bytes.writeBigUInt64BE(at, 1)
  bytes.writeUInt32BE(length, 9)
  return bytes
}

function broken(): LifeboatError {
  return new LifeboatError('VaultDamaged', 'what was sent is no stream of write-ahead log')
}
