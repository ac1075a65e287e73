import { statfsSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { diskFull, isDiskFull } from '../../postgres/folder-failure.ts'
import type { AccessKeyRecord, PolicyRecord, RoleRecord, UserRecord } from './records.ts'

const { errno } = constants

/** What IAM keeps, by the name of the collection. */
export interface Collections {
  /** By name in lower case: two names may not differ in case alone. */
  users: UserRecord
  roles: RoleRecord
  /** By ARN. */
  policies: PolicyRecord
  /** By key id. */
  'access-keys': AccessKeyRecord
}

/** A document with those that it replaced and that are still in effect somewhere. Newest first. */
interface Entry<T> {
  readonly document: T | null
  readonly sinceMs: number
  readonly former: readonly { readonly document: T | null; readonly sinceMs: number }[]
}

/** More changes than this within the delay, and the oldest one is taken to be in effect already. */
const MAX_FORMER = 100

/**
 * Users, roles, policies and keys: one directory for all regions of a home, each of which is a process. It
 * survives `kill -9` of any of them at any moment.
 *
 * A change is a transaction that all processes see at once, or never. Reads are immediate.
 */
export class Directory {
  private constructor(
    private readonly folder: string,
    private readonly database: RootDatabase<Entry<unknown>, string[]>,
    private readonly clock: Clock,
    private readonly delayMs: number,
  ) {}

  /**
   * @param delayMs  how long a change takes until requests are decided by it
   * @throws LifeboatError `FolderNotUsable`
   */
  static async open(o: { folder: string; clock: Clock; delayMs: number }): Promise<Directory> {
    try {
      await mkdir(o.folder, { recursive: true, mode: 0o700 })
      const path = join(o.folder, 'directory.mdb')
      const database = open<Entry<unknown>, string[]>({
        path,
        noSubdir: true,
        encoding: 'json',
        // Every commit is on disk when it returns: there are few, and each may take a right away.
        overlappingSync: false,
      })
      for (const file of [path, `${path}-lock`]) await chmod(file, 0o600)
      return new Directory(o.folder, database, o.clock, o.delayMs)
    } catch (cause) {
      if (isDiskFull(cause) || isOutOfSpace(cause, o.folder)) throw diskFull(o.folder, cause)
      const hint = 'Give this account the right to write there, or use another --home.'
      throw new LifeboatError('FolderNotUsable', `'${o.folder}' cannot be used`, { hint, cause })
    }
  }

  get<Name extends keyof Collections>(name: Name, key: string): Collections[Name] | undefined {
    return this.#entry(name, key)?.document ?? undefined
  }

  /** Ordered by key. */
  list<Name extends keyof Collections>(name: Name): Collections[Name][] {
    const range = this.database.getRange({ start: [name], end: [name, '\uffff'] })
    return [...range].flatMap(({ value }) => (value as Entry<Collections[Name]>).document ?? [])
  }

  /** The document by which requests are decided now: that of `delayMs` ago. */
  effective<Name extends keyof Collections>(
    name: Name,
    key: string,
  ): Collections[Name] | undefined {
    const entry = this.#entry(name, key)
    if (!entry || this.delayMs === 0) return entry?.document ?? undefined
    const asOfMs = this.#nowMs() - this.delayMs
    const found = [entry, ...entry.former].find(({ sinceMs }) => sinceMs <= asOfMs)
    return found?.document ?? undefined
  }

  /**
   * Reads and writes at once: nobody writes in between, and when `work` throws nothing has changed. Durable
   * when it returns.
   *
   * @throws LifeboatError `DiskFull`; then nothing has changed either
   */
  change<T>(work: (edit: Edit) => T): T {
    try {
      return this.database.transactionSync(() =>
        work({
          put: (name, key, document) => this.#replace(name, key, document),
          delete: (name, key) => this.#replace(name, key, null),
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

  #entry<Name extends keyof Collections>(name: Name, key: string) {
    // Longer keys than the database takes are names of nothing.
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) return undefined
    return this.database.get([name, key]) as Entry<Collections[Name]> | undefined
  }

  #replace<Name extends keyof Collections>(
    name: Name,
    key: string,
    document: Collections[Name] | null,
  ): void {
    const nowMs = this.#nowMs()
    const before = this.#entry(name, key)
    const past = before
      ? [{ document: before.document, sinceMs: before.sinceMs }, ...before.former]
      : []
    const inEffect = past.findIndex(({ sinceMs }) => sinceMs <= nowMs - this.delayMs)
    const former = this.delayMs === 0 ? [] : past.slice(0, inEffect < 0 ? MAX_FORMER : inEffect + 1)
    if (document === null && former.length === 0) this.database.removeSync([name, key])
    else this.database.putSync([name, key], { document, sinceMs: nowMs, former })
  }

  #nowMs(): number {
    return this.clock.now().getTime()
  }
}

export interface Edit {
  put<Name extends keyof Collections>(name: Name, key: string, document: Collections[Name]): void
  delete(name: keyof Collections, key: string): void
}

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
