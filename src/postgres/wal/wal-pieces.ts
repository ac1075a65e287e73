import type { Lsn } from '../../core/lsn.ts'

/** Consecutive WAL that lies within one segment. */
export interface SegmentPart {
  /** Its position, as a plain number. */
  readonly at: number
  readonly pieces: Buffer[]
  length: number
}

/** Consecutive pieces of WAL, cut where segments end, so that each segment's share is written at once. */
export function splitBySegment(
  from: Lsn,
  pieces: readonly Buffer[],
  segmentBytes: number,
): SegmentPart[] {
  const parts: SegmentPart[] = []
  let at = Number(from)
  for (const piece of pieces) {
    for (let offset = 0; offset < piece.length; ) {
      const room = segmentBytes - (at % segmentBytes)
      const cut = piece.subarray(offset, offset + room)
      let part = parts.at(-1)
      if (!part || at % segmentBytes === 0) {
        part = { at, pieces: [], length: 0 }
        parts.push(part)
      }
      part.pieces.push(cut)
      part.length += cut.length
      offset += cut.length
      at += cut.length
    }
  }
  return parts
}
