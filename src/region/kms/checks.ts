import type { Tag as WireTag } from '../protocol/models/kms.ts'
import { KmsFault } from '../protocol/models/kms.ts'
import type { EncryptionContext } from './encryption-context.ts'
import { type KeyRecord, stateOf, type Tag } from './key.ts'

/** What several actions check in the same way. Source: KMS API Reference, each action; Developer Guide, "Quotas". */

const MAX_TAGS = 50
const MAX_PLAINTEXT_BYTES = 4096
const MAX_CIPHERTEXT_BYTES = 6144
const MAX_CONTEXT_LENGTH = 8192
const MAX_RESULTS = 100

export function invalid(message: string) {
  return new KmsFault('ValidationException', message)
}

/** Refuses what an embedded region could only pretend to do. */
export function refuseUnsupported(claims: Readonly<Record<string, boolean>>): void {
  for (const [claim, isMade] of Object.entries(claims)) {
    if (!isMade) continue
    const words = `${claim} is not available in an embedded region.`
    throw new KmsFault('UnsupportedOperationException', words)
  }
}

export function checkedDescription(description: string | undefined): string {
  if ((description ?? '').length <= 8192) return description ?? ''
  throw invalid('Description has at most 8192 characters.')
}

export function checkedTags(tags: readonly WireTag[] = []): Tag[] {
  const checked = tags.map(({ TagKey = '', TagValue = '' }): Tag => {
    const isFine = /^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u.test(TagKey) && TagValue.length <= 256
    if (isFine && !/^aws:/i.test(TagKey)) return { TagKey, TagValue }
    throw new KmsFault('TagException', `The tag '${TagKey}' is not valid.`)
  })
  if (new Set(checked.map(({ TagKey }) => TagKey)).size < checked.length) {
    throw new KmsFault('TagException', 'Duplicate tag keys')
  }
  return withinQuota(checked)
}

export function withinQuota(tags: Tag[]): Tag[] {
  if (tags.length <= MAX_TAGS) return tags
  throw new KmsFault('LimitExceededException', `A key has at most ${MAX_TAGS} tags.`)
}

/** @throws KmsFault `InvalidAliasNameException` */
export function checkedAlias(name: string | undefined): string {
  if (name && name.length <= 256 && /^alias\/[a-zA-Z0-9/_-]+$/.test(name)) {
    if (!name.startsWith('alias/aws/')) return name
    throw new KmsFault('InvalidAliasNameException', 'The alias is reserved for keys of AWS.')
  }
  throw new KmsFault('InvalidAliasNameException', "An alias begins with 'alias/'.")
}

export function checkedContext(context: EncryptionContext | undefined): EncryptionContext {
  const given = context ?? {}
  if (JSON.stringify(given).length <= MAX_CONTEXT_LENGTH) return given
  throw invalid(`The encryption context has at most ${MAX_CONTEXT_LENGTH} characters.`)
}

export function checkedPlaintext(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes && bytes.length >= 1 && bytes.length <= MAX_PLAINTEXT_BYTES) return bytes
  throw invalid(`A plaintext has 1 to ${MAX_PLAINTEXT_BYTES} bytes.`)
}

export function checkedCiphertext(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes && bytes.length >= 1 && bytes.length <= MAX_CIPHERTEXT_BYTES) return bytes
  throw invalid(`A ciphertext has 1 to ${MAX_CIPHERTEXT_BYTES} bytes.`)
}

/** Only symmetric keys are here, with one algorithm. @throws KmsFault `InvalidKeyUsageException` */
export function checkAlgorithm(...asked: (string | undefined)[]): void {
  const other = asked.find((name) => name !== undefined && name !== 'SYMMETRIC_DEFAULT')
  if (other === undefined) return
  throw new KmsFault('InvalidKeyUsageException', `The algorithm ${other} is not that of the key.`)
}

/** @throws KmsFault `KMSInvalidStateException` while a deletion is scheduled */
export function checkNotPendingDeletion(key: KeyRecord): void {
  if (stateOf(key) !== 'PendingDeletion') return
  throw new KmsFault('KMSInvalidStateException', `${key.arn} is pending deletion.`)
}

/** One page of a list, and the marker for the next. @throws KmsFault `InvalidMarkerException` */
export function pageOf<T>(
  all: readonly T[],
  { Limit, Marker }: { Limit?: number | undefined; Marker?: string | undefined },
): { items: T[]; next: { NextMarker?: string; Truncated: boolean } } {
  const size = Limit ?? MAX_RESULTS
  if (!Number.isInteger(size) || size < 1 || size > 1000) throw invalid('Limit is 1 to 1000.')
  if (Marker !== undefined && !/^after-\d{1,9}$/.test(Marker)) {
    throw new KmsFault('InvalidMarkerException', 'The marker is not valid.')
  }
  const start = Marker === undefined ? 0 : Number(Marker.slice('after-'.length))
  const end = start + size
  const isCut = end < all.length
  return {
    items: all.slice(start, end),
    next: { Truncated: isCut, ...(isCut ? { NextMarker: `after-${end}` } : {}) },
  }
}
