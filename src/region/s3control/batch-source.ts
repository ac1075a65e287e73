import type { Caller } from '../protocol/service.ts'
import type { Listed } from './job.ts'

/** What jobs need of S3. */
export interface BatchSource {
  hasBucket(bucket: string): boolean
  /** All versions, at a pace that leaves time for requests. @throws S3Fault `NoSuchBucket` */
  versions(bucket: string): AsyncIterable<Listed>
  /** `NONE`, `PENDING`, `COMPLETED`, `FAILED`, `REPLICA`, or undefined of a version that is gone; with the reason of a failure. */
  statusOf(
    bucket: string,
    key: string,
    versionId: string,
  ): { status: string; isPending: boolean; reason: string | undefined } | undefined
  /** `queued`, or why it cannot be. */
  enqueue(bucket: string, key: string, versionId: string): Promise<string>
  /** Whether the caller may do an action of S3, also by the bucket's policy. */
  may(caller: Caller, action: string, o: { bucket: string; key?: string }): boolean
}
