import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Bucket } from '../../objectstore/bucket.ts'
import type { ObjectStore } from '../../objectstore/object-store.ts'
import type { Authorizer } from '../protocol/authorization.ts'
import { Fault } from '../protocol/fault.ts'
import type { PublicAccessBlockConfiguration } from '../protocol/models/s3.ts'
import type { Caller } from '../protocol/service.ts'
import { ANONYMOUS } from '../protocol/verified-stream.ts'
import type { BucketDirectory } from './bucket-directory.ts'
import { S3Fault } from './faults.ts'
import { Replication, type ReplicationOptions } from './replication/replication.ts'
import type { S3Request } from './s3-request.ts'

export interface S3Options {
  readonly region: string
  readonly accountId: string
  readonly store: ObjectStore
  readonly authorize: Authorizer
  readonly clock: Clock
  readonly random: Random
  readonly directory: BucketDirectory
  readonly replication: ReplicationOptions
  /** How long a day of lifecycle rules is, in milliseconds. */
  readonly lifecycleDayMs: number
}

/** What the actions of S3 share: the buckets, and who may do what to them. */
export class S3 {
  readonly replication: Replication

  constructor(readonly o: S3Options) {
    this.replication = new Replication(this, o.replication)
  }

  /** Where the buckets of all regions are. */
  get directory(): BucketDirectory {
    return this.o.directory
  }

  get store(): ObjectStore {
    return this.o.store
  }

  now(): Date {
    return this.o.clock.now()
  }

  /** The one owner of all buckets, as lists show it. */
  owner(): { ID: string; DisplayName: string } {
    return { ID: canonicalUserId(this.o.accountId), DisplayName: 'lifeboat' }
  }

  /**
   * The bucket of a request, when its caller may do `action` to it, or to the object that `key` names.
   *
   * @throws S3Fault `NoSuchBucket`, `AccessDenied`
   */
  bucket(request: Asker, action: string, o: Target): Bucket {
    const name = o.bucket ?? ''
    const bucket = this.store.findBucket(name)
    const policy = bucket && policyFor(request.caller, bucket)
    this.authorize(request, action, { ...o, policy })
    if (!bucket) throw noSuchBucket(name)
    const expected = request.headers.get('x-amz-expected-bucket-owner')
    if (expected !== undefined && expected !== this.o.accountId) {
      throw new S3Fault('AccessDenied', 'Access Denied')
    }
    return bucket
  }

  /** @throws S3Fault `AccessDenied` */
  authorize(request: Asker, action: string, o: Target & { policy?: string | undefined }): void {
    const name = o.bucket ?? '*'
    this.o.authorize(request.caller, {
      action: `s3:${action}`,
      resource: `arn:aws:s3:::${name}${o.key === undefined ? '' : `/${o.key}`}`,
      ...(o.context ? { context: o.context } : {}),
      ...(o.policy === undefined ? {} : { resourcePolicy: o.policy }),
    })
  }

  /** Whether the caller may do `action` as well. */
  mayAlso(request: Asker, action: string, o: Target): boolean {
    try {
      this.bucket(request, action, o)
      return true
    } catch (error) {
      if (error instanceof Fault && error.wireCode === 'AccessDenied') return false
      throw error
    }
  }
}

/** Who asks, with what beside. */
type Asker = Pick<S3Request, 'caller' | 'headers'>

interface Target {
  readonly bucket?: string | undefined
  readonly key?: string | undefined
  readonly context?: Readonly<Record<string, string | readonly string[]>>
}

/** The policy of a bucket, unless public access through it is restricted and the caller is anybody. */
function policyFor(caller: Caller, bucket: Bucket): string | undefined {
  const block = bucket.setting<PublicAccessBlockConfiguration>('public-access-block')
  const isShut = caller === ANONYMOUS && block?.RestrictPublicBuckets === true
  return isShut ? undefined : bucket.setting<string>('policy')
}

export function noSuchBucket(name: string): S3Fault {
  return new S3Fault('NoSuchBucket', 'The specified bucket does not exist', {
    elements: { BucketName: name },
  })
}

/** Accounts are known to S3 by 64 hex digits. */
function canonicalUserId(accountId: string): string {
  return accountId.padStart(64, '0')
}
