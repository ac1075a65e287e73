import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Bucket } from '../../objectstore/bucket.ts'
import type { ObjectStore } from '../../objectstore/object-store.ts'
import { placeOfVersionId } from '../../objectstore/version-key.ts'
import type { Peer } from '../peer/peer.ts'
import type { Authorizer } from '../protocol/authorization.ts'
import { Fault } from '../protocol/fault.ts'
import type { PublicAccessBlockConfiguration } from '../protocol/models/s3.ts'
import type { Caller } from '../protocol/service.ts'
import type { KeyRing } from '../protocol/sigv4.ts'
import { ANONYMOUS } from '../protocol/verified-stream.ts'
import { existingTagContext, requestContext } from './access-context.ts'
import { isGranted } from './acl.ts'
import type { BucketDefaults } from './bucket-defaults.ts'
import type { BucketDirectory } from './bucket-directory.ts'
import { DistantSources } from './distant-sources.ts'
import { S3Fault } from './faults.ts'
import { attributesOfVersion } from './object-attributes.ts'
import { isPublicPolicy } from './public-policy.ts'
import { Replication, type ReplicationOptions } from './replication/replication.ts'
import type { S3Request } from './s3-request.ts'

export interface S3Options {
  readonly region: string
  readonly accountId: string
  readonly store: ObjectStore
  readonly authorize: Authorizer
  /** What is wrong with a policy of a resource, in words; undefined when it can be read. */
  readonly findPolicyProblem: (policy: string) => string | undefined
  /** The keys by which forms are signed. */
  readonly keys: KeyRing
  readonly clock: Clock
  readonly random: Random
  readonly directory: BucketDirectory
  readonly replication: ReplicationOptions
  /** The S3 of other regions. */
  readonly peer: Peer
  /** How long a day of lifecycle rules is, in milliseconds. */
  readonly lifecycleDayMs: number
  readonly bucketDefaults: BucketDefaults
}

/** What the actions of S3 share: the buckets, and who may do what to them. */
export class S3 {
  readonly replication: Replication
  readonly distantSources: DistantSources

  constructor(readonly o: S3Options) {
    this.replication = new Replication(this, o.replication)
    this.distantSources = new DistantSources(o.peer)
    this.distantSources.serve(this)
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
   * @throws S3Fault `NoSuchBucket`, `AccessDenied`; `PermanentRedirect` when it is in another region
   */
  bucket(request: Asker, action: string, o: Target): Bucket {
    const name = o.bucket ?? ''
    const bucket = this.store.findBucket(name)
    if (!bucket) throw this.#refusal(name, request.headers)
    this.authorize(request, action, { ...o, bucket: name })
    const expected = request.headers.get('x-amz-expected-bucket-owner')
    if (expected !== undefined && expected !== this.o.accountId) {
      throw new S3Fault('AccessDenied', 'Access Denied')
    }
    return bucket
  }

  /**
   * Decides by the caller's policies, and by the bucket's policy and ACLs where the bucket is there.
   *
   * @throws S3Fault `AccessDenied`
   */
  authorize(request: Asker, action: string, o: Target): void {
    const name = o.bucket ?? '*'
    const bucket = this.store.findBucket(name)
    const resource = `arn:aws:s3:::${name}${o.key === undefined ? '' : `/${o.key}`}`
    const policy = bucket && policyFor(request.caller, bucket)
    if (policy === undefined && request.caller.arn === `arn:aws:iam::${this.o.accountId}:root`) {
      // Nothing more is looked at; so the most common of all requests is the fastest.
      this.o.authorize(request.caller, { action: `s3:${action}`, resource })
      return
    }
    const version =
      bucket && o.key !== undefined ? soughtVersion(bucket, o.key, o.versionId) : undefined
    const grants = version && attributesOfVersion(version).acl
    const granted = o.grantedWith ?? action
    this.o.authorize(request.caller, {
      action: `s3:${action}`,
      resource,
      context: {
        'aws:RequestedRegion': this.o.region,
        's3:ResourceAccount': this.o.accountId,
        ...(o.versionId === undefined ? {} : { 's3:VersionId': o.versionId }),
        ...requestContext(request, this.now()),
        ...existingTagContext(action, version),
        ...o.context,
      },
      ...(policy === undefined ? {} : { resourcePolicy: policy }),
      ...(bucket ? { isGranted: isGranted(request.caller, granted, bucket, grants) } : {}),
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

  /** The other region that has a bucket, if one has. */
  elsewhere(name: string): string | undefined {
    const region = this.store.findBucket(name) ? undefined : this.directory.find(name)?.region
    return region === this.o.region ? undefined : region
  }

  /** What a bucket that is not here is refused with. */
  #refusal(name: string, headers: ReadonlyMap<string, string>): S3Fault {
    const region = this.elsewhere(name)
    if (region === undefined) return noSuchBucket(name)
    const port = /:\d+$/.exec(headers.get('host') ?? '')?.[0] ?? ''
    return new S3Fault(
      'PermanentRedirect',
      'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
      {
        elements: { Endpoint: `${name}.s3.${region}.localhost${port}`, Bucket: name },
        headers: { 'x-amz-bucket-region': region },
      },
    )
  }
}

/** Who asks, with what beside. */
export type Asker = Pick<S3Request, 'caller' | 'headers' | 'authentication'>

interface Target {
  readonly bucket?: string | undefined
  readonly key?: string | undefined
  readonly versionId?: string | undefined
  /** The action that comes with this one for those whom an ACL grants it; this one itself if not said. */
  readonly grantedWith?: string
  readonly context?: Readonly<Record<string, string | readonly string[]>>
}

/** The policy of a bucket, unless public access through it is restricted and the caller is anybody. */
function policyFor(caller: Caller, bucket: Bucket): string | undefined {
  const policy = bucket.setting<string>('policy')
  const block = bucket.setting<PublicAccessBlockConfiguration>('public-access-block')
  const isShut =
    policy !== undefined &&
    caller === ANONYMOUS &&
    block?.RestrictPublicBuckets === true &&
    isPublicPolicy(policy)
  return isShut ? undefined : policy
}

/** What an id names that may be none. */
function soughtVersion(bucket: Bucket, key: string, versionId: string | undefined) {
  const isId = versionId === undefined || versionId === 'null' || placeOfVersionId(versionId)
  return isId ? bucket.find(key, versionId) : undefined
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
