import { readFileSync } from 'node:fs'
import { link, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../../core/random.ts'
import type { Bucket } from '../../objectstore/bucket.ts'
import { diskFull } from '../../objectstore/group-commit.ts'
import type { ObjectStore } from '../../objectstore/object-store.ts'
import { syncFolder } from '../../objectstore/sync-folder.ts'
import { isBucketName } from './address.ts'
import { S3Fault } from './faults.ts'

/** What every region of a home knows of a bucket, also while the bucket's own region is away. */
export interface BucketEntry {
  readonly region: string
  readonly versioning: Bucket['versioning']
  /** Not there while the name is taken and the bucket is still being made. */
  readonly createdAtMs?: number
}

/**
 * Where the buckets of all regions of a home are: a file for each, named after it, so that a name is taken once.
 *
 * The bucket itself is the truth, and its region brings the directory in line when it opens.
 */
export class BucketDirectory {
  /** Names of which a bucket is being made or deleted. */
  readonly #changing = new Set<string>()

  private constructor(
    private readonly o: { folder: string; region: string; random: Random },
    private readonly store: ObjectStore,
  ) {}

  /** @param o.folder  shared by the regions of a home */
  static async open(
    o: { folder: string; region: string; random: Random },
    store: ObjectStore,
  ): Promise<BucketDirectory> {
    await mkdir(o.folder, { recursive: true, mode: 0o700 })
    const directory = new BucketDirectory(o, store)
    for (const { name, region } of await directory.list()) {
      if (region === o.region && !store.findBucket(name)) await directory.#remove(name)
    }
    for (const bucket of store.listBuckets()) {
      if (await directory.#claim(bucket.name)) await directory.tell(bucket)
    }
    return directory
  }

  find(name: string): BucketEntry | undefined {
    return findBucketEntry(this.o.folder, name)
  }

  /** By name, with those that are still being made. */
  async list(): Promise<(BucketEntry & { readonly name: string })[]> {
    const files = await readdir(this.o.folder)
    const names = files.flatMap((file) => /^(.*)\.json$/.exec(file)?.[1] ?? [])
    return names.sort().flatMap((name) => {
      const entry = this.find(name)
      return entry ? [{ name, ...entry }] : []
    })
  }

  /**
   * Makes a bucket of a name that nobody has. If it cannot be made, the name is free again.
   *
   * @throws S3Fault `OperationAborted`
   * @returns undefined when a bucket of any region has the name
   */
  async create(name: string, make: () => Promise<Bucket>): Promise<Bucket | undefined> {
    return await this.#alone(name, async () => {
      if (this.store.findBucket(name) || !(await this.#claim(name))) return undefined
      try {
        const bucket = await make()
        await this.tell(bucket)
        return bucket
      } catch (error) {
        if (this.store.findBucket(name)) await this.store.deleteBucket(name)
        await this.#remove(name)
        throw error
      }
    })
  }

  /** Deletes a bucket and frees its name. @throws S3Fault `OperationAborted`, and what the store throws */
  async delete(name: string): Promise<void> {
    await this.#alone(name, async () => {
      await this.store.deleteBucket(name)
      await this.#remove(name)
    })
  }

  /** Tells the others what the bucket is like now. */
  async tell({ name, versioning, createdAt }: Bucket): Promise<void> {
    const entry = { region: this.o.region, versioning, createdAtMs: createdAt.getTime() }
    const file = await this.#written(name, entry)
    await rename(file, fileOf(this.o.folder, name))
    await syncFolder(this.o.folder)
  }

  /** Takes a name for a bucket of this region. False when another region has it. */
  async #claim(name: string): Promise<boolean> {
    const { region, folder } = this.o
    const file = await this.#written(name, { region, versioning: 'off' })
    try {
      await link(file, fileOf(folder, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return this.find(name)?.region === region
    } finally {
      await rm(file, { force: true })
    }
    await syncFolder(folder)
    return true
  }

  async #remove(name: string): Promise<void> {
    await rm(fileOf(this.o.folder, name), { force: true })
    await syncFolder(this.o.folder)
  }

  async #alone<T>(name: string, change: () => Promise<T>): Promise<T> {
    if (this.#changing.has(name)) {
      throw new S3Fault(
        'OperationAborted',
        'A conflicting conditional operation is currently in progress against this resource. Please try again.',
      )
    }
    this.#changing.add(name)
    try {
      return await change()
    } finally {
      this.#changing.delete(name)
    }
  }

  /** @throws LifeboatError `DiskFull` */
  async #written(name: string, entry: BucketEntry): Promise<string> {
    const path = `${fileOf(this.o.folder, name)}.${this.o.random.hex(16)}`
    try {
      const file = await open(path, 'wx', 0o600)
      try {
        await file.writeFile(JSON.stringify(entry))
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (error) {
      await rm(path, { force: true })
      const { code } = error as NodeJS.ErrnoException
      throw code === 'ENOSPC' || code === 'EDQUOT' ? diskFull(this.o.folder, error) : error
    }
    return path
  }
}

/** What is known of a bucket to whoever has the folder. */
export function findBucketEntry(folder: string, name: string): BucketEntry | undefined {
  if (!isBucketName(name)) return undefined
  try {
    return JSON.parse(readFileSync(fileOf(folder, name), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.json`)
}
