import { chmodSync } from 'node:fs'
import { type Database, open, type RootDatabase } from 'lmdb'
import { GroupCommit } from './group-commit.ts'
import type { LockTime } from './lock-clock.ts'
import type { Attributes, BlobReference, ObjectPart, VersionRecord } from './object-version.ts'

export interface BucketRecord {
  readonly number: number
  readonly createdAtMs: number
  readonly versioning: 'off' | 'enabled' | 'suspended'
  readonly attributes: Attributes
  readonly settings: Readonly<Record<string, unknown>>
}

/** A multipart upload that was begun. What it will be stored with is the caller's, kept until it is completed. */
export interface UploadRecord {
  readonly uploadId: string
  readonly key: string
  readonly bucket: number
  readonly startedAtMs: number
  readonly attributes: Attributes
  readonly tags: Readonly<Record<string, string>>
  readonly retention?: VersionRecord['retention']
  readonly hasLegalHold?: true
  readonly encrypt?: true
}

export interface PartRecord extends ObjectPart {
  readonly modifiedAtMs: number
  readonly blob: BlobReference
}

/** How many versions and parts hold a blob, and its bytes when they are few. */
export interface BlobRecord {
  readonly holders: number
  readonly bytes?: Buffer
}

/** What the store knows, in LMDB: ordered, transactional, one process. */
export class IndexDatabase {
  readonly buckets: Database<BucketRecord, string>
  /** By bucket, key and age: see version-key.ts. */
  readonly versions: Database<VersionRecord, Buffer>
  /** By bucket, key and upload id. */
  readonly uploads: Database<UploadRecord, Buffer>
  /** Upload id → its key in `uploads`. */
  readonly uploadKeys: Database<Buffer, string>
  /** By upload id and part number. */
  readonly parts: Database<PartRecord, Buffer>
  readonly blobs: Database<BlobRecord, string>
  /** Files that nothing refers to any more and that are still to be deleted. */
  readonly garbage: Database<true, string>
  readonly outbox: Database<unknown, number>
  readonly clocks: Database<LockTime, string>
  readonly #commits: GroupCommit

  private constructor(
    path: string,
    private readonly root: RootDatabase,
  ) {
    const binary = { keyEncoding: 'binary' as const }
    this.buckets = root.openDB({ name: 'buckets' })
    this.versions = root.openDB({ name: 'versions', ...binary })
    this.uploads = root.openDB({ name: 'uploads', ...binary })
    this.uploadKeys = root.openDB({ name: 'upload-keys' })
    this.parts = root.openDB({ name: 'parts', ...binary })
    this.blobs = root.openDB({ name: 'blobs' })
    this.garbage = root.openDB({ name: 'garbage' })
    this.outbox = root.openDB({ name: 'outbox' })
    this.clocks = root.openDB({ name: 'clocks' })
    this.#commits = new GroupCommit(root, path)
  }

  static open(path: string): IndexDatabase {
    const root = open({
      path,
      noSubdir: true,
      maxDbs: 16,
      // Otherwise a transaction resolves before it is on the disk.
      overlappingSync: false,
    })
    // LMDB makes files that everybody may read: short objects and their names are in it.
    for (const file of [path, `${path}-lock`]) chmodSync(file, 0o600)
    return new IndexDatabase(path, root)
  }

  /**
   * Runs `change` alone, with all earlier changes in sight, and resolves when what it wrote is durable. What it throws
   * undoes what it wrote.
   *
   * @throws LifeboatError `DiskFull`; with `frees` it may use the space that is kept for making space
   */
  async change<Result>(change: () => Result, o: { frees?: boolean } = {}): Promise<Result> {
    return this.#commits.add(change, o)
  }

  async close(): Promise<void> {
    await this.#commits.idle()
    await this.root.close()
  }
}
