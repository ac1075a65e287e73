import { statfsSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { LifeboatError } from '../../core/errors.ts'
import { diskFull, isDiskFull } from '../../postgres/folder-failure.ts'

const { errno } = constants

/** Keys are ordered part by part. */
export type SharedKey = readonly (string | number)[]

/**
 * JSON documents that several processes of a home share. They survive `kill -9` of any of them at any moment.
 *
 * A change is a transaction that all processes see at once, or never. Reads are immediate.
 */
export class SharedDatabase {
  private constructor(
    private readonly folder: string,
    private readonly database: RootDatabase<unknown, (string | number)[]>,
  ) {}

  /** @throws LifeboatError `FolderNotUsable`, `DiskFull` */
  static async open(folder: string, name: string): Promise<SharedDatabase> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const path = join(folder, `${name}.mdb`)
      const database = open<unknown, (string | number)[]>({
        path,
        noSubdir: true,
        encoding: 'json',
        // Every commit is on disk when it returns.
        overlappingSync: false,
      })
      for (const file of [path, `${path}-lock`]) await chmod(file, 0o600)
      return new SharedDatabase(folder, database)
    } catch (cause) {
      if (isDiskFull(cause) || isOutOfSpace(cause, folder)) throw diskFull(folder, cause)
      const hint = 'Give this account the right to write there, or use another --home.'
      throw new LifeboatError('FolderNotUsable', `'${folder}' cannot be used`, { hint, cause })
    }
  }

  get<T>(key: SharedKey): T | undefined {
    // Longer keys than the database takes are names of nothing.
    if (Buffer.byteLength(key.join('')) > MAX_KEY_BYTES) return undefined
    return this.database.get([...key]) as T | undefined
  }

  /** The documents whose keys begin with these parts, in the order of the keys. */
  list<T>(prefix: SharedKey, options: { from?: SharedKey; limit?: number } = {}): T[] {
    const { from = prefix, limit } = options
    const range = this.database.getRange({
      start: [...from],
      end: [...prefix, AFTER_ALL],
      ...(limit === undefined ? {} : { limit }),
    })
    return [...range].map(({ value }) => value as T)
  }

  /**
   * Reads and writes at once: nobody writes in between, and when `work` throws nothing has changed. Durable when it
   * returns.
   *
   * @throws LifeboatError `DiskFull`; then nothing has changed either
   */
  change<T>(work: (edit: Edit) => T): T {
    try {
      return this.database.transactionSync(() =>
        work({
          put: (key, document) => void this.database.putSync([...key], document),
          remove: (key) => void this.database.removeSync([...key]),
        }),
      )
    } catch (error) {
      if (isOutOfSpace(error, this.folder)) throw diskFull(this.folder, error)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.database.close()
  }
}

export interface Edit {
  put(key: SharedKey, document: unknown): void
  remove(key: SharedKey): void
}

/** No part of a key is greater. */
const AFTER_ALL = '\uffff'
const MAX_KEY_BYTES = 1500

/** The database tells errors by number; a write that ends early for want of room is an I/O error to it. */
function isOutOfSpace(error: unknown, folder: string): boolean {
  const { code } = error as { code?: unknown }
  if (code === errno.ENOSPC || code === errno.EDQUOT) return true
  if (code !== errno.EIO) return false
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize < ROOM_FOR_A_CHANGE_BYTES
}

const ROOM_FOR_A_CHANGE_BYTES = 1024 * 1024
