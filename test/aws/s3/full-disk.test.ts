import { readdirSync, statfsSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

const isRoot = process.getuid?.() === 0
const { sdk, bucket, folder, errors, restart } = s3UnderTest({ disk: isRoot ? '64m' : undefined })

test('on a full disk S3 says so, changes nothing, and objects can be read and deleted', async (context) => {
  if (!isRoot) return context.skip('skipped: needs root, to mount a tmpfs')
  const Bucket = await bucket('full', { isVersioned: true })
  const put = (Key: string, bytes: number) =>
    sdk().putObject({ Bucket, Key, Body: Buffer.alloc(bytes, Key) })
  await put('kept', 100_000)
  const { UploadId } = await sdk().createMultipartUpload({ Bucket, Key: 'parts' })
  const filler = join(folder(), 'filler')
  const { bavail, bsize } = statfsSync(folder())
  // What is left is kept for changes that make space.
  writeFileSync(filler, Buffer.alloc(bavail * bsize - 8_000_000))

  const full = { code: 'ServiceUnavailable', status: 503 }
  expect(await refused(put('new', 100_000))).toMatchObject(full)
  expect(await refused(put('kept', 10))).toMatchObject(full)
  const part = { Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: Buffer.alloc(100_000) }
  expect(await refused(sdk().uploadPart(part))).toMatchObject(full)
  expect(await refused(sdk().createBucket({ Bucket: 'another' }))).toMatchObject(full)
  expect(errors).toEqual([])

  const { Contents } = await sdk().listObjectsV2({ Bucket })
  expect(Contents?.map(({ Key, Size }) => [Key, Size])).toEqual([['kept', 100_000]])
  const got = await sdk().getObject({ Bucket, Key: 'kept' })
  expect(Buffer.from(await got.Body!.transformToByteArray())).toEqual(Buffer.alloc(100_000, 'kept'))
  const { DeleteMarker } = await sdk().deleteObject({ Bucket, Key: 'kept' })
  expect(DeleteMarker).toBe(true)

  // The name was not kept: nobody would know of a bucket by that name.
  expect(readdirSync(join(folder(), 'buckets'))).toEqual(['full.json'])
  await rm(filler)
  await put('new', 100_000)
  await restart()
  const { Versions, DeleteMarkers } = await sdk().listObjectVersions({ Bucket })
  expect(Versions?.map(({ Key }) => Key)).toEqual(['kept', 'new'])
  expect(DeleteMarkers?.map(({ Key }) => Key)).toEqual(['kept'])
  expect(await refused(sdk().headBucket({ Bucket: 'another' }))).toMatchObject({ status: 404 })
})
