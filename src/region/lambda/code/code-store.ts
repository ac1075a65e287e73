import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeDurably } from '../../../postgres/storage/durable-file.ts'
import { readPackage } from './package.ts'

/**
 * The deployment packages of functions, durable, and the folders that they are unpacked to when a function is first called.
 *
 *     packages/ID.zip
 *     unpacked/ID/code/…
 *
 * Unlike AWS: every file of a package may be executed, whatever its mode in the package is.
 */
export class CodeStore {
  readonly #unpacked = new Map<string, Promise<string>>()

  private constructor(private readonly folder: string) {}

  /** Opens the folder and drops what belongs to no function, as a killed process leaves behind. */
  static async open(folder: string, ids: ReadonlySet<string>): Promise<CodeStore> {
    const store = new CodeStore(folder)
    await rm(join(folder, 'unpacked'), { recursive: true, force: true })
    await mkdir(join(folder, 'unpacked'), { recursive: true, mode: 0o711 })
    await mkdir(join(folder, 'packages'), { recursive: true, mode: 0o700 })
    for (const file of await readdir(join(folder, 'packages'))) {
      const isKept = file.endsWith('.zip') && ids.has(file.slice(0, -'.zip'.length))
      if (!isKept) await rm(join(folder, 'packages', file), { force: true })
    }
    return store
  }

  /** Durable when it resolves. @throws LifeboatError `DiskFull`, `FolderNotUsable` */
  async put(id: string, zip: Uint8Array): Promise<void> {
    await writeDurably(this.#package(id), Buffer.from(zip))
  }

  async delete(id: string): Promise<void> {
    await rm(this.#package(id), { force: true })
    this.#unpacked.delete(id)
    await rm(this.#unpackedFolder(id), { recursive: true, force: true })
  }

  /** Where the files of a function are. */
  async unpacked(id: string): Promise<string> {
    const unpacking = this.#unpacked.get(id) ?? this.#unpack(id)
    this.#unpacked.set(id, unpacking)
    try {
      return await unpacking
    } catch (error) {
      // A disk that is full today need not be full tomorrow.
      this.#unpacked.delete(id)
      throw error
    }
  }

  async #unpack(id: string): Promise<string> {
    const files = readPackage(await readFile(this.#package(id)))
    const unfinished = `${this.#unpackedFolder(id)}.new`
    const code = join(unfinished, 'code')
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(code, { recursive: true, mode: 0o755 })
    // Else node would look further up for one, and may find that of a program in whose folder the home is.
    await writeFile(join(unfinished, 'package.json'), '{}', { mode: 0o644 })
    for (const { path, bytes } of files) {
      const file = join(code, path)
      await mkdir(dirname(file), { recursive: true, mode: 0o755 })
      await writeFile(file, bytes, { mode: 0o755 })
    }
    await rename(unfinished, this.#unpackedFolder(id))
    return join(this.#unpackedFolder(id), 'code')
  }

  #package(id: string): string {
    return join(this.folder, 'packages', `${id}.zip`)
  }

  #unpackedFolder(id: string): string {
    return join(this.folder, 'unpacked', id)
  }
}
