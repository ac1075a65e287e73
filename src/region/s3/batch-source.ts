import type { ObjectVersion } from '../../objectstore/object-version.ts'
import { Fault } from '../protocol/fault.ts'
import type { ReplicationConfiguration } from '../protocol/models/s3.ts'
import type { Caller } from '../protocol/service.ts'
import { candidateOf, targetsOf } from './replication/rules.ts'
import { replicationOf } from './replication/state.ts'
import { noSuchBucket, type S3 } from './s3.ts'

const PAGE = 256

/** What batch jobs see of S3: versions with how far they are replicated, and the queue. */
export function batchSource(s3: S3) {
  const bucketOf = (name: string) => {
    const bucket = s3.store.findBucket(name)
    if (!bucket) throw noSuchBucket(name)
    return bucket
  }
  return {
    hasBucket: (name: string) => s3.store.findBucket(name) !== undefined,
    async *versions(name: string) {
      const bucket = bucketOf(name)
      const configuration = bucket.setting<ReplicationConfiguration>('replication')
      let after: { afterKey?: string; afterVersionId?: string } = {}
      for (;;) {
        const page = bucket.listVersions({ ...after, limit: PAGE })
        for (const version of page.versions) {
          if (version.isDeleteMarker) continue
          const { key, versionId, modifiedAt } = version
          const isEligible = targetsOf(configuration, candidateOf(version)).length > 0
          yield { key, versionId, modifiedAt, status: statusIn(version), isEligible }
        }
        if (!page.isTruncated || page.nextKey === undefined) return
        const { nextKey: afterKey, nextVersionId } = page
        after = { afterKey, ...(nextVersionId ? { afterVersionId: nextVersionId } : {}) }
        await s3.o.clock.sleep(1)
      }
    },
    statusOf(name: string, key: string, versionId: string) {
      const version = s3.store.findBucket(name)?.find(key, versionId)
      if (!version) return undefined
      const destinations = Object.values(replicationOf(version)?.destinations ?? {})
      return {
        status: statusIn(version),
        isPending: destinations.some(({ status }) => status === 'PENDING'),
        reason: destinations.find(({ failureReason }) => failureReason)?.failureReason,
      }
    },
    async enqueue(name: string, key: string, versionId: string): Promise<string> {
      const bucket = s3.store.findBucket(name)
      return bucket ? await s3.replication.enqueue(bucket, key, versionId) : 'SrcObjectNotFound'
    },
    may(caller: Caller, action: string, { bucket, key }: { bucket: string; key?: string }) {
      const policy = s3.store.findBucket(bucket)?.setting<string>('policy')
      try {
        s3.o.authorize(caller, {
          action,
          resource: `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`,
          ...(policy === undefined ? {} : { resourcePolicy: policy }),
        })
        return true
      } catch (error) {
        if (error instanceof Fault && error.wireCode === 'AccessDenied') return false
        throw error
      }
    },
  }
}

function statusIn(version: ObjectVersion): string {
  return replicationOf(version)?.status ?? 'NONE'
}
