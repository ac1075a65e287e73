import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Progress } from './back-up.ts'
import type { FrameEntry, Manifest } from './manifest.ts'
import { byPlace } from './pack-reader.ts'
import type { CheckItem, CheckResult, VaultFault, WorkerRequest } from './worker-messages.ts'
import { runOnWorkers } from './worker-pool.ts'

const TASK_BYTES = 8 << 20

/**
 * Reads every byte of every pack: the frames that backups need, decoded with them, and the frames between, which wait to be
 * compacted away. A pack that is missing, cut off or longer than what was written shows too.
 *
 * @param isUnderWay  tells packs that are being written at this moment
 */
export async function checkPacks(o: {
  manifests: readonly Manifest[]
  packFolder: string
  key: Buffer | undefined
  isUnderWay: (pack: string) => boolean
  onProgress?: ((progress: Progress) => void) | undefined
  signal?: AbortSignal | undefined
}): Promise<VaultFault[]> {
  const items: CheckItem[] = []
  const neededByPack = framesByPack(o.manifests)
  for (const pack of new Set([...neededByPack.keys(), ...(await readdir(o.packFolder))])) {
    if (o.isUnderWay(pack)) continue
    items.push(...itemsOf(pack, neededByPack.get(pack), await sizeOf(join(o.packFolder, pack))))
  }
  const totalBytes = items.reduce((sum, { length }) => sum + length, 0)
  let doneBytes = 0
  const faults: VaultFault[] = []
  await runOnWorkers<CheckResult>({
    session: () => ({ kind: 'check', packFolder: o.packFolder, key: o.key }),
    tasks: tasksOf(items),
    onResult: (result) => {
      faults.push(...result.faults)
      doneBytes = Math.min(doneBytes + TASK_BYTES, totalBytes)
      o.onProgress?.({ doneBytes, totalBytes })
    },
    signal: o.signal,
  })
  return faults.sort((a, b) => (a.file === b.file ? a.offset - b.offset : a.file < b.file ? -1 : 1))
}

/** The frames that backups need, by pack and offset. */
export function framesByPack(manifests: readonly Manifest[]): Map<string, Map<number, FrameEntry>> {
  const byPack = new Map<string, Map<number, FrameEntry>>()
  for (const { frames } of manifests) {
    for (const frame of frames) {
      const inPack = byPack.get(frame.pack) ?? new Map<number, FrameEntry>()
      inPack.set(frame.offset, frame)
      byPack.set(frame.pack, inPack)
    }
  }
  return byPack
}

function itemsOf(
  pack: string,
  needed: ReadonlyMap<number, FrameEntry> | undefined,
  size: number,
): CheckItem[] {
  const items: CheckItem[] = []
  let at = 0
  for (const { offset, length } of [...(needed?.values() ?? [])].sort(byPlace)) {
    if (offset > at) items.push({ pack, offset: at, length: offset - at, isNeeded: false })
    items.push({ pack, offset, length, isNeeded: true })
    at = offset + length
  }
  if (size > at) items.push({ pack, offset: at, length: size - at, isNeeded: false })
  return items
}

function* tasksOf(items: Iterable<CheckItem>): Generator<WorkerRequest> {
  let task: CheckItem[] = []
  let bytes = 0
  for (const item of items) {
    task.push(item)
    bytes += item.length
    if (bytes < TASK_BYTES) continue
    yield { type: 'do', items: task }
    task = []
    bytes = 0
  }
  if (task.length > 0) yield { type: 'do', items: task }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}
