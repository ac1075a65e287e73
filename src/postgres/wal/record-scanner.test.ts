import { expect, test } from 'vitest'
import type { Lsn } from '../../core/lsn.ts'
import { type CommitRecord, RecordScanner } from './record-scanner.ts'

const PAGE_BYTES = 8192
const SEGMENT_BYTES = 1 << 20
const EPOCH_US = 946_684_800_000_000

function record(length: number, resourceManager: number, timeUs?: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(length / 8) * 8)
  bytes.writeUInt32LE(length, 0)
  bytes[17] = resourceManager
  bytes[24] = 255
  if (timeUs !== undefined) bytes.writeBigInt64LE(BigInt(timeUs - EPOCH_US), 26)
  return bytes
}

/** A segment of pages, each with a header that says how much of it goes on from before. */
function segment(pages: readonly { content: Buffer; continued: number }[]): Buffer {
  const bytes = Buffer.alloc(SEGMENT_BYTES)
  for (const [index, { content, continued }] of pages.entries()) {
    bytes.writeUInt16LE(continued > 0 ? 1 : 8, index * PAGE_BYTES + 2)
    bytes.writeUInt32LE(continued, index * PAGE_BYTES + 16)
    content.copy(bytes, index * PAGE_BYTES + (index === 0 ? 40 : 24))
  }
  return bytes
}

test('a record that a crash left without its end does not hide what comes after it', () => {
  const room = PAGE_BYTES - 40
  const first = record(64, 1, EPOCH_US + 1)
  const torn = record(20_000, 10).subarray(0, room - first.length)
  const last = record(64, 1, EPOCH_US + 2)
  const bytes = segment([
    { content: Buffer.concat([first, torn]), continued: 0 },
    { content: last, continued: 0 },
  ])
  for (const piece of [1, 7, 8192, SEGMENT_BYTES]) {
    const commits: CommitRecord[] = []
    const scanner = new RecordScanner(0n as Lsn, SEGMENT_BYTES, (commit) => commits.push(commit))
    for (let at = 0; at < bytes.length; at += piece) scanner.feed(bytes.subarray(at, at + piece))
    expect(commits).toEqual([
      { startLsn: 40n, previousEnd: 0n, timeUs: EPOCH_US + 1 },
      { startLsn: 8216n, previousEnd: 104n, timeUs: EPOCH_US + 2 },
    ])
    expect(scanner.lastRecordEnd).toBe(8280n)
  }
})
