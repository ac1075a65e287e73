import { chown, mkdir, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkInside } from '../path-inside.ts'
import { giveTo, type ServerAccount } from '../server-account.ts'
import type { Progress } from './back-up.ts'
import { PAGE_BYTES } from './extents.ts'
import { CONTROL_FILE } from './file-list.ts'
import type { FileEntry, Manifest } from './manifest.ts'
import { byPlace } from './pack-reader.ts'
import type { RestoreItem, RestoreResult, WorkerRequest } from './worker-messages.ts'
import { runOnWorkers } from './worker-pool.ts'

const TASK_BYTES = 4 << 20
const FILES_AT_ONCE = 64

/**
 * Writes a backup's files into an empty folder: one pass over the packs, each worker scattering the parts that are still
 * live to where they belong.
 *
 * The files are not synced here: PostgreSQL syncs its whole data directory when it starts a recovery.
 *
 * @throws LifeboatError `VaultDamaged` naming file and offset. What was written so far is the caller's to remove
 */
export async function restoreFiles(o: {
  manifest: Manifest
  packFolder: string
  into: string
  key: Buffer | undefined
  account: ServerAccount | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  signal?: AbortSignal | undefined
}): Promise<void> {
  const { manifest, into } = o
  for (const path of [...manifest.folders, ...manifest.files.map((file) => file.path)])
    checkInside(path)
  await mkdir(into, { recursive: true, mode: 0o700 })
  for (const folder of [...manifest.folders].sort()) {
    await mkdir(join(into, folder), { recursive: true, mode: 0o700 })
  }
  const totalBytes = manifest.backup.clusterBytes
  let doneBytes = 0
  await runOnWorkers<RestoreResult>({
    session: () => ({
      kind: 'restore',
      into,
      paths: manifest.files.map((file) => file.path),
      packFolder: o.packFolder,
      key: o.key,
      account: o.account,
    }),
    tasks: tasksOf(itemsOf(manifest)),
    onResult: ({ writtenBytes }) => {
      doneBytes += writtenBytes
      o.onProgress?.({ doneBytes: Math.min(doneBytes, totalBytes), totalBytes })
    },
    signal: o.signal,
  })
  await finishFiles(o)
}

/** Folders and files of no length, exact lengths, the label, and last the control file that makes it a cluster. */
async function finishFiles(o: {
  manifest: Manifest
  into: string
  account: ServerAccount | undefined
}): Promise<void> {
  const { manifest, into, account } = o
  for (let first = 0; first < manifest.files.length; first += FILES_AT_ONCE) {
    const some = manifest.files.slice(first, first + FILES_AT_ONCE)
    await Promise.all(some.map((file) => finishFile(file, into, account)))
  }
  for (const [path, content] of [
    ['backup_label', manifest.label],
    [CONTROL_FILE, manifest.control],
  ] as const) {
    await mkdir(dirname(join(into, path)), { recursive: true, mode: 0o700 })
    await writeFile(join(into, path), content, { mode: 0o600 })
    await giveTo(join(into, path), account)
  }
  if (!account) return
  for (const folder of ['', ...manifest.folders, dirname(CONTROL_FILE)]) {
    await chown(join(into, folder), account.uid, account.gid)
  }
}

async function finishFile(
  { path, length, extents }: FileEntry,
  into: string,
  account: ServerAccount | undefined,
): Promise<void> {
  const target = join(into, path)
  if (length === 0) {
    await writeFile(target, '', { mode: 0o600 })
    await giveTo(target, account)
  } else if (extents.end * PAGE_BYTES !== length) {
    await truncate(target, length)
  }
}

/** Every live frame once, in the order in which they lie, with what of it goes where. */
function* itemsOf({ frames, files }: Manifest): Generator<RestoreItem> {
  const [starts, users] = extentsByFrame(frames.length, files)
  const order = frames.map((_, index) => index).sort((a, b) => byPlace(frames[a]!, frames[b]!))
  for (const frame of order) {
    const parts: [number, number, number, number][] = []
    for (let user = starts[frame]!; user < starts[frame + 1]!; user++) {
      const file = users[user * 2]!
      const { block, count, at } = files[file]!.extents.get(users[user * 2 + 1]!)
      const position = block * PAGE_BYTES
      const bytes = Math.min(count * PAGE_BYTES, files[file]!.length - position)
      if (bytes > 0) parts.push([file, position, bytes, at])
    }
    if (parts.length > 0) yield { ...frames[frame]!, parts }
  }
}

/** For each frame, which extents (as file, index) lie in it: those from `starts[frame]` to `starts[frame + 1]` of `users`. */
function extentsByFrame(frames: number, files: readonly FileEntry[]): [Uint32Array, Uint32Array] {
  const starts = new Uint32Array(frames + 1)
  for (const { extents } of files) {
    for (let index = 0; index < extents.size; index++) starts[extents.frame(index) + 1]!++
  }
  for (let frame = 0; frame < frames; frame++) starts[frame + 1]! += starts[frame]!
  const next = starts.slice()
  const users = new Uint32Array(starts[frames]! * 2)
  for (const [file, { extents }] of files.entries()) {
    for (let index = 0; index < extents.size; index++) {
      const user = next[extents.frame(index)]!++
      users[user * 2] = file
      users[user * 2 + 1] = index
    }
  }
  return [starts, users]
}

function* tasksOf(items: Iterable<RestoreItem>): Generator<WorkerRequest> {
  let task: RestoreItem[] = []
  let bytes = 0
  for (const item of items) {
    task.push(item)
    bytes += item.length
    if (bytes < TASK_BYTES && task.length < 64) continue
    yield { type: 'do', items: task }
    task = []
    bytes = 0
  }
  if (task.length > 0) yield { type: 'do', items: task }
}
