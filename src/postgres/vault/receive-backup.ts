import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Lsn } from '../../core/lsn.ts'
import { syncFolder } from '../storage/durable-file.ts'
import { BaseBackupStream } from '../wire/base-backup.ts'
import { Connection } from '../wire/connection.ts'
import type { ConnectionTarget } from '../wire/connection-target.ts'
import { isContinuation, type Progress, readRecoverySettings, type Start } from './back-up.ts'
import { BLOCKS_PER_SEGMENT } from './changed-blocks.ts'
import { composeManifest } from './compose-manifest.ts'
import { PAGE_BYTES } from './extents.ts'
import { CONTROL_FILE, isExcluded, relationOf, type SourceFile } from './file-list.ts'
import type { Manifest } from './manifest.ts'
import { backupFailed, discardPacks, storeBlocks } from './store-blocks.ts'
import { type TarEntry, TarReader } from './tar-reader.ts'
import type { StoreItem, WorkerRequest } from './worker-messages.ts'

/** What is handed to a worker at once; a whole number of pages. */
const TASK_BYTES = 4 << 20
const LABEL_FILE = 'backup_label'

/**
 * Takes a base backup of a server whose files are out of reach, over the replication protocol.
 *
 * All of it comes over the wire. With a parent, blocks whose own position says that they did not change since are dropped on
 * arrival, so that what is stored is as small as that of a local incremental.
 */
export async function receiveBackup(o: {
  target: ConnectionTarget
  major: number
  id: string
  packFolder: string
  parent: Manifest | undefined
  key: Buffer | undefined
  clock: Clock
  onProgress?: ((progress: Progress) => void) | undefined
  signal?: AbortSignal | undefined
}): Promise<Manifest> {
  const startedAt = o.clock.now()
  const connection = await Connection.open({ ...o.target, applicationName: 'lifeboat-backup' })
  let stream: BaseBackupStream | undefined
  try {
    const [facts] = await connection.query(
      `select (select system_identifier from pg_control_system()) system, current_setting('data_checksums') checksums,
              (select sum(pg_database_size(oid)) from pg_database) bytes`,
    )
    // Checksums are verified by the workers, who can go on when one is wrong.
    stream = await BaseBackupStream.begin(o.target, `lifeboat ${o.id}`)
    const start: Start = {
      lsn: stream.startLsn,
      timeline: stream.timeline,
      systemIdentifier: facts!.system!,
      hasPageChecksums: facts!.checksums === 'on',
    }
    const parent = o.parent && isContinuation(o.parent, start) ? o.parent : undefined
    const files = new ReceivedFiles(start.lsn, parent)
    const stored = await storeBlocks({
      ...o,
      dataDirectory: '',
      hasPageChecksums: start.hasPageChecksums,
      tasks: files.tasksFrom(stream),
      totalBytes: Number(facts!.bytes),
    })
    const [now] = await connection.query(
      'select ceil(extract(epoch from clock_timestamp()) * 1000)::bigint as ms',
    )
    await syncFolder(o.packFolder)
    return composeManifest({
      backup: {
        id: o.id,
        kind: parent ? 'incremental' : 'full',
        startedAt,
        completedAt: new Date(Number(now!.ms)),
        timeline: start.timeline,
        startLsn: start.lsn,
        stopLsn: stream.stopLsn,
        storedBytes: stored.storedBytes,
        systemIdentifier: start.systemIdentifier,
        postgresMajor: o.major,
        encrypted: o.key !== undefined,
        warnings: stored.warnings,
        recoverySettings: await readRecoverySettings(connection),
      },
      parent,
      files: files.files,
      folders: files.folders,
      items: files.items,
      stored,
      label: files.fileAt(LABEL_FILE).toString(),
      control: files.fileAt(CONTROL_FILE),
    })
  } catch (error) {
    await discardPacks(o.packFolder, o.id)
    throw o.signal?.aborted ? error : backupFailed(error)
  } finally {
    stream?.destroy()
    await connection.close()
  }
}

/** Turns archives into files, folders and tasks for workers, as they arrive. */
class ReceivedFiles {
  readonly files: SourceFile[] = []
  readonly folders: string[] = []
  readonly items: Omit<StoreItem, 'bytes'>[] = []
  /** Small files that are not stored as blocks. */
  readonly #apart = new Map<string, Buffer[]>([
    [LABEL_FILE, []],
    [CONTROL_FILE, []],
  ])
  readonly #oldLength: ReadonlyMap<string, number>

  constructor(
    private readonly startLsn: Lsn,
    private readonly parent: Manifest | undefined,
  ) {
    this.#oldLength = new Map(parent?.files.map(({ path, length }) => [path, length]))
  }

  fileAt(path: string): Buffer {
    const content = Buffer.concat(this.#apart.get(path) ?? [])
    if (content.length > 0) return content
    throw new LifeboatError('BackupFailed', `the server sent no '${path}'`)
  }

  async *tasksFrom(stream: BaseBackupStream): AsyncGenerator<WorkerRequest> {
    let tar = new TarReader()
    let prefix = ''
    let current: Current | undefined
    let task: StoreItem[] = []
    let bytes = 0
    for await (const piece of stream.pieces()) {
      if ('archive' in piece) {
        tar = new TarReader()
        prefix = this.#begin(piece.archive)
        continue
      }
      for (const part of tar.feed(piece.bytes)) {
        if ('entry' in part) {
          if (current) task.push(...current.rest())
          current = this.#open(part.entry, prefix)
          continue
        }
        const item = current?.take(part.content)
        bytes += part.content.length
        if (item) task.push(item)
        if (bytes < TASK_BYTES || task.length === 0) continue
        yield { type: 'do', items: task }
        task = []
        bytes = 0
      }
    }
    if (current) task.push(...current.rest())
    if (task.length > 0) yield { type: 'do', items: task }
  }

  #begin(archive: string): string {
    const tablespace = /^(\d+)\.tar$/.exec(archive)?.[1]
    if (tablespace === undefined) return ''
    this.folders.push(`pg_tblspc/${tablespace}`)
    return `pg_tblspc/${tablespace}/`
  }

  #open({ path: name, kind, length, mtimeMs }: TarEntry, prefix: string): Current | undefined {
    const path = prefix + name
    if (kind === 'folder' && name !== '' && name !== '.') this.folders.push(path)
    if (kind !== 'file') return undefined
    const apart = this.#apart.get(path)
    if (apart) return new FileApart(apart)
    if (isExcluded(path, path.slice(path.lastIndexOf('/') + 1)) || path.startsWith('pg_wal/')) {
      return undefined
    }
    const relation = relationOf(path)
    const file = this.files.push({ path, length, mtimeMs, relation }) - 1
    const oldLength = this.#oldLength.get(path)
    const isComparable = relation?.fork === 'main' && this.parent && oldLength !== undefined
    const item: Omit<StoreItem, 'bytes'> = {
      file,
      path,
      content: relation ? 'pages' : 'bytes',
      blocksBefore: (relation?.segment ?? 0) * BLOCKS_PER_SEGMENT,
      firstBlock: 0,
      blockCount: Math.ceil(length / PAGE_BYTES),
      startLsn: this.startLsn,
      ...(isComparable
        ? {
            changedSince: {
              lsn: this.parent!.backup.startLsn,
              orFromBlock: Math.floor(oldLength / PAGE_BYTES),
            },
          }
        : {}),
    }
    this.items.push(item)
    return new ArrivingFile(item, length)
  }
}

/** The entry whose content is arriving. */
interface Current {
  /** A piece of it; an item when enough has come together. */
  take(content: Buffer): StoreItem | undefined
  /** What is left at its end. */
  rest(): StoreItem[]
}

/** A file that is kept whole, in memory. */
class FileApart implements Current {
  constructor(private readonly pieces: Buffer[]) {}

  take(content: Buffer): undefined {
    this.pieces.push(Buffer.from(content))
  }

  rest(): StoreItem[] {
    return []
  }
}

class ArrivingFile implements Current {
  #pieces: Buffer[] = []
  #length = 0
  #block = 0

  constructor(
    private readonly item: Omit<StoreItem, 'bytes'>,
    private readonly fileLength: number,
  ) {}

  take(content: Buffer): StoreItem | undefined {
    this.#pieces.push(content)
    this.#length += content.length
    return this.#length >= TASK_BYTES ? this.#cut(TASK_BYTES) : undefined
  }

  rest(): StoreItem[] {
    const isUntouched = this.#block === 0 && this.fileLength === 0
    return this.#length > 0 || isUntouched ? [this.#cut(this.#length)] : []
  }

  #cut(length: number): StoreItem {
    const all = Buffer.concat(this.#pieces)
    const bytes = all.subarray(0, length)
    const left = Buffer.from(all.subarray(length))
    this.#pieces = left.length > 0 ? [left] : []
    this.#length = left.length
    const firstBlock = this.#block
    const blockCount = Math.ceil(length / PAGE_BYTES)
    this.#block += blockCount
    return { ...this.item, firstBlock, blockCount, bytes }
  }
}
