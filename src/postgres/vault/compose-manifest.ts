import type { Stored } from './back-up.ts'
import type { SourceFile } from './file-list.ts'
import type { BaseBackup, Extent, FileEntry, FrameEntry, Manifest } from './manifest.ts'
import { PAGE_BYTES } from './page-checksum.ts'
import type { StoreItem } from './worker-messages.ts'

/** Puts together what a backup stored itself and what it takes over from its parent. */
export function composeManifest(o: {
  backup: Omit<BaseBackup, 'clusterBytes'>
  parent: Manifest | undefined
  files: readonly SourceFile[]
  folders: readonly string[]
  items: readonly StoreItem[]
  stored: Stored
  label: string
  control: Buffer
}): Manifest {
  const frames: FrameEntry[] = [...o.stored.frames]
  const takenOver = new Map<number, number>()
  const old = new Map(o.parent?.files.map((file) => [file.path, file]))
  const isPartial = new Map(
    o.items.map((item) => [
      item.file,
      item.blocks !== undefined || item.changedSince !== undefined,
    ]),
  )

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
    const own = (o.stored.extents.get(index) ?? []).sort((a, b) => a.block - b.block)
    const isWhole = isPartial.get(index) === false
    const kept = isWhole
      ? []
      : without(old.get(path)?.extents ?? [], own, Math.ceil(length / PAGE_BYTES))
    const extents = [...own, ...kept.map(takeOver)].sort((a, b) => a.block - b.block)
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

/** The parts of `extents` whose blocks are in none of `newer` and below `limit`. Both are in ascending order. */
export function without(
  extents: readonly Extent[],
  newer: readonly Extent[],
  limit: number,
): Extent[] {
  const left: Extent[] = []
  let next = 0
  for (const extent of extents) {
    let block = extent.block
    const end = Math.min(extent.block + extent.count, limit)
    const keep = (to: number) => {
      if (to <= block) return
      const at = extent.at + (block - extent.block) * PAGE_BYTES
      left.push({ block, count: to - block, frame: extent.frame, at })
    }
    while (next > 0 && newer[next - 1]!.block + newer[next - 1]!.count > block) next--
    for (; next < newer.length && newer[next]!.block < end; next++) {
      const { block: from, count } = newer[next]!
      if (from + count <= block) continue
      keep(from)
      block = Math.max(block, from + count)
    }
    keep(end)
  }
  return left
}
