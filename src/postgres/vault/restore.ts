import { mkdir, open, truncate, writeFile } from 'node:fs/promises'
import { dirname, join, normalize, sep } from 'node:path'
import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import { giveTo, type ServerAccount } from '../server-account.ts'
import type { Progress } from './back-up.ts'
import { CONTROL_FILE } from './file-list.ts'
import type { Manifest } from './manifest.ts'
import { PAGE_BYTES } from './page-checksum.ts'
import type { RestoreItem, RestoreResult, VaultFault, WorkerRequest } from './worker-messages.ts'
import { runOnWorkers } from './worker-pool.ts'

const TASK_BYTES = 4 << 20

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
      isDryRun: false,
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

/** Reads every frame that backups need and tells what is wrong with any. */
export async function checkFrames(o: {
  manifests: readonly Manifest[]
  packFolder: string
  key: Buffer | undefined
  onProgress?: ((progress: Progress) => void) | undefined
}): Promise<VaultFault[]> {
  const unique = new Map<string, RestoreItem>()
  for (const { frames } of o.manifests) {
    for (const { pack, offset, length } of frames) {
      unique.set(`${pack}:${offset}`, { pack, offset, length, parts: [] })
    }
  }
  const items = [...unique.values()].sort(byPlace)
  const totalBytes = items.reduce((sum, { length }) => sum + length, 0)
  let doneBytes = 0
  const faults: VaultFault[] = []
  await runOnWorkers<RestoreResult & { checkedBytes: number }>({
    session: () => ({
      kind: 'restore',
      into: '',
      paths: [],
      packFolder: o.packFolder,
      key: o.key,
      account: undefined,
      isDryRun: true,
    }),
    tasks: tasksOf(items),
    onResult: (result) => {
      faults.push(...result.faults)
      doneBytes = Math.min(doneBytes + TASK_BYTES, totalBytes)
      o.onProgress?.({ doneBytes, totalBytes })
    },
  })
  return faults
}

/** Folders and files of no length, exact lengths, the label, and last the control file that makes it a cluster. */
async function finishFiles(o: {
  manifest: Manifest
  into: string
  account: ServerAccount | undefined
}): Promise<void> {
  const { manifest, into, account } = o
  for (const { path, length, extents } of manifest.files) {
    const target = join(into, path)
    if (extents.length === 0) await (await open(target, 'a', 0o600)).close()
    const last = extents.at(-1)
    const isExact = last !== undefined && (last.block + last.count) * PAGE_BYTES === length
    if (!isExact) await truncate(target, length)
    if (extents.length === 0) await giveTo(target, account)
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
  const { chown } = await import('node:fs/promises')
  for (const folder of ['', ...manifest.folders, dirname(CONTROL_FILE)]) {
    await chown(join(into, folder), account.uid, account.gid)
  }
}

/** Every live frame once, in the order in which they lie. */
function itemsOf(manifest: Manifest): RestoreItem[] {
  const parts: [number, number, number, number][][] = manifest.frames.map(() => [])
  for (const [index, { length, extents }] of manifest.files.entries()) {
    for (const { block, count, frame, at } of extents) {
      const position = block * PAGE_BYTES
      const bytes = Math.min(count * PAGE_BYTES, length - position)
      if (bytes > 0) parts[frame]!.push([index, position, bytes, at])
    }
  }
  return manifest.frames
    .map((frame, index) => ({ ...frame, parts: parts[index]! }))
    .filter((item) => item.parts.length > 0)
    .sort(byPlace)
}

function byPlace(a: RestoreItem, b: RestoreItem): number {
  return a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1
}

function* tasksOf(items: readonly RestoreItem[]): Generator<WorkerRequest> {
  let task: RestoreItem[] = []
  let bytes = 0
  for (const item of items) {
    task.push(item)
    bytes += item.length
    if (bytes < TASK_BYTES && task.length < 64) continue
    yield { type: 'restore', items: task }
    task = []
    bytes = 0
  }
  if (task.length > 0) yield { type: 'restore', items: task }
}

/** A manifest could come from somebody else: nothing is ever written outside of the folder that was named. */
function checkInside(path: string): void {
  const isInside = path !== '' && !path.startsWith(sep) && !normalize(path).startsWith('..')
  if (isInside) return
  assert(typeof path === 'string', 'a path is text')
  throw new LifeboatError(
    'VaultDamaged',
    `the backup names a file outside of its folder: '${path}'`,
  )
}
