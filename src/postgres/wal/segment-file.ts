import { type FileHandle, open, rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LifeboatError } from '../../core/errors.ts'
import { named, readIfThere, writeDurably } from '../storage/durable-file.ts'
import { decodeFrame, encodeFrame, isFrameIntact, sliceFrame } from '../storage/frame.ts'

/** What is known of the commits that begin in one segment; times in microseconds since 1970. */
export interface CommitSummary {
  readonly commits: number
  readonly firstUs: number
  readonly maxUs: number
  /** Where records begin that create tablespaces and end in this segment. */
  readonly tablespacesAt: readonly number[]
}

export const NO_COMMITS: CommitSummary = {
  commits: 0,
  firstUs: Number.NaN,
  maxUs: Number.NaN,
  tablespacesAt: [],
}
const SUMMARY_BYTES = 1 << 16

const FRAME_RAW_BYTES = 1 << 20

/**
 * Writes a complete segment: a frame that holds its summary as JSON, then the segment in frames of 1 MiB.
 * Frames are made one per turn of the event loop, so that a busy archive does not hold up everything else.
 */
export async function writeSegment(
  path: string,
  segment: Buffer,
  summary: CommitSummary,
  key: Buffer | undefined,
): Promise<number> {
  const frames = [encodeFrame(Buffer.from(JSON.stringify(summary)), { compress: false, key })]
  for (let at = 0; at < segment.length; at += FRAME_RAW_BYTES) {
    await nextTurn()
    frames.push(encodeFrame(segment.subarray(at, at + FRAME_RAW_BYTES), { compress: true, key }))
  }
  const bytes = Buffer.concat(frames)
  await writeDurably(path, bytes)
  return bytes.length
}

/** The summary at the head of a complete segment's file. @throws LifeboatError `VaultDamaged`, `VaultKeyWrong` */
export async function readSummary(path: string, key: Buffer | undefined): Promise<CommitSummary> {
  const file = await open(path, 'r')
  try {
    const head = Buffer.alloc(SUMMARY_BYTES)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    const frame = sliceFrame(head.subarray(0, bytesRead), 0)
    if (!frame || !isFrameIntact(frame)) throw damaged(path, 0)
    return withoutNull(JSON.parse(decodeFrame(frame, key).toString()))
  } finally {
    await file.close()
  }
}

/** The segment's own bytes, every checksum verified. @throws LifeboatError `VaultDamaged` naming file and offset */
export async function readSegment(path: string, key: Buffer | undefined): Promise<Buffer> {
  const bytes = await readIfThere(path)
  if (!bytes) throw new LifeboatError('VaultDamaged', `'${path}' is missing`)
  const parts: Buffer[] = []
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const frame = sliceFrame(bytes, at)
    if (!frame || !isFrameIntact(frame)) throw damaged(path, at)
    if (index > 0) parts.push(decodeFrame(frame, key))
    at += frame.length
  }
  return Buffer.concat(parts)
}

/**
 * The segment that is being received. Every `append` is one frame, durable when it returns; a crash can leave
 * a torn frame at the end, which the next `open` cuts off: it had not been acknowledged to anybody.
 */
export class PartialSegment {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    /** The segment's bytes so far. */
    readonly bytes: Buffer,
    public length: number,
    private fileLength: number,
    private readonly key: Buffer | undefined,
  ) {}

  static async open(
    path: string,
    segmentBytes: number,
    key: Buffer | undefined,
  ): Promise<PartialSegment> {
    const stored = (await readIfThere(path)) ?? Buffer.alloc(0)
    const bytes = Buffer.alloc(segmentBytes)
    let length = 0
    let at = 0
    for (;;) {
      const frame = sliceFrame(stored, at)
      if (!frame || !isFrameIntact(frame)) break
      length += decodeFrame(frame, key).copy(bytes, length)
      at += frame.length
    }
    const file = await open(path, 'a', 0o600)
    if (at < stored.length) await file.truncate(at)
    return new PartialSegment(path, file, bytes, length, at, key)
  }

  async append(pieces: readonly Buffer[]): Promise<void> {
    const raw = Buffer.concat(pieces)
    const frame = encodeFrame(raw, { compress: false, key: this.key })
    try {
      await this.file.write(frame)
      await this.file.datasync()
    } catch (error) {
      // What a failed write left behind must not stand before the next good frame.
      await this.file.truncate(this.fileLength)
      throw named(error, this.path)
    }
    this.fileLength += frame.length
    raw.copy(this.bytes, this.length)
    this.length += raw.length
  }

  async close(): Promise<void> {
    await this.file.close()
  }

  async remove(): Promise<void> {
    await this.close()
    await rm(this.path, { force: true })
  }
}

/** What is wrong with a partial segment's file, if anything: the offset of the first bad frame. */
export async function findPartialFault(path: string): Promise<number | undefined> {
  const stored = (await readIfThere(path)) ?? Buffer.alloc(0)
  for (let at = 0; at < stored.length; ) {
    const frame = sliceFrame(stored, at)
    if (!frame || !isFrameIntact(frame)) return at
    at += frame.length
  }
  return undefined
}

function damaged(path: string, offset: number): LifeboatError {
  return new LifeboatError('VaultDamaged', `'${path}' is damaged at offset ${offset}`, {
    hint: 'Restore to a moment before it, or take a new base backup and restore to a moment after that.',
  })
}

/** JSON has no NaN: it writes null. */
function withoutNull({ firstUs, maxUs, ...rest }: CommitSummary): CommitSummary {
  return { ...rest, firstUs: firstUs ?? Number.NaN, maxUs: maxUs ?? Number.NaN }
}
