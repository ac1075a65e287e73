import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Lsn } from '../../src/core/lsn.ts'
import { FRAME_HEADER_BYTES, frameLength } from '../../src/postgres/storage/frame.ts'
import { TimelineArchive } from '../../src/postgres/wal/timeline-archive.ts'
import { SyntheticWal } from '../harness/synthetic-wal.ts'
import { unmount } from '../harness/unmount.ts'

const SEGMENT_BYTES = 2 << 20
const NOON_US = 1_800_000_000_000_000
const start = BigInt(SEGMENT_BYTES) as Lsn
const FIRST = '000000010000000000000001'

let folder: string
let opened: TimelineArchive[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-timeline-'))
  opened = []
})
afterEach(async () => {
  for (const archive of opened) await archive.close()
  await rm(folder, { recursive: true, force: true })
})

async function openIn(place: string, key?: Buffer) {
  const segmentBytes = SEGMENT_BYTES
  const archive = await TimelineArchive.open({ timeline: 1, folder: place, segmentBytes, key })
  opened.push(archive)
  return archive
}

/** Two and a half segments with a commit in every 5 KiB, the last of a segment spanning into the next. */
function someWal() {
  const wal = new SyntheticWal(start, SEGMENT_BYTES)
  const commits: { at: Lsn; timeUs: number }[] = []
  const commit = () => {
    const timeUs = NOON_US + commits.length * 10
    commits.push({ timeUs, at: wal.commit(timeUs, 96) })
  }
  for (let segment = 0; segment < 2; segment++) {
    while (wal.roomInSegment() > 20_000) {
      wal.filler(5000)
      commit()
    }
    wal.filler(wal.roomInSegment() - 40)
    commit()
  }
  for (let i = 0; i < 200; i++) {
    wal.filler(5000)
    commit()
  }
  return { bytes: wal.bytes, commits, end: BigInt(wal.position) as Lsn }
}

/** Appends in pieces of which several come at once. */
async function appendAll(archive: TimelineArchive, bytes: Buffer, pieceBytes = 60_000) {
  for (let at = 0; at < bytes.length; at += pieceBytes * 3) {
    const pieces = [0, 1, 2].map((index) =>
      bytes.subarray(at + index * pieceBytes, at + (index + 1) * pieceBytes),
    )
    await archive.append(
      (start + BigInt(at)) as Lsn,
      pieces.filter((piece) => piece.length > 0),
    )
  }
}

test.each([undefined, Buffer.alloc(32, 3)])(
  'gives back what was appended (key %#)',
  async (key) => {
    const { bytes, end } = someWal()
    const place = join(folder, 'a')
    const archive = await openIn(place, key)
    await appendAll(archive, bytes)
    expect(archive.end).toBe(end)
    expect(await archive.verify()).toEqual([])
    await archive.close()

    const reopened = await openIn(place, key)
    expect(reopened.ranges()).toEqual([
      { from: start, to: end, newestCommitUs: expect.any(Number) as number },
    ])
    const parts = [await reopened.read(1), await reopened.read(2), await reopened.read(3)]
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
    expect(await reopened.lastRecordEnd(start)).toBe(end)
  },
)

test('finds each commit as the first after the moment before it, also across a segment end', async () => {
  const { bytes, commits } = someWal()
  const archive = await openIn(join(folder, 'a'))
  await appendAll(archive, bytes)
  const crossing = commits.filter(({ at }) => Number(at) % SEGMENT_BYTES > SEGMENT_BYTES - 96)
  expect(crossing).toHaveLength(2)
  for (const { at, timeUs } of [...crossing, ...commits.slice(0, 20), ...commits.slice(-20)]) {
    expect(await archive.firstCommitAfter(timeUs - 1, start)).toMatchObject({
      startLsn: at,
      timeUs,
    })
  }
  expect(await archive.firstCommitAfter(commits.at(-1)!.timeUs, start)).toBeUndefined()
})

test('takes the same WAL again and refuses other WAL in its place', async () => {
  const { bytes, end } = someWal()
  const archive = await openIn(join(folder, 'a'))
  await appendAll(archive, bytes)
  await archive.append((start + 1_000_000n) as Lsn, [bytes.subarray(1_000_000)])
  expect(archive.end).toBe(end)

  const other = Buffer.from(bytes.subarray(1_000_000))
  other[500]! ^= 1
  await expect(archive.append((start + 1_000_000n) as Lsn, [other])).rejects.toMatchObject({
    code: 'VaultDamaged',
  })
  expect(archive.end).toBe(end)
  expect(await archive.verify()).toEqual([])
})

test('keeps nothing of what is not WAL', async () => {
  const { bytes } = someWal()
  const archive = await openIn(join(folder, 'a'))
  await archive.append(start, [bytes.subarray(0, 100_000)])
  const garbage = Buffer.alloc(50_000, 9)
  const at = (start + 100_000n) as Lsn
  await expect(archive.append(at, [garbage])).rejects.toMatchObject({ code: 'VaultDamaged' })
  expect(archive.end).toBe(at)
  await archive.append(at, [bytes.subarray(100_000)])
  expect((await archive.read(1)).equals(bytes.subarray(0, SEGMENT_BYTES))).toBe(true)
})

test('goes on where a crash tore the last frame, wherever it was torn', async () => {
  const { bytes } = someWal()
  const place = join(folder, 'a')
  const archive = await openIn(place)
  await archive.append(start, [bytes.subarray(0, 5_000)])
  await archive.append((start + 5_000n) as Lsn, [bytes.subarray(5_000, 9_000)])
  const file = join(place, `${FIRST}.partial`)
  const whole = await readFile(file)
  await archive.close()
  const first = frameLength(whole)
  for (const length of [first + 1, first + 39, first + 40, first + 2_000, whole.length - 1]) {
    await writeFile(file, whole.subarray(0, length))
    const reopened = await openIn(place)
    expect(reopened.end).toBe(start + 5_000n)
    expect(reopened.faults()).toEqual([])
    await reopened.append((start + 5_000n) as Lsn, [bytes.subarray(5_000, 40_000)])
    expect((await reopened.read(1)).equals(bytes.subarray(0, 40_000))).toBe(true)
    expect(await reopened.verify()).toEqual([])
    await reopened.close()
  }
})

test('damage in the growing segment is a fault, not a torn end', async () => {
  const { bytes } = someWal()
  const place = join(folder, 'a')
  const archive = await openIn(place)
  for (let at = 0; at < 20_000; at += 5_000) {
    await archive.append((start + BigInt(at)) as Lsn, [bytes.subarray(at, at + 5_000)])
  }
  await archive.close()
  const file = join(place, `${FIRST}.partial`)
  const whole = await readFile(file)
  for (let at = 3; at < whole.length; at += 331) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 4
    await writeFile(file, damaged)
    const reopened = await openIn(place)
    const offset = Math.floor(at / (5_000 + FRAME_HEADER_BYTES)) * (5_000 + FRAME_HEADER_BYTES)
    expect(await reopened.verify()).toEqual([expect.objectContaining({ file, offset })])
    await reopened.close()
    expect((await readFile(file)).equals(damaged)).toBe(true)
  }
})

test('a complete segment that is cut short, or made of the frames of another, is a fault', async () => {
  const { bytes } = someWal()
  const place = join(folder, 'a')
  const archive = await openIn(place)
  await appendAll(archive, bytes)
  await archive.close()
  const file = join(place, `${FIRST}.wal`)
  const whole = await readFile(file)
  const lengths: number[] = []
  for (let at = 0; at < whole.length; ) {
    lengths.push(frameLength(whole.subarray(at)))
    at += lengths.at(-1)!
  }
  expect(lengths).toHaveLength(3)
  const [head = 0, one = 0] = lengths
  const faulty = async () => {
    const reopened = await openIn(place)
    const faults = await reopened.verify()
    expect(reopened.ranges()).toHaveLength(1)
    expect(reopened.ranges()[0]!.from).toBeGreaterThan(start)
    await expect(reopened.read(1)).rejects.toMatchObject({ code: 'VaultDamaged' })
    await reopened.close()
    return faults.map(({ file: name, offset }) => ({ name, offset }))
  }

  await truncate(file, head + one)
  expect(await faulty()).toEqual([{ name: file, offset: head + one }])
  const swapped = [
    whole.subarray(0, head),
    whole.subarray(head + one),
    whole.subarray(head, head + one),
  ]
  await writeFile(file, Buffer.concat(swapped))
  expect(await faulty()).toEqual([{ name: file, offset: head }])
  await copyFile(join(place, '000000010000000000000002.wal'), file)
  expect(await faulty()).toEqual([{ name: file, offset: 0 }])
})

test('finds nothing wrong while WAL arrives', async () => {
  const { bytes } = someWal()
  const archive = await openIn(join(folder, 'a'))
  let isDone = false
  const appended = appendAll(archive, bytes, 4_000).finally(() => {
    isDone = true
  })
  while (!isDone) {
    // An archive that is still empty is verified without a turn of the event loop.
    await nextTurn()
    expect(await archive.verify()).toEqual([])
  }
  await appended
  await archive.close()
})

test('a full disk loses nothing that was acknowledged', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('skipped: only root may mount a small disk')
  const disk = join(folder, 'disk')
  await mkdir(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk])
  try {
    const { bytes } = someWal()
    const place = join(disk, 'a')
    const archive = await openIn(place)
    const refused = await appendAll(archive, bytes, 7_000).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(refused).toMatchObject({ code: 'DiskFull' })
    const { end } = archive
    const known = Number(end! - start)
    expect(known).toBeGreaterThan(500_000)
    expect((await archive.read(1)).equals(bytes.subarray(0, known))).toBe(true)

    execFileSync('mount', ['-o', 'remount,size=64m', disk])
    await archive.append(end!, [bytes.subarray(known)])
    await archive.close()
    const reopened = await openIn(place)
    expect(await reopened.verify()).toEqual([])
    const parts = [await reopened.read(1), await reopened.read(2), await reopened.read(3)]
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  } finally {
    await unmount(disk)
  }
})
