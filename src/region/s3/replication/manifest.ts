import { createHash } from 'node:crypto'
import type { Retention } from '../../../objectstore/object-version.ts'
import { S3Fault } from '../faults.ts'
import type { ObjectAttributes } from '../object-attributes.ts'

/**
 * What a destination is told of a version: in front of its bytes, in the body of a PUT.
 *
 * The header that announces it carries its length and hash and is signed, and it carries the hashes of the bytes; so all of
 * the body is proven, however long it is.
 */
export interface Manifest {
  /** `change` is of a version that is there already: it has no bytes. */
  readonly kind: 'object' | 'delete-marker' | 'change'
  readonly versionId: string
  readonly modifiedAtMs: number
  /** MD5 of the bytes in hex, or of the parts' MD5s with `-` and their number. */
  readonly etag: string
  readonly sizeBytes: number
  readonly parts: readonly ReplicaPart[] | undefined
  readonly attributes: ObjectAttributes
  readonly tags: Readonly<Record<string, string>>
  readonly retention: { readonly mode: Retention['mode']; readonly untilMs: number } | undefined
  readonly hasLegalHold: boolean
}

export interface ReplicaPart {
  readonly number: number
  readonly sizeBytes: number
  readonly etag: string
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Accepted from sessions of the replication service only. */
export const REPLICA_HEADER = 'x-amz-lifeboat-replica'

/** 10,000 parts with their checksums are about 2 MB. In bytes. */
const MAX_MANIFEST_BYTES = 8 * 1024 * 1024

export function formatManifest(manifest: Manifest): { header: string; bytes: Buffer } {
  const bytes = Buffer.from(JSON.stringify(manifest))
  return { header: `${bytes.length}-${hashOf(bytes)}`, bytes }
}

/**
 * Reads the manifest, and leaves the bytes that follow it. The pieces are the caller's to end.
 *
 * @throws S3Fault `InvalidRequest`, `BadDigest`
 */
export async function readManifest(
  header: string,
  pieces: AsyncIterator<Buffer>,
): Promise<{ manifest: Manifest; rest: AsyncGenerator<Buffer> }> {
  const [, lengthText, hash] = /^(\d{1,7})-([0-9a-f]{64})$/.exec(header) ?? []
  const length = Number(lengthText ?? Number.NaN)
  if (!(length <= MAX_MANIFEST_BYTES)) throw new S3Fault('InvalidRequest', 'That is no replica.')
  const held: Buffer[] = []
  let size = 0
  while (size < length) {
    const { value, done } = await pieces.next()
    if (done) throw new S3Fault('IncompleteBody', 'The body ended within the manifest.')
    held.push(value)
    size += value.length
  }
  const all = Buffer.concat(held)
  const bytes = all.subarray(0, length)
  if (hashOf(bytes) !== hash)
    throw new S3Fault('BadDigest', 'The manifest is not as it was signed.')
  const manifest: Manifest = JSON.parse(bytes.toString())
  return { manifest, rest: following(all.subarray(length), pieces) }
}

async function* following(first: Buffer, pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
