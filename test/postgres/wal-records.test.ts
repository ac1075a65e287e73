import { expect, test } from 'vitest'
import type { Lsn } from '../../src/core/lsn.ts'
import { type CommitRecord, RecordScanner } from '../../src/postgres/wal/record-scanner.ts'
import { SyntheticWal } from '../harness/synthetic-wal.ts'

const SEGMENT_BYTES = 1 << 20
const NOON_US = 1_800_000_000_000_000
const start = BigInt(4 * SEGMENT_BYTES) as Lsn

function scan(bytes: Buffer, pieceBytes = bytes.length) {
  const commits: CommitRecord[] = []
  const scanner = new RecordScanner(start, SEGMENT_BYTES, (commit) => commits.push(commit))
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    scanner.feed(bytes.subarray(at, at + pieceBytes))
  }
  return { commits, end: scanner.lastRecordEnd }
}

test('finds the same commits however the log is cut into pieces', () => {
  const wal = new SyntheticWal(start, SEGMENT_BYTES)
  const expected: { startLsn: Lsn; timeUs: number }[] = []
  for (let i = 0; i < 400; i++) {
    wal.filler(30 + ((i * 977) % 9000))
    const timeUs = NOON_US + i
    expected.push({ startLsn: wal.commit(timeUs, 34 + (i % 60)), timeUs })
  }
  for (const pieceBytes of [1, 3, 61, 8191, 8192, 131_072, 1 << 24]) {
    const found = scan(wal.bytes, pieceBytes)
    expect(found.commits.map(({ startLsn, timeUs }) => ({ startLsn, timeUs }))).toEqual(expected)
    expect(found.end).toBe(BigInt(wal.position))
  }
})

test('a record that a crash left without its end does not hide what comes after it', () => {
  const wal = new SyntheticWal(start, SEGMENT_BYTES)
  const first = wal.commit(NOON_US + 1)
  wal.torn(20_000)
  const last = wal.commit(NOON_US + 2)
  for (const pieceBytes of [1, 7, 8192, SEGMENT_BYTES]) {
    expect(scan(wal.bytes, pieceBytes)).toEqual({
      commits: [
        { startLsn: first, previousEnd: start, timeUs: NOON_US + 1 },
        { startLsn: last, previousEnd: first + 48n, timeUs: NOON_US + 2 },
      ],
      end: last + 48n,
    })
  }
})

test('refuses what does not hang together', () => {
  const wal = new SyntheticWal(start, SEGMENT_BYTES)
  for (let i = 0; i < 300; i++) wal.filler(100)
  const damages: ((bytes: Buffer) => void)[] = [
    (bytes) => bytes.writeUInt16LE(0, 8192),
    (bytes) => bytes.writeBigUInt64LE(0n, 8192 + 8),
    (bytes) => bytes.writeUInt32LE(3, 40),
    (bytes) => bytes.writeBigUInt64LE(77n, 40 + 104 + 8),
    (bytes) => bytes.writeUInt32LE(9, 8192 + 16),
    (bytes) => bytes.writeUInt32LE(96, 40),
  ]
  for (const damage of damages) {
    const bytes = Buffer.from(wal.bytes)
    damage(bytes)
    for (const pieceBytes of [11, 8192, SEGMENT_BYTES]) {
      expect(() => scan(bytes, pieceBytes)).toThrow(
        expect.objectContaining({ code: 'VaultDamaged' }),
      )
    }
  }
  expect(scan(wal.bytes).end).toBe(BigInt(wal.position))
})
