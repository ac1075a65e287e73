import { LifeboatError } from '../core/errors.ts'
import type { BlobRange } from './blob-file.ts'
import type { StoredBody } from './blob-store.ts'
import { BucketListing } from './bucket-listing.ts'
import type { BucketState } from './bucket-state.ts'
import { BucketVersions, checkPrecondition, isSame, lockFields } from './bucket-versions.ts'
import type { BucketRecord } from './index-database.ts'
import { checkKey } from './object-key.ts'
import { refuseIfWeakened } from './object-lock.ts'
import { type Attributes, type ObjectVersion, versionOf } from './object-version.ts'
import type { Change, DeleteOptions, PutOptions } from './put-options.ts'
import { Uploads } from './uploads.ts'
import type { PlacedVersion } from './versions.ts'

/**
 * Versioned objects under keys. What a call has acknowledged is durable, and every change is whole or did not happen.
 *
 * A key is any text of 1 to 1,024 bytes of UTF-8; it is never a file's name.
 */
export class Bucket {
  readonly #versions: BucketVersions
  readonly #listing: BucketListing
  readonly uploads: Uploads

  constructor(private readonly state: BucketState) {
    this.#versions = new BucketVersions(state)
    this.#listing = new BucketListing(state)
    this.uploads = new Uploads(state, this.#versions)
  }

  get name(): string {
    return this.state.name
  }

  get createdAt(): Date {
    return new Date(this.state.record.createdAtMs)
  }

  get attributes(): Attributes {
    return this.state.record.attributes
  }

  get versioning(): BucketRecord['versioning'] {
    return this.state.versioning
  }

  async setVersioning(versioning: 'enabled' | 'suspended'): Promise<void> {
    await this.state.reconfigure(() => ({ versioning }))
  }

  /** A document that the caller keeps with the bucket. */
  setting<Value>(name: string): Value | undefined {
    return this.state.record.settings[name] as Value | undefined
  }

  async setSetting(name: string, value: unknown): Promise<void> {
    await this.state.reconfigure(({ settings: { [name]: _, ...others } }) => ({
      settings: value === undefined ? others : { ...others, [name]: value },
    }))
  }

  /** @throws LifeboatError `PreconditionFailed`, `ObjectNotFound` for `ifMatch` on nothing, `BucketNotFound`, `DiskFull` */
  async put(
    key: string,
    body: AsyncIterable<Buffer> | Buffer,
    o: PutOptions = {},
  ): Promise<ObjectVersion> {
    checkKey(key)
    const { blobs } = this.state
    const { encrypt = false, sealWith, digests } = o
    const stored = await blobs.store(body, { encrypt, sealWith, digests })
    return this.#commit(stored, () => {
      const attributes = { ...o.attributes, ...o.beforeCommit?.(stored) }
      const { sizeBytes, md5, blob } = stored
      const etag = o.etagOf?.(md5) ?? md5
      const hold = () => blobs.hold(blob, stored.inline)
      return this.#versions.insert(
        key,
        { ...o, attributes },
        { sizeBytes, etag, blobs: [blob], hold },
      )
    })
  }

  /** A new version of the same bytes, which are not copied. */
  async copy(
    source: { readonly bucket: Bucket; readonly version: ObjectVersion },
    key: string,
    o: Omit<PutOptions, 'beforeCommit' | 'digests' | 'encrypt' | 'sealWith' | 'etagOf'> = {},
  ): Promise<ObjectVersion> {
    checkKey(key)
    const { bucket, version } = source
    return this.state.change(() => {
      const { record } = bucket.#versions.get(version.key, version.versionId)
      const { sizeBytes, etag, blobs, parts } = record
      return this.#versions.insert(key, o, {
        ...{ sizeBytes, etag, blobs, ...(parts ? { parts } : {}) },
        hold: () => {
          for (const blob of blobs) this.state.blobs.hold(blob)
        },
      })
    })
  }

  /** The newest version, or the one of that id; a delete marker is one too. */
  find(key: string, versionId?: string): ObjectVersion | undefined {
    const versions = this.#versions.of(key)
    const latest = versions.latest()
    const found = versionId === undefined ? latest : versions.find(versionId)
    return found && versionOf(key, found.record, isSame(found, latest))
  }

  /**
   * Its bytes from `from` up to, not including, `to`. What was found is what is read, whatever is written or deleted until the
   * iteration ends; so begin and end it.
   *
   * @param o.sealedWith  the key that it was put with, see `PutOptions.sealWith`
   * @throws LifeboatError `ObjectNotFound` when it is there no more, `ObjectDamaged`
   */
  read(
    version: ObjectVersion,
    {
      from = 0,
      to = version.sizeBytes,
      sealedWith,
    }: { from?: number; to?: number; sealedWith?: Buffer | undefined } = {},
  ): AsyncGenerator<Buffer> {
    const { record } = this.#versions.get(version.key, version.versionId)
    // The version without an id may have been replaced since.
    if (record.etag !== version.etag || record.modifiedAtMs !== version.modifiedAt.getTime()) {
      throw new LifeboatError('ObjectNotFound', `'${version.key}' was replaced by another object`)
    }
    const ranges: BlobRange[] = []
    let start = 0
    for (const blob of record.blobs) {
      const end = start + blob.sizeBytes
      if (end > from && start < to) {
        ranges.push({ blob, from: Math.max(from - start, 0), to: Math.min(to, end) - start })
      }
      start = end
    }
    return this.state.blobs.read(ranges, sealedWith)
  }

  /** @throws LifeboatError `ObjectLocked`, `PreconditionFailed`, `ObjectNotFound` for `ifMatch` on nothing */
  async delete(
    key: string,
    o: DeleteOptions = {},
  ): Promise<{ removed?: ObjectVersion; marker?: ObjectVersion }> {
    checkKey(key)
    return this.state.change(
      () => {
        const versions = this.#versions.of(key)
        const isForGood = o.versionId !== undefined || this.versioning === 'off'
        const found = o.versionId === undefined ? versions.latest() : versions.find(o.versionId)
        checkPrecondition(found?.record, o.precondition)
        if (o.onlyIf && !(found && o.onlyIf(...this.#judged(key, found)))) return {}
        if (isForGood) return found ? { removed: this.#versions.remove(key, found, o) } : {}
        const { attributes, replicaOf, outbox } = o
        const marker = this.#versions.insert(key, { attributes, replicaOf, outbox }, DELETE_MARKER)
        return { marker }
      },
      { frees: true },
    )
  }

  /** @throws LifeboatError `ObjectNotFound`, `ObjectLocked` */
  async update(key: string, versionId: string, change: Change): Promise<ObjectVersion> {
    return this.state.change(() => {
      const { place, record } = this.#versions.get(key, versionId)
      const { tags, attributesOf, retention, hasLegalHold, bypassGovernance, outbox } = change
      const { retention: kept, hasLegalHold: wasHeld, ...rest } = record
      const before = kept && { mode: kept.mode, until: new Date(kept.untilMs) }
      if (retention !== undefined) {
        refuseIfWeakened(record, retention, { now: this.state.lockTime(), bypassGovernance })
      }
      const changed = {
        ...rest,
        ...lockFields(retention === undefined ? before : retention, hasLegalHold ?? wasHeld),
        ...(tags ? { tags } : {}),
        ...(attributesOf ? { attributes: attributesOf(record.attributes) } : {}),
      }
      if (change.settles !== undefined) this.state.outbox.settle(change.settles)
      return this.#versions.replace(key, place, changed, outbox)
    })
  }

  list(...args: Parameters<BucketListing['list']>): ReturnType<BucketListing['list']> {
    return this.#listing.list(...args)
  }

  listVersions(
    ...args: Parameters<BucketListing['listVersions']>
  ): ReturnType<BucketListing['listVersions']> {
    return this.#listing.listVersions(...args)
  }

  /** Within a change: whether it holds neither versions nor uploads. */
  isEmpty(): boolean {
    const { versions } = this.#listing.listVersions({ limit: 1 })
    return versions.length === 0 && this.uploads.list({ limit: 1 }).uploads.length === 0
  }

  #judged(key: string, { place, record }: PlacedVersion): Parameters<OnlyIf> {
    const versions = this.#versions.of(key)
    const version = versionOf(key, record, isSame({ place }, versions.latest()))
    return [version, { isAlone: versions.isAlone() }]
  }

  /** Makes a stored body visible, or removes it: also when the version was there already. */
  async #commit(stored: StoredBody, change: () => ObjectVersion): Promise<ObjectVersion> {
    const { blobs } = this.state
    try {
      const version = await this.state.change(change)
      await blobs.settle(stored)
      return version
    } catch (error) {
      await blobs.discard(stored)
      throw error
    }
  }
}

type OnlyIf = NonNullable<DeleteOptions['onlyIf']>

const DELETE_MARKER = {
  sizeBytes: 0,
  etag: '',
  blobs: [],
  isDeleteMarker: true,
  hold: () => undefined,
} as const
