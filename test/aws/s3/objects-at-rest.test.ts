import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { s3UnderTest } from './s3-under-test.ts'

const CANARY = 'a canary that no file may hold in clear'

describe('objects at rest', () => {
  const region = s3UnderTest()
  const files = async () => {
    const entries = await readdir(region.folder(), { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ path, name }) => join(path, name))
  }

  test('stand in no file in clear, and in none that others may read', async () => {
    const Bucket = await region.bucket('rest')
    const large = Buffer.alloc(2_000_000, CANARY)
    await region.sdk().putObject({ Bucket, Key: 'small', Body: CANARY })
    await region.sdk().putObject({ Bucket, Key: 'large', Body: large })
    const { UploadId } = await region.sdk().createMultipartUpload({ Bucket, Key: 'parts' })
    const at = { Bucket, Key: 'parts', UploadId: UploadId!, PartNumber: 1 }
    await region.sdk().uploadPart({ ...at, Body: large })
    await region.sdk().copyObject({ Bucket, Key: 'copy', CopySource: `${Bucket}/large` })

    const all = await files()
    expect(all.filter((file) => file.includes('blobs'))).not.toEqual([])
    for (const file of all) {
      expect((await readFile(file)).includes(CANARY), file).toBe(false)
      expect((await stat(file)).mode & 0o077, file).toBe(0)
    }
    expect(await region.text(Bucket, 'small')).toBe(CANARY)
    expect(await region.text(Bucket, 'copy')).toBe(large.toString())
  })
})
