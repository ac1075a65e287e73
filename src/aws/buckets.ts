import {
  DeleteObjectCommand,
  GetBucketReplicationCommand,
  GetBucketVersioningCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutBucketReplicationCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'
import { awsCodeOf } from './faults.ts'
import { frontEtags } from './front-etags.ts'
import { copyOnTop } from './object-copies.ts'
import { headersOf } from './object-headers.ts'
import { type Replication, replicationFrom, switched } from './replication.ts'
import {
  fetchVersionPage,
  type ListedVersion,
  type PageMarker,
  type VersionPage,
} from './version-page.ts'

export type { ListedVersion } from './version-page.ts'

/** What belongs to an object beside its bytes. */
export interface ObjectDescription {
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

/** What S3 says of a version's way to other buckets; `none` when no rule was there for it. */
export type ReplicationStatus = 'pending' | 'completed' | 'failed' | 'replica' | 'none'

/** Amazon S3 of one region, in our words. Every method throws as `Calls` says. */
export class Buckets {
  constructor(
    private readonly client: S3Client,
    private readonly calls: Calls,
  ) {}

  async getVersioning(bucket: string): Promise<'enabled' | 'suspended' | 'off'> {
    const { Status } = await this.calls.read(`read the versioning of bucket '${bucket}'`, () =>
      this.client.send(new GetBucketVersioningCommand({ Bucket: bucket })),
    )
    if (Status === undefined) return 'off'
    return Status === 'Enabled' ? 'enabled' : 'suspended'
  }

  /** Undefined when nothing of the bucket is replicated. */
  async findReplication(bucket: string): Promise<Replication | undefined> {
    try {
      const { ReplicationConfiguration: found } = await this.calls.read(
        `read the replication of bucket '${bucket}'`,
        () => this.client.send(new GetBucketReplicationCommand({ Bucket: bucket })),
      )
      return found && replicationFrom(found)
    } catch (error) {
      if (awsCodeOf(error) === 'ReplicationConfigurationNotFoundError') return undefined
      throw error
    }
  }

  /**
   * Turns the rules of a bucket that lead to another one on or off. Safe to call again.
   *
   * @param only  the ids of those that it is about; default: all
   * @returns how many rules that are
   */
  async switchReplication(
    bucket: string,
    destination: string,
    isEnabled: boolean,
    only?: readonly string[],
  ): Promise<number> {
    const what = `${isEnabled ? 'enable' : 'disable'} the replication of bucket '${bucket}'`
    return await this.calls.repeat(what, async () => {
      const { ReplicationConfiguration: found } = await this.client.send(
        new GetBucketReplicationCommand({ Bucket: bucket }),
      )
      const { changed, count } = switched(found, { destination, isEnabled, only })
      await this.client.send(
        new PutBucketReplicationCommand({ Bucket: bucket, ReplicationConfiguration: changed }),
      )
      return count
    })
  }

  /** Every version and delete marker, by key and newest first under each key. */
  async *listVersions(bucket: string, prefix = ''): AsyncGenerator<ListedVersion> {
    for await (const page of this.listVersionPages(bucket, prefix)) yield* page
  }

  /** As `listVersions`, a thousand at a time. The next page is on its way while one is looked at. */
  async *listVersionPages(
    bucket: string,
    prefix = '',
  ): AsyncGenerator<readonly ListedVersion[], void, void> {
    const fetch = (marker: PageMarker | undefined) =>
      this.#fetchVersions(bucket, { prefix, marker })
    let page = await fetch(undefined)
    while (page.next) {
      const coming = fetch(page.next)
      // Who stops in the middle does not wait for it, nor hears of its failure.
      coming.catch(() => 'heard below')
      yield page.versions
      page = await coming
    }
    yield page.versions
  }

  /** Undefined when there is no such version, or it is a delete marker. */
  async findReplicationStatus(
    bucket: string,
    key: string,
    versionId?: string,
  ): Promise<ReplicationStatus | undefined> {
    const head = await this.#findHead(bucket, key, versionId)
    return head && STATUSES[head.ReplicationStatus ?? '']
  }

  /** What is in front of a key; undefined when that is no object. */
  async findFront(
    bucket: string,
    key: string,
  ): Promise<{ readonly versionId: string; readonly etag: string } | undefined> {
    const head = await this.#findHead(bucket, key, undefined)
    if (!head) return undefined
    const { VersionId: versionId = 'null', ETag: etag = '' } = head
    return { versionId, etag: etag.replaceAll('"', '') }
  }

  /** Whether a version is there; without an id, whether the key has an object. */
  async exists(bucket: string, key: string, versionId?: string): Promise<boolean> {
    return (await this.#findHead(bucket, key, versionId)) !== undefined
  }

  /** The entity tag of what is in front of each key, without quotes; keys that have no object are left out. */
  async frontEtags(bucket: string, keys: Iterable<string>): Promise<Map<string, string>> {
    return await frontEtags(keys, ({ prefix = '', after = '', most }) => {
      const marker = after === '' ? undefined : { KeyMarker: after }
      return this.#fetchVersions(bucket, { prefix, marker, most })
    })
  }

  /** Headers, metadata and tags of one version. */
  async describe(bucket: string, key: string, versionId: string): Promise<ObjectDescription> {
    const at = { Bucket: bucket, Key: key, VersionId: versionId }
    const what = `version '${versionId}' of '${key}' in bucket '${bucket}'`
    const head = await this.calls.read(`read the metadata of ${what}`, () =>
      this.client.send(new HeadObjectCommand(at)),
    )
    const { TagSet = [] } = await this.calls.read(`read the tags of ${what}`, () =>
      this.client.send(new GetObjectTaggingCommand(at)),
    )
    return {
      headers: headersOf(head),
      metadata: head.Metadata ?? {},
      tags: Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value])),
    }
  }

  /**
   * Puts a copy of a version in front of all others: the same bytes, entity tag, metadata and tags. Repeating it puts one more
   * copy there, which does no harm.
   *
   * @param from  the bucket that has the version, maybe of another region; this one if not said
   * @returns the new version's id
   */
  async putOnTop(
    bucket: string,
    version: ListedVersion,
    from: { readonly buckets: Buckets; readonly bucket: string } = { buckets: this, bucket },
  ): Promise<string> {
    const { key, versionId } = version
    const what = `copy version '${versionId}' of '${key}' from bucket '${from.bucket}' to '${bucket}'`
    const source = { client: from.buckets.client, bucket: from.bucket }
    const describe = () => from.buckets.describe(from.bucket, key, versionId)
    const copied = await this.calls.repeat(what, () =>
      copyOnTop(source, { client: this.client, bucket }, version, describe),
    )
    if (copied) return copied
    throw keepsNoVersions(what, bucket)
  }

  /** Puts a delete marker in front. Repeating it puts one more there, which does no harm. */
  async hide(bucket: string, key: string): Promise<void> {
    await this.calls.repeat(`delete '${key}' in bucket '${bucket}'`, () =>
      this.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })),
    )
  }

  /** Puts a small text. Repeating it puts one more version there. */
  async putText(
    bucket: string,
    key: string,
    text: string,
  ): Promise<{ readonly versionId: string; readonly etag: string }> {
    const what = `write '${key}' in bucket '${bucket}'`
    const { VersionId, ETag = '' } = await this.calls.repeat(what, () =>
      this.client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: text,
          ContentType: 'application/json',
        }),
      ),
    )
    if (VersionId) return { versionId: VersionId, etag: ETag.replaceAll('"', '') }
    throw keepsNoVersions(what, bucket)
  }

  /** Destroys one version for ever. Only for those that Lifeboat itself has put there (I15). Safe to call again. */
  async destroyVersion(bucket: string, key: string, versionId: string): Promise<void> {
    await this.calls.repeat(`destroy version '${versionId}' of '${key}' in '${bucket}'`, () =>
      this.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId })),
    )
  }

  #fetchVersions(
    bucket: string,
    part: { prefix: string; marker: PageMarker | undefined; most?: number | undefined },
  ): Promise<VersionPage> {
    return this.calls.read(`list the versions in bucket '${bucket}'`, () =>
      fetchVersionPage(this.client, { bucket, ...part }),
    )
  }

  async #findHead(
    bucket: string,
    key: string,
    versionId: string | undefined,
  ): Promise<HeadObjectCommandOutput | undefined> {
    const version = versionId === undefined ? {} : { VersionId: versionId }
    try {
      return await this.calls.read(`look for '${key}' in bucket '${bucket}'`, () =>
        this.client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...version })),
      )
    } catch (error) {
      // A HEAD has no body that could tell a missing bucket from a missing key. A marker is no object to read.
      if (['NotFound', 'MethodNotAllowed', '405'].includes(awsCodeOf(error) ?? '')) return undefined
      throw error
    }
  }
}

const STATUSES: Readonly<Record<string, ReplicationStatus>> = {
  '': 'none',
  PENDING: 'pending',
  COMPLETED: 'completed',
  COMPLETE: 'completed',
  FAILED: 'failed',
  REPLICA: 'replica',
}

function keepsNoVersions(what: string, bucket: string): LifeboatError {
  const message = `could not ${what}: bucket '${bucket}' keeps no versions`
  return new LifeboatError('CallRefused', message, {
    hint: 'Enable versioning: what was overwritten before cannot be brought back.',
  })
}
