import type { Clock } from '../../core/clock.ts'
import { type Edit as DatabaseEdit, SharedDatabase } from '../protocol/shared-database.ts'
import type { AccessKeyRecord, PolicyRecord, RoleRecord, UserRecord } from './records.ts'

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

/** Users, roles, policies and keys: one directory for all processes of a home. */
export class Directory {
  private constructor(
    private readonly database: SharedDatabase,
    private readonly clock: Clock,
    private readonly delayMs: number,
  ) {}

  /**
   * @param delayMs  how long a change takes until requests are decided by it
   * @throws LifeboatError `FolderNotUsable`
   */
  static async open(o: { folder: string; clock: Clock; delayMs: number }): Promise<Directory> {
    const database = await SharedDatabase.open(o.folder, 'directory')
    return new Directory(database, o.clock, o.delayMs)
  }

  get<Name extends keyof Collections>(name: Name, key: string): Collections[Name] | undefined {
    return this.#entry(name, key)?.document ?? undefined
  }

  /** Ordered by key. */
  list<Name extends keyof Collections>(name: Name): Collections[Name][] {
    const entries = this.database.list<Entry<Collections[Name]>>([name])
    return entries.flatMap(({ document }) => document ?? [])
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
    return this.database.change((edit) =>
      work({
        put: (name, key, document) => this.#replace(edit, name, key, document),
        delete: (name, key) => this.#replace(edit, name, key, null),
      }),
    )
  }

  async close(): Promise<void> {
    await this.database.close()
  }

  #entry<Name extends keyof Collections>(name: Name, key: string) {
    return this.database.get<Entry<Collections[Name]>>([name, key])
  }

  #replace<Name extends keyof Collections>(
    edit: DatabaseEdit,
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
    if (document === null && former.length === 0) edit.remove([name, key])
    else edit.put([name, key], { document, sinceMs: nowMs, former })
  }

  #nowMs(): number {
    return this.clock.now().getTime()
  }
}

export interface Edit {
  put<Name extends keyof Collections>(name: Name, key: string, document: Collections[Name]): void
  delete(name: keyof Collections, key: string): void
}
