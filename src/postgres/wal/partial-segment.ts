import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import { named, readIfThere, syncFolder } from '../storage/durable-file.ts'
import {
  decodeFrame,
  ENCRYPTION_BYTES,
  encodeFrame,
  FRAME_HEADER_BYTES,
  isFrameIntact,
  sliceFrame,
} from '../storage/frame.ts'
import type { SegmentPlace } from './segment-file.ts'

const KINDS = ['partial', 'closed'] as const
type Kind = (typeof KINDS)[number]
const CLOSED = Buffer.from('closed')
/** Enough for what one append takes together. */
const FRAME_MEMORY_BYTES = (4 << 20) + (256 << 10)
const MAX_FREE_SEGMENTS = 1

/**
 * Memory that is used again and again while WAL streams in. To take new memory for every segment costs more than to fill
 * it.
 */
export class SegmentMemory {
  #frame: Buffer | undefined
  readonly #free: Buffer[] = []

  constructor(private readonly segmentBytes: number) {}

  /** For one frame at a time. */
  get frame(): Buffer {
    this.#frame ??= Buffer.allocUnsafeSlow(FRAME_MEMORY_BYTES)
    return this.#frame
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.segmentBytes)
  }

  giveBack(segment: Buffer): void {
    if (this.#free.length < MAX_FREE_SEGMENTS) this.#free.push(segment)
  }
}

/** What of a partial segment's file can be used. */
export interface StoredPartial {
  /** The segment from its start, as far as every frame is intact. */
  readonly bytes: Buffer
  /** How much of the file that is. */
  readonly fileLength: number
  /** Offset of a frame that was written whole and is not so any more. A frame that was torn by a crash is no fault. */
  readonly faultAt: number | undefined
}

/**
 * The segment that is being received. Every `append` is one frame, durable when it returns.
 *
 * A crash can tear the last frame. It is cut off when receiving goes on: nobody had been told that it is durable. A file
 * that was closed ends with a frame that says so, so that damage to the frame before is not taken for a crash.
 */
export class PartialSegment {
  private constructor(
    private readonly place: SegmentPlace,
    private readonly file: FileHandle,
    private readonly segment: Buffer,
    private readonly memory: SegmentMemory,
    private received: number,
    private fileLength: number,
  ) {}

  /** Opens for appending, behind the last intact frame. @throws LifeboatError `DiskFull`, `FolderNotUsable` */
  static async open(
    place: SegmentPlace,
    stored: StoredPartial,
    memory: SegmentMemory,
  ): Promise<PartialSegment> {
    const segment = memory.take()
    const received = stored.bytes.copy(segment)
    try {
      const file = await open(place.path, 'a', 0o600)
      await file.truncate(stored.fileLength)
      await file.sync()
      await syncFolder(dirname(place.path))
      return new PartialSegment(place, file, segment, memory, received, stored.fileLength)
    } catch (error) {
      throw named(error, place.path)
    }
  }

  /** How much of the segment is durable, from its start. */
  get length(): number {
    return this.received
  }

  /** The segment as far as it is durable. The memory is this object's own. */
  get bytes(): Buffer {
    return this.segment.subarray(0, this.received)
  }

  /** How much of the file is in use; what lies behind is being written. */
  get storedLength(): number {
    return this.fileLength
  }

  /** After a failure the object is of no use: open it again. @throws LifeboatError `DiskFull`, `FolderNotUsable` */
  async append(pieces: readonly Buffer[]): Promise<void> {
    const { path, key } = this.place
    let end = this.received
    for (const piece of pieces) end += piece.copy(this.segment, end)
    const raw = this.segment.subarray(this.received, end)
    assert(raw.length === lengthOf(pieces), 'what is appended fits into the segment')
    const frame = encodeFrame(raw, {
      compress: false,
      key,
      place: placeOf('partial', this.place, this.fileLength),
      into: this.memory.frame,
    })
    try {
      // A disk that fills up takes a part of a write without a word, so it is written until all is.
      await this.file.appendFile(frame)
      await this.file.datasync()
    } catch (error) {
      throw named(error, path)
    }
    this.fileLength += frame.length
    this.received = end
  }

  /** Closes the file of a segment that is to be kept as it is. Safe to call after a failure. */
  async close(): Promise<void> {
    try {
      const { key } = this.place
      const place = placeOf('closed', this.place, this.fileLength)
      await this.file.appendFile(encodeFrame(CLOSED, { compress: false, key, place }))
    } catch (error) {
      // Without the mark the file is as after a crash, which is a state that it may be in.
      if (!(named(error, this.place.path) instanceof LifeboatError)) throw error
    } finally {
      await this.file.close()
    }
  }

  /** Lets go of the file without a mark: after a failure, or because it is complete. */
  async abandon(): Promise<void> {
    await this.file.close()
  }
}

/** Reads a partial segment's file; `storedLength` leaves out what is just being appended. */
export async function readPartial(
  place: SegmentPlace,
  storedLength?: number,
): Promise<StoredPartial> {
  const file = (await readIfThere(place.path)) ?? Buffer.alloc(0)
  const stored = file.subarray(0, storedLength ?? file.length)
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const frame = sliceFrame(stored, at)
    const kind = frame && kindOf(frame, place, at)
    if (!kind) break
    if (kind === 'partial') parts.push(decodeFrame(frame, place.key))
    at += frame.length
  }
  const isTorn = storedLength === undefined && isTornAt(place, stored, at)
  return {
    bytes: Buffer.concat(parts),
    fileLength: at,
    faultAt: at < stored.length && !isTorn ? at : undefined,
  }
}

/**
 * Whether what stands at `from` can be the frame that a crash tore. It cannot if an intact frame stands anywhere behind
 * it, because each is written when the one before is durable; nor if it has the very length of a mark.
 */
function isTornAt(place: SegmentPlace, stored: Buffer, from: number): boolean {
  const overhead = place.key ? ENCRYPTION_BYTES : 0
  if (stored.length - from === FRAME_HEADER_BYTES + CLOSED.length + overhead) return false
  for (let at = from + 1; at + FRAME_HEADER_BYTES <= stored.length; at++) {
    const storedBytes = stored.readUInt32LE(at + 4)
    if (storedBytes === 0 || storedBytes > place.segmentBytes + overhead) continue
    if (stored.readUInt32LE(at) + overhead !== storedBytes) continue
    const frame = sliceFrame(stored, at)
    if (frame && kindOf(frame, place, at)) return false
  }
  return true
}

function kindOf(frame: Buffer, place: SegmentPlace, at: number): Kind | undefined {
  return KINDS.find((kind) => isFrameIntact(frame, placeOf(kind, place, at)))
}

function placeOf(kind: Kind, { name }: SegmentPlace, fileOffset: number): string {
  return `${name} ${kind} ${fileOffset}`
}

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((length, piece) => length + piece.length, 0)
}
