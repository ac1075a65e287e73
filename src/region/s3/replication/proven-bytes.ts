import { createHash } from 'node:crypto'
import { S3Fault } from '../faults.ts'
import type { Manifest } from './manifest.ts'

/**
 * Passes the bytes of a replica on, and throws instead of ending when they are not what the manifest says.
 *
 * @throws S3Fault `BadDigest`, `IncompleteBody`
 */
export async function* provenBytes(
  body: AsyncIterable<Buffer>,
  { etag, sizeBytes, parts }: Manifest,
): AsyncGenerator<Buffer> {
  const wanted = parts ?? [{ sizeBytes, etag }]
  let [at, left, md5] = [0, wanted[0]?.sizeBytes ?? 0, createHash('md5')]
  const endParts = () => {
    while (left === 0 && at < wanted.length) {
      if (md5.digest('hex') !== wanted[at]!.etag) {
        throw new S3Fault('BadDigest', 'The bytes are not those of the version.')
      }
      at += 1
      left = wanted[at]?.sizeBytes ?? 0
      md5 = createHash('md5')
    }
  }
  endParts()
  for await (const piece of body) {
    for (let from = 0; from < piece.length; ) {
      if (at >= wanted.length) throw new S3Fault('BadDigest', 'The version has fewer bytes.')
      const bytes = piece.subarray(from, from + left)
      md5.update(bytes)
      left -= bytes.length
      from += bytes.length
      endParts()
    }
    yield piece
  }
  if (at < wanted.length) throw new S3Fault('IncompleteBody', 'The version has more bytes.')
}
