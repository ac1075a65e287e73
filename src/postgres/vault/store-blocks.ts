import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import type { Progress } from './back-up.ts'
import { ExtentsBuilder } from './extents.ts'
import type { FrameEntry } from './manifest.ts'
import type { StoreResult, WorkerRequest } from './worker-messages.ts'
import { runOnWorkers } from './worker-pool.ts'

/** What workers stored for one backup. */
export interface Stored {
  readonly frames: FrameEntry[]
  /** By file: the extents that this backup stored. */
  readonly extents: Map<number, ExtentsBuilder>
  /** By file: its length as read; -1 when it was gone. */
  readonly lengths: Map<number, number>
  readonly warnings: string[]
  storedBytes: number
}

/** Has the workers store blocks in packs of this backup, which are durable when it returns. */
export async function storeBlocks(o: {
  id: string
  packFolder: string
  key: Buffer | undefined
  /** Where the files lie; of no meaning when each task brings its bytes along. */
  dataDirectory: string
  hasPageChecksums: boolean
  tasks: Iterable<WorkerRequest> | AsyncIterable<WorkerRequest>
  totalBytes: number
  onProgress?: ((progress: Progress) => void) | undefined
  signal?: AbortSignal | undefined
}): Promise<Stored> {
  const stored: Stored = {
    frames: [],
    extents: new Map(),
    lengths: new Map(),
    warnings: [],
    storedBytes: 0,
  }
  let doneBytes = 0
  const packName = (worker: number) => `${o.id}-${worker}.pack`
  const sizes = await runOnWorkers<StoreResult>({
    session: (worker) => ({
      kind: 'store',
      packPath: join(o.packFolder, packName(worker)),
      packName: packName(worker),
      dataDirectory: o.dataDirectory,
      key: o.key,
      hasPageChecksums: o.hasPageChecksums,
    }),
    tasks: o.tasks,
    onResult: (result, worker) => {
      take(stored, packName(worker), result)
      doneBytes += result.readBytes
      const totalBytes = Math.max(o.totalBytes, doneBytes)
      o.onProgress?.({ doneBytes, totalBytes })
    },
    signal: o.signal,
  })
  stored.storedBytes = sizes.reduce<number>((sum, size) => sum + Number(size), 0)
  return stored
}

/** Removes what a backup that failed has written. */
export async function discardPacks(packFolder: string, id: string): Promise<void> {
  for (const name of await readdir(packFolder)) {
    if (name.startsWith(`${id}-`)) await rm(join(packFolder, name), { force: true })
  }
}

/** Our words for whatever ended a backup. */
export function backupFailed(error: unknown): LifeboatError {
  if (error instanceof LifeboatError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new LifeboatError('BackupFailed', `the backup could not be completed: ${reason}`, {
    hint: 'Look into the log of the server and try again.',
    cause: error,
  })
}

function take(stored: Stored, pack: string, result: StoreResult): void {
  for (const { runs, ...place } of result.frames) {
    const frame = stored.frames.push({ pack, ...place }) - 1
    for (const [file, block, count, at] of runs) {
      const extents = stored.extents.get(file) ?? new ExtentsBuilder()
      extents.add({ block, count, frame, at })
      stored.extents.set(file, extents)
    }
  }
  for (const [file, length] of result.lengths) {
    const known = stored.lengths.get(file)
    stored.lengths.set(
      file,
      known === undefined ? length : length < 0 ? -1 : Math.max(known, length),
    )
  }
  stored.warnings.push(...result.warnings)
}
