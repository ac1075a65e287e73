import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Extent, ExtentsBuilder, PAGE_BYTES } from './extents.ts'
import type { FileEntry, FrameEntry, Manifest } from './manifest.ts'
import { byPlace } from './pack-reader.ts'
import type { RepackItem, RepackResult, WorkerRequest } from './worker-messages.ts'
import { runOnWorkers } from './worker-pool.ts'

/** A pack is copied when this much of it is dead: below, copying costs more than the space is worth. */
const DEAD_SHARE = 0.4
const DEAD_BYTES = 1 << 20
const TASK_BYTES = 8 << 20
/** Bounds the memory that the map of moved pages takes. */
const BYTES_AT_ONCE = 1 << 30

/** Where the pages of packs went: by pack, offset of the frame, and byte in it. */
export type Moves = ReadonlyMap<string, ReadonlyMap<number, ReadonlyMap<number, NewPlace>>>

interface NewPlace {
  readonly frame: FrameEntry
  readonly at: number
}

/**
 * Packs of which so much is dead that what is left of them should be copied: as many as are copied at once. Dead is what
 * no backup needs: whole frames, and pages of frames.
 */
export async function findWastefulPacks(
  manifests: readonly Manifest[],
  packFolder: string,
): Promise<Set<string>> {
  const wasteful = new Set<string>()
  let bytes = 0
  for (const [pack, live] of liveBytesByPack(manifests)) {
    const { size } = await stat(join(packFolder, pack))
    if (size - live < DEAD_BYTES || size - live < size * DEAD_SHARE) continue
    wasteful.add(pack)
    bytes += live
    if (bytes > BYTES_AT_ONCE) break
  }
  return wasteful
}

function liveBytesByPack(manifests: readonly Manifest[]): Map<string, number> {
  const liveSlots = new Map<
    string,
    Map<FrameEntry['offset'], { frame: FrameEntry; mask: number }>
  >()
  for (const { frames, files } of manifests) {
    const marks = new Uint32Array(frames.length)
    for (const { extents } of files) {
      for (const { frame, at, count } of extents) {
        const first = Math.floor(at / PAGE_BYTES)
        for (let slot = first; slot < first + count; slot++) marks[frame]! |= 1 << (slot % 32)
      }
    }
    for (const [index, frame] of frames.entries()) {
      const inPack = liveSlots.get(frame.pack) ?? new Map()
      liveSlots.set(frame.pack, inPack)
      const mask = marks[index]! | (inPack.get(frame.offset)?.mask ?? 0)
      inPack.set(frame.offset, { frame, mask })
    }
  }
  const liveBytes = new Map<string, number>()
  for (const [pack, frames] of liveSlots) {
    let live = 0
    for (const { frame, mask } of frames.values()) {
      live += frame.length * Math.min(1, (onesOf(mask) * PAGE_BYTES) / frame.rawLength)
    }
    liveBytes.set(pack, live)
  }
  return liveBytes
}

function onesOf(mask: number): number {
  let ones = 0
  for (let rest = mask >>> 0; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}

/**
 * Copies what any manifest needs of `packs` into new packs, which are durable when it returns. The caller then writes the
 * manifests anew, and removes the old packs when nobody reads them any more (I3).
 *
 * @throws LifeboatError `VaultDamaged`
 */
export async function repack(o: {
  manifests: readonly Manifest[]
  packs: ReadonlySet<string>
  packFolder: string
  newPackName: (worker: number) => string
  key: Buffer | undefined
  signal?: AbortSignal | undefined
}): Promise<Moves> {
  const live = livePages(o.manifests, (pack) => o.packs.has(pack))
  const items = [...live.values()].flatMap((frames) => [...frames.values()].map(itemOf))
  const moves = new Map<string, Map<number, Map<number, NewPlace>>>()
  for (const pack of live.keys()) moves.set(pack, new Map())
  const asked = new Map<WorkerRequest, readonly RepackItem[]>()
  await runOnWorkers<RepackResult>({
    session: (worker) => ({
      kind: 'repack',
      packName: o.newPackName(worker),
      packPath: join(o.packFolder, o.newPackName(worker)),
      packFolder: o.packFolder,
      key: o.key,
    }),
    tasks: tasksOf(items.sort(byPlace), asked),
    onResult: ({ frames, moved }, worker, request) => {
      const pack = o.newPackName(worker)
      const entries = frames.map((frame) => ({ ...frame, pack }))
      let next = 0
      for (const item of asked.get(request)!) {
        const pages = new Map<number, NewPlace>()
        for (const [at] of item.pieces) {
          const [frame, newAt] = moved[next++]!
          pages.set(at, { frame: entries[frame]!, at: newAt })
        }
        moves.get(item.pack)!.set(item.offset, pages)
      }
      asked.delete(request)
    },
    signal: o.signal,
  })
  return moves
}

/** The same backup, its pages found where they are after a repack; undefined when none of them moved. */
export function withMoves(manifest: Manifest, moves: Moves): Manifest | undefined {
  if (!manifest.frames.some(({ pack }) => moves.has(pack))) return undefined
  const frames: FrameEntry[] = []
  const indexByFrame = new Map<FrameEntry, number>()
  const indexOf = (frame: FrameEntry) => {
    const known = indexByFrame.get(frame)
    if (known !== undefined) return known
    indexByFrame.set(frame, frames.push(frame) - 1)
    return frames.length - 1
  }
  const files = manifest.files.map((file) => {
    const extents = new ExtentsBuilder()
    for (const extent of file.extents) {
      const frame = manifest.frames[extent.frame]!
      const moved = moves.get(frame.pack)?.get(frame.offset)
      if (!moved) {
        extents.add({ ...extent, frame: indexOf(frame) })
        continue
      }
      for (const { block, at } of pagesOf(extent)) {
        const place = moved.get(at)!
        extents.add({ block, count: 1, frame: indexOf(place.frame), at: place.at })
      }
    }
    return { ...file, extents: extents.build() }
  })
  return { ...manifest, frames, files }
}

interface LiveFrame {
  readonly frame: FrameEntry
  /** Length of each live page, by the byte of the frame at which it begins. */
  readonly pages: Map<number, number>
}

function livePages(
  manifests: readonly Manifest[],
  isWanted: (pack: string) => boolean,
): Map<string, Map<number, LiveFrame>> {
  const byPack = new Map<string, Map<number, LiveFrame>>()
  for (const { frames, files } of manifests) {
    for (const file of files) {
      for (const extent of file.extents) {
        const frame = frames[extent.frame]!
        if (isWanted(frame.pack)) addPages(byPack, frame, file, extent)
      }
    }
  }
  return byPack
}

function addPages(
  byPack: Map<string, Map<number, LiveFrame>>,
  frame: FrameEntry,
  file: FileEntry,
  extent: Extent,
): void {
  const inPack = byPack.get(frame.pack) ?? new Map<number, LiveFrame>()
  byPack.set(frame.pack, inPack)
  const live = inPack.get(frame.offset) ?? { frame, pages: new Map<number, number>() }
  inPack.set(frame.offset, live)
  for (const { block, at } of pagesOf(extent)) {
    const length = Math.min(PAGE_BYTES, file.length - block * PAGE_BYTES, frame.rawLength - at)
    live.pages.set(at, Math.max(length, live.pages.get(at) ?? 0))
  }
}

function* pagesOf({ block, count, at }: Extent): Generator<{ block: number; at: number }> {
  for (let index = 0; index < count; index++) {
    yield { block: block + index, at: at + index * PAGE_BYTES }
  }
}

function itemOf({ frame, pages }: LiveFrame): RepackItem {
  return { ...frame, pieces: [...pages].sort(([a], [b]) => a - b) }
}

function* tasksOf(
  items: readonly RepackItem[],
  asked: Map<WorkerRequest, readonly RepackItem[]>,
): Generator<WorkerRequest> {
  let task: RepackItem[] = []
  let bytes = 0
  for (const [index, item] of items.entries()) {
    task.push(item)
    bytes += item.rawLength
    if (bytes < TASK_BYTES && index + 1 < items.length) continue
    const request: WorkerRequest = { type: 'do', items: task }
    asked.set(request, task)
    yield request
    task = []
    bytes = 0
  }
}
