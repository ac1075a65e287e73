import { LifeboatError } from '../../../core/errors.ts'
import type { Bucket } from '../../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import { AuthFault } from '../../protocol/auth-fault.ts'
import type { ReplicationConfiguration } from '../../protocol/models/s3.ts'
import type { Caller } from '../../protocol/service.ts'
import { attributesOfVersion } from '../object-attributes.ts'
import type { S3 } from '../s3.ts'
import { type FailureReason, ReplicationFailure } from './failure-reason.ts'
import type { Manifest } from './manifest.ts'
import type { Queued } from './queued.ts'
import { REPLICATION_SERVICE } from './receive-replica.ts'
import type { Answer, ReplicaClient } from './replica-client.ts'
import type { RoleKeys } from './role-keys.ts'
import { candidateOf, targetFor } from './rules.ts'

/** `gone`: the version is there no more, and nothing is left to do. */
export type Delivered =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly reason: FailureReason }
  | { readonly kind: 'away'; readonly cause: unknown }

/** Delivers one version to one bucket, as it is now, with the rights that the rule's role has now. */
export class Delivery {
  constructor(
    private readonly s3: S3,
    private readonly roles: RoleKeys,
    private readonly client: ReplicaClient,
  ) {}

  async deliver(entry: Queued, signal: AbortSignal): Promise<Delivered> {
    const bucket = this.s3.store.findBucket(entry.bucket)
    const version = bucket?.find(entry.key, entry.versionId)
    if (!bucket || !version) return { kind: 'gone' }
    try {
      const answer = await this.#send(entry, bucket, version, signal)
      if (answer.kind === 'taken') return { kind: 'delivered' }
      return answer.kind === 'refused' ? { kind: 'failed', reason: answer.reason } : answer
    } catch (error) {
      if (error instanceof ReplicationFailure) return { kind: 'failed', reason: error.reason }
      if (!(error instanceof LifeboatError)) throw error
      if (error.code === 'ObjectNotFound') return { kind: 'gone' }
      if (error.code === 'ObjectDamaged') return { kind: 'failed', reason: 'SrcObjectNotFound' }
      throw error
    }
  }

  /** @throws ReplicationFailure */
  async #send(
    entry: Queued,
    bucket: Bucket,
    version: ObjectVersion,
    signal: AbortSignal,
  ): Promise<Exclude<Answer, { kind: 'absent' }>> {
    const configuration = bucket.setting<ReplicationConfiguration>('replication')
    const target = targetFor(configuration, entry, candidateOf(version))
    const role = configuration?.Role
    if (!target || role === undefined) {
      throw new ReplicationFailure('SrcBucketReplicationConfigMissing')
    }
    const { caller, keys } = this.#assumed(role)
    this.#checkSource(caller, bucket, version)
    const found = this.s3.directory.find(entry.destination)
    if (!found) throw new ReplicationFailure('DstBucketNotFound')
    if (found.versioning !== 'enabled') throw new ReplicationFailure('DstBucketUnversioned')

    const to = { region: found.region, bucket: entry.destination, key: version.key, keys }
    const manifest = manifestOf(version, target.storageClass)
    if (entry.isChange) {
      const answer = await this.client.send(to, { ...manifest, kind: 'change' }, nothing, signal)
      if (answer.kind !== 'absent') return answer
    }
    const content = version.isDeleteMarker ? nothing : () => bucket.read(version)
    const answer = await this.client.send(to, manifest, content, signal)
    if (answer.kind !== 'absent') return answer
    return { kind: 'away', cause: new Error('the destination answered what it cannot mean') }
  }

  #assumed(role: string) {
    try {
      return this.roles.assume(role, REPLICATION_SERVICE)
    } catch (error) {
      if (error instanceof AuthFault) throw new ReplicationFailure('AssumeRoleNotPermitted')
      throw error
    }
  }

  /** Source: S3 User Guide, "Setting up permissions for live replication". */
  #checkSource(caller: Caller, { name: bucket }: Bucket, version: ObjectVersion): void {
    const { key, tags, versionId, isDeleteMarker, retention, hasLegalHold } = version
    const at = { bucket, key, context: { 's3:VersionId': versionId } }
    const hasTags = Object.keys(tags).length > 0
    const asked: (readonly [string, object, FailureReason, boolean])[] = [
      ['GetReplicationConfiguration', { bucket }, 'SrcBucketReplicationConfigMissing', true],
      ['ListBucket', { bucket }, 'SrcGetObjNotPermitted', true],
      ['GetObjectVersionForReplication', at, 'SrcGetObjNotPermitted', true],
      ['GetObjectVersionAcl', at, 'SrcGetObjNotPermitted', !isDeleteMarker],
      ['GetObjectVersionTagging', at, 'SrcGetTaggingNotPermitted', hasTags],
      ['GetObjectRetention', at, 'SrcGetObjNotPermitted', retention !== undefined],
      ['GetObjectLegalHold', at, 'SrcGetObjNotPermitted', hasLegalHold],
    ]
    for (const [action, target, reason, isNeeded] of asked) {
      if (isNeeded && !this.s3.mayAlso({ caller, headers: new Map() }, action, target)) {
        throw new ReplicationFailure(reason)
      }
    }
  }
}

function manifestOf(version: ObjectVersion, storageClass: string | undefined): Manifest {
  const { versionId, modifiedAt, etag, sizeBytes, parts, tags, hasLegalHold, retention } = version
  const { replication, uploadId, ...attributes } = attributesOfVersion(version)
  const { storageClass: own, ...others } = attributes
  const asked = storageClass === undefined ? own : storageClass
  const isPlain = asked === undefined || asked === 'STANDARD'
  return {
    kind: version.isDeleteMarker ? 'delete-marker' : 'object',
    versionId,
    modifiedAtMs: modifiedAt.getTime(),
    etag,
    sizeBytes,
    parts,
    attributes: isPlain ? others : { ...others, storageClass: asked },
    tags,
    retention: retention && { mode: retention.mode, untilMs: retention.until.getTime() },
    hasLegalHold,
  }
}

async function* nothing(): AsyncGenerator<Buffer> {
  yield* []
}
