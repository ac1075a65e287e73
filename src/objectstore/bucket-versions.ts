import { LifeboatError } from '../core/errors.ts'
import type { BucketState } from './bucket-state.ts'
import { refuseIfLocked } from './object-lock.ts'
import {
  type ObjectVersion,
  type Retention,
  type VersionRecord,
  versionOf,
} from './object-version.ts'
import type { DeleteOptions, Precondition, PutOptions, Tell } from './put-options.ts'
import { parsePlace, placeOfVersionId, versionIdOf } from './version-key.ts'
import { NULL_VERSION, type PlacedVersion, Versions } from './versions.ts'

/** What a version consists of, and how it comes to hold its bytes. */
export interface Content
  extends Pick<VersionRecord, 'sizeBytes' | 'etag' | 'blobs' | 'parts' | 'isDeleteMarker'> {
  /** Writes to the index that the bytes are in use. */
  readonly hold: () => void
}

/** The versions of a bucket as they change. Every method runs within a change of the index and refuses before it writes. */
export class BucketVersions {
  constructor(private readonly state: BucketState) {}

  of(key: string): Versions {
    return new Versions(this.state.index, this.state.number, key)
  }

  /** @throws LifeboatError `ObjectNotFound` */
  get(key: string, versionId: string): PlacedVersion {
    const found = this.of(key).find(versionId)
    if (found) return found
    throw new LifeboatError(
      'ObjectNotFound',
      `'${this.state.name}' has no version '${versionId}' of '${key}'`,
    )
  }

  /**
   * Puts a version in front of all others, or a replica in its place.
   *
   * @throws LifeboatError `PreconditionFailed`, `ObjectNotFound`, `ObjectLocked` when it would replace what is locked
   */
  insert(key: string, o: PutOptions, { hold, ...content }: Content): ObjectVersion {
    const versions = this.of(key)
    const latest = versions.latest()
    checkPrecondition(latest?.record, o.precondition)
    const same = o.replicaOf && versions.find(o.replicaOf.versionId)
    if (same) return versionOf(key, same.record, isSame(same, latest))

    const place = o.replicaOf
      ? replicaPlace(o.replicaOf.versionId)
      : versions.nextPlace(this.state.now(), this.state.random)
    const isNull = !o.replicaOf && this.state.versioning !== 'enabled'
    const replaced = isNull ? versions.find(NULL_VERSION) : undefined
    if (replaced) refuseIfLocked(replaced.record, { now: this.state.lockTime() })
    const record: VersionRecord = {
      versionId: isNull ? NULL_VERSION : versionIdOf(place),
      modifiedAtMs: o.replicaOf?.modifiedAt.getTime() ?? parsePlace(place).timeMs,
      attributes: o.attributes ?? {},
      tags: o.tags ?? {},
      ...lockFields(o.retention, o.hasLegalHold),
      ...content,
      ...(o.replicaOf?.etag === undefined ? {} : { etag: o.replicaOf.etag }),
      ...(o.replicaOf?.parts ? { parts: o.replicaOf.parts } : {}),
    }
    const isLatest = !latest || Buffer.compare(place, latest.place) > 0
    const told = o.outbox?.(versionOf(key, record, isLatest))
    const kept = withTold(record, told)
    // First what is new: it may be the very bytes of what it replaces.
    hold()
    if (replaced) this.#drop(versions, replaced)
    versions.put({ place, record: kept })
    this.#tell(told)
    return versionOf(key, kept, isLatest)
  }

  /** @throws LifeboatError `ObjectLocked` */
  remove(
    key: string,
    found: PlacedVersion,
    o: Pick<DeleteOptions, 'bypassGovernance' | 'outbox'>,
  ): ObjectVersion {
    refuseIfLocked(found.record, { now: this.state.lockTime(), ...o })
    const versions = this.of(key)
    const version = versionOf(key, found.record, isSame(found, versions.latest()))
    const told = o.outbox?.(version)
    this.#drop(versions, found)
    this.#tell(told)
    return version
  }

  replace(
    key: string,
    place: Buffer,
    record: VersionRecord,
    outbox: PutOptions['outbox'],
  ): ObjectVersion {
    const versions = this.of(key)
    const isLatest = isSame({ place }, versions.latest())
    const told = outbox?.(versionOf(key, record, isLatest))
    const kept = withTold(record, told)
    versions.put({ place, record: kept })
    this.#tell(told)
    return versionOf(key, kept, isLatest)
  }

  #drop(versions: Versions, { place, record }: PlacedVersion): void {
    versions.remove(place)
    for (const blob of record.blobs) this.state.blobs.release(blob)
  }

  #tell(told: Told): void {
    for (const entry of told?.entries ?? []) this.state.outbox.append(entry)
  }
}

type Told = ReturnType<Tell>

function withTold(record: VersionRecord, told: Told): VersionRecord {
  if (!told?.attributes) return record
  return { ...record, attributes: { ...record.attributes, ...told.attributes } }
}

export function isSame(
  one: Pick<PlacedVersion, 'place'>,
  other: PlacedVersion | undefined,
): boolean {
  return other?.place.equals(one.place) === true
}

/** A delete marker counts as nothing. @throws LifeboatError `PreconditionFailed`, `ObjectNotFound` */
export function checkPrecondition(
  latest: VersionRecord | undefined,
  { ifNoneMatch, ifMatch }: Precondition = {},
): void {
  const there = latest?.isDeleteMarker ? undefined : latest
  if (ifNoneMatch && there) {
    throw new LifeboatError('PreconditionFailed', 'an object is there already')
  }
  if (ifMatch === undefined) return
  if (!there) throw new LifeboatError('ObjectNotFound', 'there is no object to compare with')
  if (ifMatch !== '*' && there.etag !== ifMatch) {
    throw new LifeboatError('PreconditionFailed', 'another object is there')
  }
}

export function lockFields(
  retention: Retention | null | undefined,
  hasLegalHold: boolean | undefined,
): Pick<VersionRecord, 'retention' | 'hasLegalHold'> {
  const { mode, until } = retention ?? {}
  return {
    ...(mode && until ? { retention: { mode, untilMs: until.getTime() } } : {}),
    ...(hasLegalHold ? { hasLegalHold: true as const } : {}),
  }
}

function replicaPlace(versionId: string): Buffer {
  const place = placeOfVersionId(versionId)
  if (place) return place
  throw new LifeboatError('InvalidUsage', `'${versionId}' is no version id of a store like this`)
}
