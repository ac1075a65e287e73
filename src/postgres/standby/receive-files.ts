import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkInside } from '../path-inside.ts'
import { giveTo, type ServerAccount } from '../server-account.ts'
import { named } from '../storage/durable-file.ts'
import { TarReader } from '../vault/tar-reader.ts'
import type { BaseBackupStream } from '../wire/base-backup.ts'

/** How much of a file is written at once. */
const WRITE_BYTES = 1 << 20

/**
 * Lays the files of a base backup into a new folder as they come over the wire. What is in it is not durable yet.
 *
 * @throws LifeboatError `DiskFull`, `DatabaseUnreachable`; ServerError. What was written is the caller's to remove
 */
export async function receiveFiles(
  stream: BaseBackupStream,
  o: { into: string; account: ServerAccount | undefined; signal?: AbortSignal | undefined },
): Promise<void> {
  const folders = new Folders(o.into, o.account)
  await folders.ensure('')
  let tar = new TarReader()
  let prefix = ''
  let file: ArrivingFile | undefined
  try {
    for await (const piece of stream.pieces()) {
      o.signal?.throwIfAborted()
      if ('archive' in piece) {
        tar = new TarReader()
        prefix = prefixOf(piece.archive)
        await folders.ensure(prefix)
        continue
      }
      for (const part of tar.feed(piece.bytes)) {
        if ('content' in part) {
          await file?.write(part.content)
          continue
        }
        await file?.close()
        file = undefined
        const { path, kind } = part.entry
        if (path === '' || path === '.') continue
        const place = join(prefix, path)
        if (kind === 'folder') await folders.ensure(place)
        // Tablespaces come in archives of their own and lie in the data directory.
        if (kind === 'file') file = await ArrivingFile.open(folders, place)
      }
    }
    await file?.close()
  } catch (error) {
    await file?.abandon()
    o.signal?.throwIfAborted()
    throw error
  }
}

function prefixOf(archive: string): string {
  const tablespace = /^(\d+)\.tar$/.exec(archive)?.[1]
  return tablespace === undefined ? '' : `pg_tblspc/${tablespace}`
}

class Folders {
  readonly #made = new Set<string>()

  constructor(
    readonly root: string,
    readonly account: ServerAccount | undefined,
  ) {}

  async ensure(path: string): Promise<void> {
    if (this.#made.has(path)) return
    if (path !== '') {
      checkInside(path)
      await this.ensure(dirname(path) === '.' ? '' : dirname(path))
    }
    await mkdir(join(this.root, path), { recursive: true, mode: 0o700 })
    await giveTo(join(this.root, path), this.account)
    this.#made.add(path)
  }
}

class ArrivingFile {
  #pieces: Buffer[] = []
  #bytes = 0

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  static async open({ root, account }: Folders, path: string): Promise<ArrivingFile> {
    checkInside(path)
    const place = join(root, path)
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    try {
      const file = await open(place, flags, 0o600)
      if (account) await file.chown(account.uid, account.gid)
      return new ArrivingFile(place, file)
    } catch (error) {
      throw named(error, place)
    }
  }

  async write(content: Buffer): Promise<void> {
    this.#pieces.push(content)
    this.#bytes += content.length
    if (this.#bytes >= WRITE_BYTES) await this.#flush()
  }

  async close(): Promise<void> {
    await this.#flush()
    await this.file.close()
  }

  async abandon(): Promise<void> {
    await this.file.close()
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#bytes = 0
    try {
      await this.file.appendFile(bytes)
    } catch (error) {
      throw named(error, this.path)
    }
  }
}
