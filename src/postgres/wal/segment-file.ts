import { open } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LifeboatError } from '../../core/errors.ts'
import type { Lsn } from '../../core/lsn.ts'
import { readIfThere, writeDurably } from '../storage/durable-file.ts'
import { decodeFrame, encodeFrame, isFrameIntact, sliceFrame } from '../storage/frame.ts'

/** What is known of the commits, and of what else a restore looks for, whose records end in one segment; times in microseconds since 1970. */
export interface CommitSummary {
  readonly commits: number
  readonly maxUs: number
  /** Where records begin that create tablespaces and end in this segment. */
  readonly tablespacesAt: readonly number[]
}

export const NO_COMMITS: CommitSummary = {
  commits: 0,
  maxUs: Number.NEGATIVE_INFINITY,
  tablespacesAt: [],
}

/** Where a segment is kept, what it is called and with which key it is encrypted. */
export interface SegmentPlace {
  readonly path: string
  /** Its name in PostgreSQL: every frame is bound to it, so that no frame passes for another. */
  readonly name: string
  readonly segmentBytes: number
  readonly key: Buffer | undefined
}

export function withCommit(summary: CommitSummary, timeUs: number): CommitSummary {
  const { commits, maxUs } = summary
  return { ...summary, commits: commits + 1, maxUs: Math.max(maxUs, timeUs) }
}

export function withTablespace(summary: CommitSummary, at: Lsn): CommitSummary {
  return { ...summary, tablespacesAt: [...summary.tablespacesAt, Number(at)] }
}

export function joinSummaries(a: CommitSummary, b: CommitSummary): CommitSummary {
  return {
    commits: a.commits + b.commits,
    maxUs: Math.max(a.maxUs, b.maxUs),
    tablespacesAt: [...a.tablespacesAt, ...b.tablespacesAt],
  }
}

const FRAME_RAW_BYTES = 1 << 20
/** The summary's frame is not longer. */
const MAX_HEAD_BYTES = 1 << 16

/**
 * Writes a complete segment: a frame that holds its summary as JSON, then the segment in frames of 1 MiB.
 * Frames are made one per turn of the event loop, so that a busy archive does not hold up everything else.
 */
export async function writeSegment(
  { path, name, key }: SegmentPlace,
  segment: Buffer,
  { commits, maxUs, tablespacesAt }: CommitSummary,
): Promise<void> {
  const head = Buffer.from(
    JSON.stringify({ commits, tablespacesAt, ...(commits > 0 ? { maxUs } : {}) }),
  )
  const frames = [encodeFrame(head, { compress: false, key, place: `${name} summary` })]
  for (let at = 0; at < segment.length; at += FRAME_RAW_BYTES) {
    await nextTurn()
    const raw = segment.subarray(at, at + FRAME_RAW_BYTES)
    frames.push(encodeFrame(raw, { compress: true, key, place: `${name} ${at}` }))
  }
  await writeDurably(path, [Buffer.concat(frames)])
}

/** The summary at the head of a complete segment's file. @throws LifeboatError `VaultDamaged`, `VaultKeyWrong` */
export async function readSummary({ path, name, key }: SegmentPlace): Promise<CommitSummary> {
  const file = await open(path, 'r')
  try {
    const head = Buffer.alloc(MAX_HEAD_BYTES)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    const frame = sliceFrame(head.subarray(0, bytesRead), 0)
    if (!frame || !isFrameIntact(frame, `${name} summary`)) throw damaged(path, 0)
    return { ...NO_COMMITS, ...(JSON.parse(decodeFrame(frame, key).toString()) as object) }
  } finally {
    await file.close()
  }
}

/** The segment's own bytes, every checksum verified. @throws LifeboatError `VaultDamaged` naming file and offset */
export async function readSegment(place: SegmentPlace): Promise<Buffer> {
  const { segment, faultAt } = await decodeSegment(place)
  if (faultAt !== undefined) throw damaged(place.path, faultAt)
  return segment
}

/** The offset of what is wrong with a complete segment's file, if anything is. @throws LifeboatError `VaultKeyWrong` */
export async function findFault(place: SegmentPlace): Promise<number | undefined> {
  return (await decodeSegment(place)).faultAt
}

async function decodeSegment(
  place: SegmentPlace,
): Promise<{ segment: Buffer; faultAt: number | undefined }> {
  const { path, name, segmentBytes, key } = place
  const bytes = (await readIfThere(path)) ?? Buffer.alloc(0)
  const segment = Buffer.allocUnsafe(segmentBytes)
  let length = 0
  let at = 0
  for (let isHead = true; at < bytes.length; isHead = false) {
    const frame = sliceFrame(bytes, at)
    const label = isHead ? 'summary' : String(length)
    if (!frame || !isFrameIntact(frame, `${name} ${label}`)) return { segment, faultAt: at }
    if (!isHead) length += decodeFrame(frame, key).copy(segment, length)
    at += frame.length
  }
  return { segment, faultAt: length === segmentBytes ? undefined : at }
}

export const AROUND_DAMAGE =
  'Restore to a moment before it, or take a new base backup and restore to a moment after that.'

export function damaged(path: string, offset: number): LifeboatError {
  return new LifeboatError('VaultDamaged', `'${path}' is damaged at offset ${offset}`, {
    hint: AROUND_DAMAGE,
  })
}
