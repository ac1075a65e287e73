import { basename } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, parseLsn } from '../../core/lsn.ts'
import { writeDurably } from '../storage/durable-file.ts'
import { decodeFrame, encodeFrame, isFrameIntact } from '../storage/frame.ts'
import { readFrames } from '../storage/frame-file.ts'
import { ByteReader, ByteWriter } from './byte-stream.ts'
import { Extents, ExtentsBuilder } from './extents.ts'
import type { BaseBackup, FileEntry, FrameEntry, Manifest, ManifestHead } from './manifest.ts'
import { damaged } from './pack-reader.ts'

export const MANIFEST = '.manifest'
const FORMAT = 1
const CHUNK_BYTES = 1 << 20

interface StoredHead {
  readonly format: number
  readonly backup: Record<string, unknown>
  readonly folders: readonly string[]
  readonly label: string
  readonly control: string
  readonly packs: readonly string[]
  readonly frameCount: number
  readonly fileCount: number
}

/**
 * Writes a manifest, durable and whole or not at all. It is a row of frames, each with its checksum, bound to the
 * backup's name and to its place in the row: a head in JSON, then the frames, then the files with their extents,
 * packed and in pieces of 1 MiB, so that neither writing nor reading holds the whole text of it.
 */
export async function writeManifest(
  path: string,
  manifest: Manifest,
  key: Buffer | undefined,
): Promise<void> {
  await writeDurably(path, encodeManifest(manifest, key))
}

/** The frames of a manifest, one after the other. */
export function* encodeManifest(manifest: Manifest, key: Buffer | undefined): Generator<Buffer> {
  const { backup, frames, files } = manifest
  const packs = [...new Set(frames.map(({ pack }) => pack))]
  const head: StoredHead = {
    format: FORMAT,
    backup: {
      ...backup,
      startLsn: formatLsn(backup.startLsn),
      stopLsn: formatLsn(backup.stopLsn),
    },
    folders: manifest.folders,
    label: manifest.label,
    control: manifest.control.toString('base64'),
    packs,
    frameCount: frames.length,
    fileCount: files.length,
  }
  let index = 0
  const frame = (raw: Buffer) =>
    encodeFrame(raw, { compress: true, key, place: place(backup.id, index++) })
  yield frame(Buffer.from(JSON.stringify(head)))

  const writer = new ByteWriter()
  for (const _ of writeFrames(writer, frames, packs)) {
    if (writer.length >= CHUNK_BYTES) yield frame(writer.take())
  }
  for (const file of files) {
    writeFile(writer, file)
    if (writer.length >= CHUNK_BYTES) yield frame(writer.take())
  }
  if (writer.length > 0) yield frame(writer.take())
}

function* writeFrames(
  writer: ByteWriter,
  frames: readonly FrameEntry[],
  packs: readonly string[],
): Generator<void> {
  const packIndex = new Map(packs.map((pack, index) => [pack, index]))
  let expected = 0
  for (const { pack, offset, length, rawLength } of frames) {
    writer.number(packIndex.get(pack)!).signed(offset - expected)
    writer.number(length).number(rawLength)
    expected = offset + length
    yield
  }
}

function writeFile(writer: ByteWriter, { path, length, mtimeMs, extents }: FileEntry): void {
  writer.text(path).number(length).double(mtimeMs).number(extents.size)
  let end = 0
  let before = 0
  for (const { block, count, frame, at } of extents) {
    writer.number(block - end).number(count)
    writer.signed(frame - before).number(at)
    end = block + count
    before = frame
  }
}

/** @throws LifeboatError `VaultDamaged`, `VaultKeyWrong` */
export async function readManifestHead(
  path: string,
  key: Buffer | undefined,
): Promise<ManifestHead> {
  for await (const raw of decoded(path, key)) {
    const head = JSON.parse(raw.toString()) as StoredHead
    return { backup: backupOf(head), packs: head.packs }
  }
  throw damaged({ file: path, offset: 0, reason: 'it ends too early' })
}

/** @throws LifeboatError `VaultDamaged` naming file and offset, `VaultKeyWrong` */
export async function readManifest(path: string, key: Buffer | undefined): Promise<Manifest> {
  return await parsed(path, decoded(path, key))
}

/**
 * The manifest of a backup from the frames that `encodeManifest` makes without a key, as they come from elsewhere.
 *
 * @throws LifeboatError `VaultDamaged`
 */
export async function decodeManifest(id: string, frames: AsyncIterable<Buffer>): Promise<Manifest> {
  return await parsed(id, contents(id, frames))
}

async function* contents(id: string, frames: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let index = 0
  for await (const frame of frames) {
    if (!isFrameIntact(frame, place(id, index))) {
      throw damaged({ file: id, offset: 0, reason: `frame ${index} of it is not what was sent` })
    }
    index++
    yield decodeFrame(frame, undefined)
  }
}

async function parsed(path: string, pieces: AsyncIterable<Buffer>): Promise<Manifest> {
  let head: StoredHead | undefined
  const frames: FrameEntry[] = []
  const files: FileEntry[] = []
  let expected = 0
  for await (const raw of pieces) {
    if (!head) {
      head = JSON.parse(raw.toString()) as StoredHead
      continue
    }
    const reader = new ByteReader(raw)
    while (!reader.isAtEnd) {
      if (frames.length < head.frameCount) {
        const frame = readFrame(reader, head.packs, expected)
        expected = frame.offset + frame.length
        frames.push(frame)
      } else {
        files.push(readFile(reader))
      }
    }
  }
  if (!head || frames.length !== head.frameCount || files.length !== head.fileCount) {
    throw damaged({ file: path, offset: 0, reason: 'it ends too early' })
  }
  return {
    backup: backupOf(head),
    folders: head.folders,
    label: head.label,
    control: Buffer.from(head.control, 'base64'),
    frames,
    files,
  }
}

function readFrame(reader: ByteReader, packs: readonly string[], expected: number): FrameEntry {
  const pack = packs[reader.number()]!
  const offset = reader.signed() + expected
  return { pack, offset, length: reader.number(), rawLength: reader.number() }
}

function readFile(reader: ByteReader): FileEntry {
  const path = reader.text()
  const length = reader.number()
  const mtimeMs = reader.double()
  const size = reader.number()
  if (size === 0) return { path, length, mtimeMs, extents: Extents.none }
  const extents = new ExtentsBuilder()
  let end = 0
  let before = 0
  for (let index = 0; index < size; index++) {
    const block = end + reader.number()
    const count = reader.number()
    const frame = before + reader.signed()
    extents.add({ block, count, frame, at: reader.number() })
    end = block + count
    before = frame
  }
  return { path, length, mtimeMs, extents: extents.build() }
}

async function* decoded(path: string, key: Buffer | undefined): AsyncGenerator<Buffer> {
  const id = basename(path, MANIFEST)
  let index = 0
  for await (const { offset, bytes } of readFrames(path)) {
    if (!bytes || !isFrameIntact(bytes, place(id, index)))
      throw damaged({ file: path, offset, reason: 'its checksum does not match' })
    index++
    yield decodeFrame(bytes, key)
  }
}

function place(id: string, index: number): string {
  return `${id}:${index}`
}

function backupOf({ format, backup }: StoredHead): BaseBackup {
  if (format !== FORMAT) {
    throw new LifeboatError('VaultDamaged', `backup '${backup.id}' has an unknown format`, {
      hint: 'Use the version of Lifeboat that made it.',
    })
  }
  return {
    ...(backup as unknown as BaseBackup),
    startedAt: new Date(String(backup.startedAt)),
    completedAt: new Date(String(backup.completedAt)),
    startLsn: parseLsn(String(backup.startLsn)),
    stopLsn: parseLsn(String(backup.stopLsn)),
  }
}
