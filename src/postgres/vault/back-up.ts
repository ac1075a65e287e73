import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Lsn, parseLsn } from '../../core/lsn.ts'
import { syncFolder } from '../storage/durable-file.ts'
import { isControlIntact } from '../system-identifier.ts'
import { Connection } from '../wire/connection.ts'
import type { ConnectionTarget } from '../wire/connection-target.ts'
import { BLOCKS_PER_SEGMENT, ChangedBlocks } from './changed-blocks.ts'
import { composeManifest } from './compose-manifest.ts'
import { PAGE_BYTES } from './extents.ts'
import { CONTROL_FILE, listFiles, type SourceFile } from './file-list.ts'
import type { BaseBackup, FileEntry, Manifest } from './manifest.ts'
import { backupFailed, discardPacks, storeBlocks } from './store-blocks.ts'
import type { StoreItem, WorkerRequest } from './worker-messages.ts'

export interface BackupSource {
  /** Where its files are; undefined when they are out of reach, and it is asked to send them. */
  readonly dataDirectory?: string | undefined
  readonly target: ConnectionTarget
  readonly major: number
}

export type LocalSource = BackupSource & { readonly dataDirectory: string }

export interface Progress {
  readonly doneBytes: number
  readonly totalBytes: number
}

/** A worker's task is about this much: small enough to share evenly, large enough to be worth a message. */
const TASK_BYTES = 8 << 20
/** A file that was changed this shortly before may change again within the same tick of its clock. */
const RECENT_MS = 2_000
/** Kept by position in shared buffers and flushed without a mark in any page: never trusted to be unchanged. */
const ALWAYS_READ = /^(pg_xact|pg_multixact|pg_commit_ts)\//

/**
 * Takes a base backup of a local cluster by reading its files between `pg_backup_start` and `pg_backup_stop`.
 *
 * @param parent  the backup of which unchanged blocks are taken over; a full backup without one
 * @returns the manifest, not yet written: the packs are durable, the caller makes it a backup (I3)
 */
export async function backUp(o: {
  source: LocalSource
  id: string
  packFolder: string
  parent: Manifest | undefined
  key: Buffer | undefined
  clock: Clock
  onProgress?: ((progress: Progress) => void) | undefined
  signal?: AbortSignal | undefined
}): Promise<Manifest> {
  const startedAt = o.clock.now()
  const connection = await Connection.open({
    ...o.source.target,
    applicationName: 'lifeboat-backup',
  })
  try {
    const start = await begin(connection, o.id)
    const parent = o.parent && isContinuation(o.parent, start) ? o.parent : undefined
    const { files, folders } = await listFiles(o.source.dataDirectory)
    const items = await plan(connection, { ...o, parent, start, files })
    const stored = await storeBlocks({
      ...o,
      dataDirectory: o.source.dataDirectory,
      hasPageChecksums: start.hasPageChecksums,
      tasks: tasksOf(items),
      totalBytes: items.reduce((sum, item) => sum + bytesOf(item), 0),
    })
    const control = await readControlFile(o.source.dataDirectory, o.clock)
    const end = await finish(connection)
    await syncFolder(o.packFolder)
    return composeManifest({
      backup: {
        id: o.id,
        kind: parent ? 'incremental' : 'full',
        startedAt,
        completedAt: end.at,
        timeline: start.timeline,
        startLsn: start.lsn,
        stopLsn: end.lsn,
        storedBytes: stored.storedBytes,
        systemIdentifier: start.systemIdentifier,
        postgresMajor: o.source.major,
        encrypted: o.key !== undefined,
        warnings: stored.warnings,
        recoverySettings: end.recoverySettings,
      },
      parent,
      files,
      folders,
      items,
      stored,
      label: end.label,
      control,
    })
  } catch (error) {
    await discardPacks(o.packFolder, o.id)
    throw o.signal?.aborted ? error : backupFailed(error)
  } finally {
    // Ends the backup mode too, should it not have ended.
    await connection.close()
  }
}

export interface Start {
  readonly lsn: Lsn
  readonly timeline: number
  readonly systemIdentifier: string
  readonly hasPageChecksums: boolean
}

async function begin(connection: Connection, id: string): Promise<Start> {
  const [row] = await connection.query(
    `select pg_backup_start('lifeboat ${id}', true) lsn, current_setting('data_checksums') checksums,
            (select system_identifier from pg_control_system()) system`,
  )
  // The timeline must be read after the checkpoint that the start makes.
  const [checkpoint] = await connection.query('select timeline_id from pg_control_checkpoint()')
  return {
    lsn: parseLsn(row!.lsn!),
    timeline: Number(checkpoint!.timeline_id),
    systemIdentifier: row!.system!,
    hasPageChecksums: row!.checksums === 'on',
  }
}

async function finish(connection: Connection) {
  const [row] = await connection.query(
    `select lsn, labelfile, ceil(extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms
     from pg_backup_stop(false)`,
  )
  return {
    lsn: parseLsn(row!.lsn!),
    label: row!.labelfile!,
    at: new Date(Number(row!.now_ms)),
    recoverySettings: await readRecoverySettings(connection),
  }
}

/** What a server must not undercut while it replays WAL of this one. */
export async function readRecoverySettings(
  connection: Connection,
): Promise<Record<string, string>> {
  const settings = await connection.query(
    `select name, setting from pg_settings where name in ('max_connections', 'max_worker_processes',
       'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')`,
  )
  return Object.fromEntries(settings.map(({ name, setting }) => [name, setting ?? '']))
}

/** Whether what a backup holds is the past of what is there: not when a data directory was put back to before it. */
export function isContinuation({ backup }: Manifest, start: Start): boolean {
  const { systemIdentifier, timeline, stopLsn } = backup
  const isSame = systemIdentifier === start.systemIdentifier && timeline === start.timeline
  return isSame && stopLsn <= start.lsn
}

/** Which parts of which files must be read. */
async function plan(
  connection: Connection,
  o: {
    source: LocalSource
    parent: Manifest | undefined
    start: Start
    files: readonly SourceFile[]
    clock: Clock
  },
): Promise<StoreItem[]> {
  const { parent, files } = o
  const changed =
    parent && o.source.major >= 17
      ? await ChangedBlocks.fromSummaries(connection, {
          timeline: o.start.timeline,
          from: parent.backup.startLsn,
          to: o.start.lsn,
          clock: o.clock,
        })
      : undefined
  const before = new Map(parent?.files.map((file) => [file.path, file]))
  return files.flatMap((file, index) => {
    return itemsFor(file, index, before.get(file.path), parent?.backup, changed)
  })
}

function itemsFor(
  file: SourceFile,
  index: number,
  old: FileEntry | undefined,
  parent: BaseBackup | undefined,
  changed: ChangedBlocks | undefined,
): StoreItem[] {
  const blockCount = Math.ceil(file.length / PAGE_BYTES)
  const whole: StoreItem = {
    file: index,
    path: file.path,
    content: file.relation ? 'pages' : 'bytes',
    blocksBefore: (file.relation?.segment ?? 0) * BLOCKS_PER_SEGMENT,
    firstBlock: 0,
    blockCount,
  }
  if (!old || !parent) return inParts(whole)
  if (!file.relation) {
    const isUnchanged =
      !ALWAYS_READ.test(file.path) &&
      file.length === old.length &&
      file.mtimeMs === old.mtimeMs &&
      file.mtimeMs < parent.startedAt.getTime() - RECENT_MS
    return isUnchanged ? [] : inParts(whole)
  }
  // The free space map is not logged; the visibility map can be cleared without a mark in its page. Both are small.
  if (file.relation.fork !== 'main') return inParts(whole)
  const oldBlockCount = Math.floor(old.length / PAGE_BYTES)
  if (!changed) {
    const changedSince = { lsn: parent.startLsn, orFromBlock: oldBlockCount }
    return inParts({ ...whole, changedSince })
  }
  const blocks = changed.ofSegment(file.relation, blockCount, oldBlockCount)
  if (blocks === 'whole') return inParts(whole)
  // Also without changed blocks: a worker tells the file's length, which may have shrunk.
  return blocks.length === 0 && file.length === old.length ? [] : [{ ...whole, blocks }]
}

function inParts(item: StoreItem): StoreItem[] {
  const step = TASK_BYTES / PAGE_BYTES
  const parts: StoreItem[] = []
  for (let block = 0; block < Math.max(item.blockCount, 1); block += step) {
    parts.push({ ...item, firstBlock: block, blockCount: Math.min(step, item.blockCount - block) })
  }
  return parts
}

function* tasksOf(items: readonly StoreItem[]): Generator<WorkerRequest> {
  let task: StoreItem[] = []
  let bytes = 0
  for (const item of items) {
    task.push(item)
    bytes += bytesOf(item)
    if (bytes < TASK_BYTES) continue
    yield { type: 'do', items: task }
    task = []
    bytes = 0
  }
  if (task.length > 0) yield { type: 'do', items: task }
}

function bytesOf(item: StoreItem): number {
  return (item.blocks?.length ?? item.blockCount) * PAGE_BYTES
}

/**
 * The control file, read last of all, when every change that it speaks of is in the files or in WAL. The server may be
 * writing it at this moment: its own checksum tells.
 */
async function readControlFile(dataDirectory: string, clock: Clock): Promise<Buffer> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const control = await readFile(join(dataDirectory, CONTROL_FILE))
    if (isControlIntact(control)) return control
    await clock.sleep(20)
  }
  throw new LifeboatError('BackupFailed', `the control file of '${dataDirectory}' is damaged`, {
    hint: 'Check the disk that holds the data directory.',
  })
}
