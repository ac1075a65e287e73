import { readFileSync } from 'node:fs'
import { link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../../core/random.ts'
import type { Bucket } from '../../objectstore/bucket.ts'
import type { ObjectStore } from '../../objectstore/object-store.ts'

/** What every region of a home knows of a bucket, also while the bucket's own region is away. */
export interface BucketEntry {
  readonly region: string
  readonly versioning: Bucket['versioning']
}

/**
 * Where the buckets of all regions of a home are: a file for each, named after it, so that a name is taken once.
 *
 * The bucket itself is the truth, and its region brings the directory in line when it opens.
 */
export class BucketDirectory {
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
    for (const file of await readdir(o.folder)) {
      const name = /^(.*)\.json$/.exec(file)?.[1]
      if (name !== undefined && directory.#isOurs(name) && !store.findBucket(name)) {
        await directory.release(name)
      }
    }
    for (const bucket of store.listBuckets()) {
      if (await directory.claim(bucket.name)) await directory.tell(bucket)
    }
    return directory
  }

  find(name: string): BucketEntry | undefined {
    try {
      return JSON.parse(readFileSync(this.#fileOf(name), 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Takes a name for a bucket of this region. False when another region has it. */
  async claim(name: string): Promise<boolean> {
    const file = await this.#written(name, { region: this.o.region, versioning: 'off' })
    try {
      await link(file, this.#fileOf(name))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return this.#isOurs(name)
    } finally {
      await rm(file, { force: true })
    }
  }

  /** Tells the others what the bucket is like now. */
  async tell({ name, versioning }: Bucket): Promise<void> {
    const file = await this.#written(name, { region: this.o.region, versioning })
    await rename(file, this.#fileOf(name))
  }

  /** Frees the name of a bucket that is there no more. */
  async release(name: string): Promise<void> {
    await rm(this.#fileOf(name), { force: true })
    // One of that name may have been created meanwhile.
    const bucket = this.store.findBucket(name)
    if (bucket) await this.tell(bucket)
  }

  #isOurs(name: string): boolean {
    return this.find(name)?.region === this.o.region
  }

  async #written(name: string, entry: BucketEntry): Promise<string> {
    const file = `${this.#fileOf(name)}.${this.o.random.hex(16)}`
    await writeFile(file, JSON.stringify(entry), { mode: 0o600 })
    return file
  }

  #fileOf(name: string): string {
    return join(this.o.folder, `${name}.json`)
  }
}
