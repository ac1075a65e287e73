import { assert } from './assert.ts'
import { LifeboatError } from './errors.ts'

/**
 * A position in PostgreSQL's write-ahead log (WAL), in bytes since `initdb`.
 *
 * Text form: two hex halves, `16/B374D848`.
 * Order: a larger Lsn is later, but only within one timeline.
 * Source: PostgreSQL manual, "pg_lsn Type".
 */
export type Lsn = bigint & { readonly __unit: 'Lsn' }

/**
 * Reads the text form of an Lsn.
 *
 * @throws LifeboatError `InvalidLsn` when the text is not `HEX/HEX`, each half at most 32 bits.
 */
export function parseLsn(text: string): Lsn {
  const halves = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text)
  if (!halves) {
    throw new LifeboatError('InvalidLsn', `'${text}' is not a WAL position`, {
      hint: "Write a WAL position as two hex halves, like '16/B374D848'.",
    })
  }
  return ((BigInt(`0x${halves[1]}`) << 32n) | BigInt(`0x${halves[2]}`)) as Lsn
}

/** The inverse of `parseLsn`; hex digits are upper case, as PostgreSQL prints them. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase()
}

/**
 * The name of the WAL segment file that holds the byte at `lsn`: 24 hex digits, as in
 * `00000001` (timeline) `00000016` (log) `000000B3` (segment).
 *
 * @param segmentBytes  `wal_segment_size`: a power of two from 1 MiB to 1 GiB; 16 MiB by default.
 */
export function walSegmentName(timeline: number, lsn: Lsn, segmentBytes: bigint): string {
  assert(timeline >= 1, 'timelines are numbered from 1')
  assert(0x1_0000_0000n % segmentBytes === 0n, 'a log file holds a whole number of segments')

  const segmentsPerLog = 0x1_0000_0000n / segmentBytes
  const segment = lsn / segmentBytes
  return [BigInt(timeline), segment / segmentsPerLog, segment % segmentsPerLog]
    .map((part) => part.toString(16).padStart(8, '0').toUpperCase())
    .join('')
}
