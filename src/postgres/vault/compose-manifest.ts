import { LifeboatError } from '../../core/errors.ts'
import { type Extent, Extents, ExtentsBuilder, PAGE_BYTES } from './extents.ts'
import type { SourceFile } from './file-list.ts'
import type { BaseBackup, FileEntry, FrameEntry, Manifest } from './manifest.ts'
import type { Stored } from './store-blocks.ts'
import type { StoreItem } from './worker-messages.ts'

/** Puts together what a backup stored itself and what it takes over from its parent. */
export function composeManifest(o: {
  backup: Omit<BaseBackup, 'clusterBytes'>
  parent: Manifest | undefined
  files: readonly SourceFile[]
  folders: readonly string[]
  items: readonly Pick<StoreItem, 'file' | 'blocks' | 'changedSince'>[]
  stored: Stored
  label: string
  control: Buffer
}): Manifest {
  const frames: FrameEntry[] = [...o.stored.frames]
  const takenOver = new Map<number, number>()
  const old = new Map(o.parent?.files.map((file) => [file.path, file.extents]))
  const whole = new Set(o.items.filter(isWhole).map(({ file }) => file))

  const takeOver = (extent: Extent): Extent => {
    let frame = takenOver.get(extent.frame)
    if (frame === undefined) {
      frame = frames.push(o.parent!.frames[extent.frame]!) - 1
      takenOver.set(extent.frame, frame)
    }
    return { ...extent, frame }
  }

  const files: FileEntry[] = []
  for (const [index, { path, length: listed, mtimeMs }] of o.files.entries()) {
    const length = o.stored.lengths.get(index) ?? listed
    if (length < 0) continue
    const own = o.stored.extents.get(index)?.build() ?? Extents.none
    const kept = whole.has(index) ? undefined : old.get(path)
    const extents = merged(own, kept, length, takeOver)
    checkComplete(path, length, extents)
    files.push({ path, length, mtimeMs, extents })
  }
  const clusterBytes = files.reduce((sum, { length }) => sum + length, 0)
  return {
    backup: { ...o.backup, clusterBytes },
    folders: o.folders,
    files,
    frames,
    label: o.label,
    control: o.control,
  }
}

function isWhole(item: Pick<StoreItem, 'blocks' | 'changedSince'>): boolean {
  return item.blocks === undefined && item.changedSince === undefined
}

function merged(
  own: Extents,
  old: Extents | undefined,
  length: number,
  takeOver: (extent: Extent) => Extent,
): Extents {
  if (!old) return own
  const extents = new ExtentsBuilder().addAll(own)
  for (const kept of old.without(own, Math.ceil(length / PAGE_BYTES))) extents.add(takeOver(kept))
  return extents.build()
}

/** A block that nobody stored would be restored as zeros, so there is no backup with one. */
function checkComplete(path: string, length: number, extents: Extents): void {
  let end = 0
  for (const { block, count } of extents) {
    if (block !== end) break
    end += count
  }
  if (end * PAGE_BYTES >= length) return
  throw new LifeboatError('BackupFailed', `block ${end} of '${path}' was not stored`, {
    hint: 'Take the backup again; the file was truncated and extended while it was read.',
  })
}
