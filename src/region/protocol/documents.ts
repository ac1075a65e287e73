import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'

/**
 * Durable JSON documents: the state of a region's services. It survives `kill -9` at any moment.
 *
 * A document is a file, `<folder>/<collection>/<hash of key>.json`. It is replaced whole: written beside,
 * fsynced, renamed, and its folder fsynced; only then do readers see it, and only then does `put` return.
 * All documents are held in memory, so reads are immediate. One process owns the folder (I9).
 */
export class DocumentStore {
  readonly #folder: string
  readonly #collections = new Map<string, Map<string, string>>()
  readonly #writes = new Map<string, Promise<void>>()
  #temporary = 0

  private constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Opens the folder, makes it if need be, and drops what a killed process left half-written.
   *
   * @throws LifeboatError `FolderNotUsable`, `StateDamaged`
   */
  static async open(folder: string): Promise<DocumentStore> {
    const store = new DocumentStore(folder)
    await told(folder, () => store.#load())
    return store
  }

  /** The document, a copy of its own, or undefined. */
  get<T>(collection: string, key: string): T | undefined {
    const text = this.#collections.get(collection)?.get(key)
    return text === undefined ? undefined : JSON.parse(text)
  }

  /** All documents of a collection, ordered by key. */
  list<T>(collection: string): T[] {
    const entries = [...(this.#collections.get(collection) ?? [])]
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => JSON.parse(text))
  }

  /**
   * Stores or replaces a document; durable when it resolves. Writes to one key happen in the order of the calls.
   *
   * @throws LifeboatError `DiskFull`, `FolderNotUsable`; the former document is then still there.
   */
  async put(collection: string, key: string, document: unknown): Promise<void> {
    const text = JSON.stringify(document)
    await this.#inOrder(collection, key, async (file) => {
      await this.#write(file, JSON.stringify({ key, document }))
      this.#collection(collection).set(key, text)
    })
  }

  /** Deletes a document, durably. Safe to call again. */
  async delete(collection: string, key: string): Promise<void> {
    await this.#inOrder(collection, key, async (file) => {
      await rm(file, { force: true })
      await syncFolder(join(this.#folder, collection))
      this.#collection(collection).delete(key)
    })
  }

  async #inOrder(
    collection: string,
    key: string,
    write: (file: string) => Promise<void>,
  ): Promise<void> {
    assert(/^[a-z][a-z-]*$/.test(collection), 'a collection is named in kebab-case')
    const name = createHash('sha256').update(key).digest('hex').slice(0, 40)
    const file = join(this.#folder, collection, `${name}.json`)
    const before = this.#writes.get(file) ?? Promise.resolve()
    const after = before.then(async () => {
      if (!this.#collections.has(collection)) await this.#makeCollection(collection)
      await told(file, () => write(file))
    })
    // The next write of this key must happen whether or not this one failed.
    const settled = after.then(
      () => undefined,
      () => undefined,
    )
    this.#writes.set(file, settled)
    await after.finally(() => {
      if (this.#writes.get(file) === settled) this.#writes.delete(file)
    })
  }

  async #write(file: string, text: string): Promise<void> {
    this.#temporary += 1
    const temporary = `${file}.${this.#temporary}.tmp`
    try {
      const handle = await open(temporary, 'wx', 0o600)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(temporary, file)
      await syncFolder(join(file, '..'))
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  #collection(name: string): Map<string, string> {
    const existing = this.#collections.get(name)
    if (existing) return existing
    const made = new Map<string, string>()
    this.#collections.set(name, made)
    return made
  }

  async #makeCollection(name: string): Promise<void> {
    const folder = join(this.#folder, name)
    await told(folder, async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await syncFolder(this.#folder)
    })
    this.#collection(name)
  }

  async #load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    for (const entry of await readdir(this.#folder, { withFileTypes: true })) {
      if (entry.isDirectory()) await this.#loadCollection(entry.name)
    }
  }

  async #loadCollection(name: string): Promise<void> {
    const folder = join(this.#folder, name)
    const documents = this.#collection(name)
    for (const file of await readdir(folder)) {
      if (file.endsWith('.tmp')) await rm(join(folder, file), { force: true })
      if (!file.endsWith('.json')) continue
      const { key, document } = parse(
        await readFile(join(folder, file), 'utf8'),
        join(folder, file),
      )
      documents.set(key, JSON.stringify(document))
    }
  }
}

function parse(text: string, file: string): { key: string; document: unknown } {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new LifeboatError('StateDamaged', `'${file}' is not what was written there`, {
      hint: 'Put the file back from a backup, or remove it to lose that resource.',
      cause,
    })
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Tells a full disk and an unusable folder apart from everything else. */
async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      const hint = 'Free some space and try again.'
      throw new LifeboatError('DiskFull', `no space is left to write '${path}'`, { hint, cause })
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
      const hint = 'Give this account the right to read and write there, or use another --home.'
      throw new LifeboatError('FolderNotUsable', `'${path}' cannot be used`, { hint, cause })
    }
    throw cause
  }
}
