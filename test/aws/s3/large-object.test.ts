import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { CREDENTIALS, REGION, s3UnderTest } from './s3-under-test.ts'

const MIB = 1024 * 1024
/** Not whole parts, so that the last one is a short one. `npm run sweep` takes a gigabyte. */
const SIZE = Number(process.env.LIFEBOAT_OBJECT_MB ?? 64) * MIB + 12_345
const PART = 8 * MIB
const TIMEOUT_MS = 30_000 + SIZE / 1000

const region = s3UnderTest()
const Bucket = 'large'
let folder: string
let file: string
let sha256: string

beforeAll(async () => {
  await region.bucket(Bucket)
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-large-'))
  file = join(folder, 'file')
  sha256 = await writeNoise(file)
}, TIMEOUT_MS)
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Bytes of which no two parts are alike. Resolves with their hash. */
async function writeNoise(path: string): Promise<string> {
  const noise = createCipheriv('aes-256-ctr', Buffer.alloc(32, 1), Buffer.alloc(16))
  const hash = createHash('sha256')
  const handle = await open(path, 'w')
  for (let at = 0; at < SIZE; at += MIB) {
    const piece = noise.update(Buffer.alloc(Math.min(MIB, SIZE - at)))
    hash.update(piece)
    await handle.write(piece)
  }
  await handle.close()
  return hash.digest('hex')
}

async function hashOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of stream) hash.update(piece)
  return hash.digest('hex')
}

test(
  'arrives in parts, four at a time, and leaves as it came, whole and by ranges',
  async () => {
    const Key = 'by-sdk'
    const { UploadId } = await region.sdk().createMultipartUpload({ Bucket, Key })
    const count = Math.ceil(SIZE / PART)
    const etags: (string | undefined)[] = []
    let next = 0
    const worker = async () => {
      for (let index = next++; index < count; index = next++) {
        const from = index * PART
        const end = Math.min(from + PART, SIZE) - 1
        const Body = createReadStream(file, { start: from, end })
        const part = { Bucket, Key, UploadId, PartNumber: index + 1, ContentLength: end + 1 - from }
        etags[index] = (await region.sdk().uploadPart({ ...part, Body })).ETag
      }
    }
    await Promise.all([worker(), worker(), worker(), worker()])
    const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }))
    await region
      .sdk()
      .completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts } })

    const whole = await region.sdk().getObject({ Bucket, Key })
    expect(whole.ContentLength).toBe(SIZE)
    expect(await hashOf(whole.Body as Readable)).toBe(sha256)
    for (const from of [0, PART - 7, SIZE - 1000]) {
      const to = Math.min(from + 1000, SIZE)
      const Range = `bytes=${from}-${to - 1}`
      const range = await region.sdk().getObject({ Bucket, Key, Range })
      const wanted = await hashOf(createReadStream(file, { start: from, end: to - 1 }))
      expect(await hashOf(range.Body as Readable)).toBe(wanted)
    }
    const last = await region.sdk().getObject({ Bucket, Key, PartNumber: count })
    expect(last).toMatchObject({ PartsCount: count, ContentLength: SIZE - (count - 1) * PART })
    ;(last.Body as Readable).destroy()
  },
  TIMEOUT_MS,
)

const hasCli = runs('aws', ['--version'])

test.skipIf(!hasCli)(
  `goes there and back by the aws CLI${hasCli ? '' : ' (skipped: needs aws CLI)'}`,
  async () => {
    const aws = (...args: string[]) =>
      outputOf('aws', ['s3', 'cp', '--only-show-errors', ...args], {
        AWS_ENDPOINT_URL: region.endpoint(),
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        AWS_DEFAULT_REGION: REGION,
        AWS_EC2_METADATA_DISABLED: 'true',
      })
    await aws(file, `s3://${Bucket}/by-cli`)
    // Parts of 8 MiB are copied one by one.
    await aws(`s3://${Bucket}/by-cli`, `s3://${Bucket}/copied`)
    const back = join(folder, 'back')
    await aws(`s3://${Bucket}/copied`, back)
    expect(await hashOf(createReadStream(back))).toBe(sha256)
    const head = await region.sdk().headObject({ Bucket, Key: 'copied' })
    expect(head.ETag).toMatch(new RegExp(`-${Math.ceil(SIZE / PART)}"$`))
  },
  TIMEOUT_MS,
)
