import { readFile } from 'node:fs/promises'
import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts'
import { writeDurably } from '../storage/durable-file.ts'
import { decodeFrame, encodeFrame, isFrameIntact, sliceFrame } from '../storage/frame.ts'

/** A base backup: what a listing shows. */
export interface BaseBackup {
  readonly id: string
  /** Whether it took all blocks or only those that changed. Restoring either is one pass. */
  readonly kind: 'full' | 'incremental'
  readonly startedAt: Date
  /** The server's own time right after the backup's end: the earliest moment that can be restored from it. */
  readonly completedAt: Date
  readonly timeline: number
  readonly startLsn: Lsn
  readonly stopLsn: Lsn
  /** What this backup added to the vault. */
  readonly storedBytes: number
  /** The size of the data directory that it restores to. */
  readonly clusterBytes: number
  readonly systemIdentifier: string
  readonly postgresMajor: number
  readonly encrypted: boolean
  /** Pages that were damaged in the source already: `file block N`. */
  readonly warnings: readonly string[]
  /** Settings of the source that a server must not undercut while it replays this backup's WAL. */
  readonly recoverySettings: Readonly<Record<string, string>>
}

/** Blocks of a file that lie one after the other in one frame: from byte `at` of it. */
export interface Extent {
  readonly block: number
  readonly count: number
  /** Index into the manifest's frames. */
  readonly frame: number
  readonly at: number
}

export interface FileEntry {
  readonly path: string
  readonly length: number
  readonly mtimeMs: number
  readonly extents: readonly Extent[]
}

export interface FrameEntry {
  readonly pack: string
  readonly offset: number
  readonly length: number
}

/** Everything that is needed to restore one backup. It stands alone: no other manifest is read for it. */
export interface Manifest {
  readonly backup: BaseBackup
  readonly folders: readonly string[]
  readonly files: readonly FileEntry[]
  readonly frames: readonly FrameEntry[]
  /** Content of `backup_label`. */
  readonly label: string
  /** Content of `global/pg_control`. */
  readonly control: Buffer
}

interface Stored {
  readonly backup: Record<string, unknown>
  readonly folders: readonly string[]
  readonly label: string
  readonly control: string
  readonly packs: readonly string[]
  readonly frames: readonly number[]
  readonly files: readonly (readonly [
    path: string,
    length: number,
    mtimeMs: number,
    extents: number[],
  ])[]
}

export async function writeManifest(
  path: string,
  manifest: Manifest,
  key: Buffer | undefined,
): Promise<number> {
  const packs = [...new Set(manifest.frames.map(({ pack }) => pack))]
  const packIndex = new Map(packs.map((pack, index) => [pack, index]))
  const stored: Stored = {
    backup: {
      ...manifest.backup,
      startLsn: formatLsn(manifest.backup.startLsn),
      stopLsn: formatLsn(manifest.backup.stopLsn),
    },
    folders: manifest.folders,
    label: manifest.label,
    control: manifest.control.toString('base64'),
    packs,
    frames: manifest.frames.flatMap(({ pack, offset, length }) => [
      packIndex.get(pack)!,
      offset,
      length,
    ]),
    files: manifest.files.map(({ path, length, mtimeMs, extents }) => [
      path,
      length,
      mtimeMs,
      extents.flatMap(({ block, count, frame, at }) => [block, count, frame, at]),
    ]),
  }
  const frame = encodeFrame(Buffer.from(JSON.stringify(stored)), { compress: true, key })
  await writeDurably(path, frame)
  return frame.length
}

/** @throws LifeboatError `VaultDamaged`, `VaultKeyWrong` */
export async function readManifest(path: string, key: Buffer | undefined): Promise<Manifest> {
  const bytes = await readFile(path)
  const frame = sliceFrame(bytes, 0)
  if (!frame || frame.length !== bytes.length || !isFrameIntact(frame)) {
    throw new LifeboatError('VaultDamaged', `'${path}' is damaged`, {
      hint: 'Restore from another backup, and take a full one now.',
    })
  }
  const { backup, folders, label, control, packs, frames, files } = JSON.parse(
    decodeFrame(frame, key).toString(),
  ) as Stored
  return {
    backup: {
      ...(backup as unknown as BaseBackup),
      startedAt: new Date(String(backup.startedAt)),
      completedAt: new Date(String(backup.completedAt)),
      startLsn: parseLsn(String(backup.startLsn)),
      stopLsn: parseLsn(String(backup.stopLsn)),
    },
    folders,
    label,
    control: Buffer.from(control, 'base64'),
    frames: inGroups(frames, 3).map(([pack, offset, length]) => ({
      pack: packs[pack!]!,
      offset: offset!,
      length: length!,
    })),
    files: files.map(([path, length, mtimeMs, extents]) => ({
      path,
      length,
      mtimeMs,
      extents: inGroups(extents, 4).map(([block, count, frame, at]) => ({
        block: block!,
        count: count!,
        frame: frame!,
        at: at!,
      })),
    })),
  }
}

function inGroups(values: readonly number[], size: number): number[][] {
  return Array.from({ length: values.length / size }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  )
}
