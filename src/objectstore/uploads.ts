import { createHash } from 'node:crypto'
import { LifeboatError } from '../core/errors.ts'
import type { BucketState } from './bucket-state.ts'
import { type BucketVersions, lockFields } from './bucket-versions.ts'
import type { PartRecord, UploadRecord } from './index-database.ts'
import { checkKey } from './object-key.ts'
import type { Attributes, ObjectPart, ObjectVersion } from './object-version.ts'
import { page } from './page.ts'
import type { PutOptions } from './put-options.ts'
import { behind, keyPrefix, textPrefix } from './version-key.ts'

export interface Upload {
  readonly uploadId: string
  readonly key: string
  readonly startedAt: Date
  readonly attributes: Attributes
  readonly tags: Readonly<Record<string, string>>
}

export interface UploadedPart extends ObjectPart {
  readonly modifiedAt: Date
}

type UploadOptions = Pick<
  PutOptions,
  'attributes' | 'tags' | 'retention' | 'hasLegalHold' | 'encrypt'
>

/** Objects that arrive in parts, in any order and at the same time. Completing one copies no byte. */
export class Uploads {
  constructor(
    private readonly state: BucketState,
    private readonly versions: BucketVersions,
  ) {}

  async begin(key: string, o: UploadOptions = {}): Promise<Upload> {
    checkKey(key)
    const { index, number, random } = this.state
    const now = this.state.now()
    // In the order in which they were begun.
    const uploadId = now.getTime().toString(16).padStart(12, '0') + random.hex(36)
    const record: UploadRecord = {
      uploadId,
      key,
      bucket: number,
      startedAtMs: now.getTime(),
      attributes: o.attributes ?? {},
      tags: o.tags ?? {},
      ...lockFields(o.retention, o.hasLegalHold),
      ...(o.encrypt ? { encrypt: true } : {}),
    }
    await this.state.change(() => {
      const place = Buffer.concat([keyPrefix(number, key), Buffer.from(uploadId)])
      index.uploads.put(place, record)
      index.uploadKeys.put(uploadId, place)
    })
    return uploadOf(record)
  }

  find(uploadId: string): Upload | undefined {
    const record = this.#find(uploadId)
    return record && uploadOf(record)
  }

  /** Takes the place of a part of that number. @throws LifeboatError `UploadNotFound` */
  async putPart(
    uploadId: string,
    number: number,
    body: AsyncIterable<Buffer> | Buffer,
    o: Pick<PutOptions, 'digests' | 'beforeCommit' | 'sealWith' | 'etagOf'> = {},
  ): Promise<UploadedPart> {
    const { blobs, index } = this.state
    const { encrypt = false } = this.#get(uploadId)
    const { digests, sealWith } = o
    const stored = await blobs.store(body, { encrypt, sealWith, digests })
    try {
      const part = await this.state.change(() => {
        this.#get(uploadId)
        const record: PartRecord = {
          number,
          sizeBytes: stored.sizeBytes,
          etag: o.etagOf?.(stored.md5) ?? stored.md5,
          attributes: o.beforeCommit?.(stored) ?? {},
          modifiedAtMs: this.state.now().getTime(),
          blob: stored.blob,
        }
        const place = partKey(uploadId, number)
        const replaced = index.parts.get(place)
        if (replaced) blobs.release(replaced.blob)
        blobs.hold(stored.blob, stored.inline)
        index.parts.put(place, record)
        return partOf(record)
      })
      await blobs.settle(stored)
      return part
    } catch (error) {
      await blobs.discard(stored)
      throw error
    }
  }

  /**
   * Makes an object of some of the parts, in the order given; the others are deleted.
   *
   * @throws LifeboatError `UploadNotFound`, `PartInvalid`, and as `Bucket.put`
   */
  async complete(
    uploadId: string,
    wanted: readonly { readonly number: number; readonly etag: string }[],
    o: Pick<PutOptions, 'attributes' | 'precondition' | 'outbox'> = {},
  ): Promise<ObjectVersion> {
    const { blobs, index } = this.state
    return this.state.change(() => {
      const upload = this.#get(uploadId)
      const all = [...this.#parts(uploadId)]
      const byNumber = new Map(all.map((part) => [part.number, part]))
      const parts = wanted.map(({ number, etag }) => {
        const part = byNumber.get(number)
        if (part?.etag === etag) return part
        throw new LifeboatError('PartInvalid', `part ${number} was not uploaded, or is another one`)
      })
      const { key, tags, retention, hasLegalHold } = upload
      const options = {
        ...o,
        attributes: { ...upload.attributes, ...o.attributes },
        tags,
        hasLegalHold,
        retention: retention && { mode: retention.mode, until: new Date(retention.untilMs) },
      }
      return this.versions.insert(key, options, {
        sizeBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        etag: etagOf(parts),
        blobs: parts.map(({ blob }) => blob),
        parts: parts.map(({ number, sizeBytes, etag, attributes }) => {
          return { number, sizeBytes, etag, attributes }
        }),
        hold: () => {
          for (const { blob } of parts) blobs.hold(blob)
          for (const { blob, number } of all) {
            blobs.release(blob)
            index.parts.remove(partKey(uploadId, number))
          }
          this.#forget(uploadId)
        },
      })
    })
  }

  /** @throws LifeboatError `UploadNotFound` */
  async abort(uploadId: string): Promise<void> {
    const { blobs, index } = this.state
    await this.state.change(
      () => {
        this.#get(uploadId)
        for (const { blob, number } of [...this.#parts(uploadId)]) {
          blobs.release(blob)
          index.parts.remove(partKey(uploadId, number))
        }
        this.#forget(uploadId)
      },
      { frees: true },
    )
  }

  /** By number. @throws LifeboatError `UploadNotFound` */
  listParts(
    uploadId: string,
    { after = 0, limit }: { after?: number; limit: number },
  ): { parts: UploadedPart[]; isTruncated: boolean } {
    this.#get(uploadId)
    const parts = [...this.#parts(uploadId, after + 1, limit + 1)].map(partOf)
    return { parts: parts.slice(0, limit), isTruncated: parts.length > limit }
  }

  /** By key, and in the order in which they were begun. */
  list(o: {
    prefix?: string
    delimiter?: string
    afterKey?: string
    afterUploadId?: string
    limit: number
  }): { uploads: Upload[]; commonPrefixes: string[]; isTruncated: boolean } {
    const { index, number: bucket } = this.state
    const { afterKey, afterUploadId, ...rest } = o
    const end = behind(textPrefix(bucket, o.prefix ?? ''))
    const found = page<UploadRecord>({
      ...rest,
      bucket,
      keyOf: (_, { key }) => key,
      rowsFrom: (start) => index.uploads.getRange({ start, end }),
      after:
        afterKey === undefined
          ? undefined
          : { last: afterKey, place: behindUpload(keyPrefix(bucket, afterKey), afterUploadId) },
    })
    const { commonPrefixes, isTruncated } = found
    return { uploads: found.rows.map(({ value }) => uploadOf(value)), commonPrefixes, isTruncated }
  }

  #find(uploadId: string): UploadRecord | undefined {
    if (uploadId === '') return undefined
    const place = this.state.index.uploadKeys.get(uploadId)
    const record = place && this.state.index.uploads.get(place)
    return record?.bucket === this.state.number ? record : undefined
  }

  #get(uploadId: string): UploadRecord {
    const record = this.#find(uploadId)
    if (record) return record
    throw new LifeboatError('UploadNotFound', `there is no upload '${uploadId}'`)
  }

  *#parts(uploadId: string, from = 0, limit?: number): Generator<PartRecord> {
    const range = {
      start: partKey(uploadId, from),
      end: partKey(uploadId, 0xffff_ffff),
      ...(limit ? { limit } : {}),
    }
    for (const { value } of this.state.index.parts.getRange(range)) yield value
  }

  #forget(uploadId: string): void {
    const { uploads, uploadKeys } = this.state.index
    const place = uploadKeys.get(uploadId)
    if (place) uploads.remove(place)
    uploadKeys.remove(uploadId)
  }
}

function uploadOf({ uploadId, key, startedAtMs, attributes, tags }: UploadRecord): Upload {
  return { uploadId, key, startedAt: new Date(startedAtMs), attributes, tags }
}

function partOf({ number, sizeBytes, etag, attributes, modifiedAtMs }: PartRecord): UploadedPart {
  return { number, sizeBytes, etag, attributes, modifiedAt: new Date(modifiedAtMs) }
}

/** Behind one upload of a key, or behind all of them. */
function behindUpload(prefix: Buffer, uploadId: string | undefined): Buffer {
  return uploadId === undefined
    ? behind(prefix)
    : Buffer.concat([prefix, Buffer.from(`${uploadId}\0`)])
}

function partKey(uploadId: string, number: number): Buffer {
  const key = Buffer.alloc(uploadId.length + 4)
  key.write(uploadId, 'latin1')
  key.writeUInt32BE(number, uploadId.length)
  return key
}

function etagOf(parts: readonly PartRecord[]): string {
  const md5 = createHash('md5')
  for (const { etag } of parts) md5.update(etag, 'hex')
  return `${md5.digest('hex')}-${parts.length}`
}
