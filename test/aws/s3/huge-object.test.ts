import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { HERE, THERE, twoRegions } from './two-regions.ts'

/** `LIFEBOAT_OBJECT_MB=10240 npm test test/aws/s3/huge-object` takes the long form, and 26 GB of the disk at a time. */
const MEBIBYTE = 2 ** 20
const SIZE = Number(process.env.LIFEBOAT_OBJECT_MB ?? 40) * MEBIBYTE
/** Source: S3 User Guide, "Multipart upload limits": of one PUT or copy. */
const MAX_PUT_BYTES = 5 * 2 ** 30
const PART_BYTES = Math.max(8 * MEBIBYTE, SIZE / 80)
const PARTS_AT_ONCE = 4
const MOST_MEMORY_BYTES = 512e6
const DEADLINE_MS = 60_000 + SIZE / 10_000

describe(`an object of ${SIZE / MEBIBYTE} MiB`, { timeout: 10 * DEADLINE_MS }, () => {
  const world = twoRegions()
  const source = 'huge'
  const destination = 'huge-copy'
  const s3 = (region: string) => world.s3(region)

  test('passes by PUT, in parts, by copy and by replication in little memory', async () => {
    await world.bucket(HERE, source)
    await world.bucket(THERE, destination)
    const role = await world.role('huge', source, [destination])
    await world.replicate(HERE, source, role, [
      {
        ...{ ID: 'parts', Status: 'Enabled', Prefix: 'replicated/' },
        Destination: { Bucket: `arn:aws:s3:::${destination}` },
      },
    ])
    const at = (Key: string) => ({ Bucket: source, Key })
    const remove = async (Key: string, VersionId: string | undefined) => {
      await s3(HERE).send(new DeleteObjectCommand({ ...at(Key), VersionId }))
    }

    const putBytes = Math.min(SIZE, MAX_PUT_BYTES)
    const put = await timed('PUT', putBytes, () =>
      s3(HERE).send(
        new PutObjectCommand({
          ...{ ...at('put'), Body: Readable.from(bytesOf(0, putBytes)), ContentLength: putBytes },
        }),
      ),
    )
    const putHash = await hashOfBytes(0, putBytes)
    const got = await timed('GET', putBytes, () => hashOf(s3(HERE), source, 'put'))
    expect(got).toBe(putHash)
    const copySource = new CopyObjectCommand({ ...at('copy'), CopySource: `${source}/put` })
    const copied = await timed('copy', putBytes, () => s3(HERE).send(copySource))
    expect(await hashOf(s3(HERE), source, 'copy')).toBe(putHash)
    await remove('copy', copied.VersionId)
    await remove('put', put.VersionId)

    const key = 'replicated/parts'
    const parts = await timed('parts', SIZE, () => upload(at(key), partsOf(SIZE)))
    await timed('replication', SIZE, () =>
      until('it is replicated', DEADLINE_MS, async () => {
        return (await world.status(HERE, source, key)) === 'COMPLETED'
      }),
    )
    const hash = await hashOfBytes(0, SIZE)
    expect(await hashOf(s3(HERE), source, key)).toBe(hash)
    expect(await hashOf(s3(THERE), destination, key)).toBe(hash)
    const there = { Bucket: destination, Key: key, VersionId: parts.VersionId }
    await s3(THERE).send(new DeleteObjectCommand(there))

    const partCopy = await timed('copy in parts', SIZE, () => uploadCopy(at('by-parts'), at(key)))
    expect(await hashOf(s3(HERE), source, 'by-parts')).toBe(hash)
    await remove('by-parts', partCopy.VersionId)

    const { regions } = await world.home().status()
    for (const { name, pid } of regions) {
      const peak = peakMemoryBytes(pid!)
      figure(`${name}: ${Math.round(peak / 1e6)} MB of memory at most`)
      expect(peak, name).toBeLessThan(MOST_MEMORY_BYTES)
    }
  })

  async function upload(at: { Bucket: string; Key: string }, parts: readonly Part[]) {
    const { UploadId } = await s3(HERE).send(new CreateMultipartUploadCommand(at))
    const done = await byTurns(parts, async ({ number, from, to }) => {
      const ContentLength = to - from
      const Body = Readable.from(bytesOf(from, to))
      const part = { ...at, UploadId, PartNumber: number, Body, ContentLength }
      const { ETag } = await s3(HERE).send(new UploadPartCommand(part))
      return { PartNumber: number, ETag }
    })
    const MultipartUpload = { Parts: done }
    return await s3(HERE).send(
      new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }),
    )
  }

  async function uploadCopy(at: { Bucket: string; Key: string }, from: typeof at) {
    const { UploadId } = await s3(HERE).send(new CreateMultipartUploadCommand(at))
    const done = await byTurns(partsOf(SIZE), async (part) => {
      const { CopyPartResult } = await s3(HERE).send(
        new UploadPartCopyCommand({
          ...{ ...at, UploadId, PartNumber: part.number },
          CopySource: `${from.Bucket}/${from.Key}`,
          CopySourceRange: `bytes=${part.from}-${part.to - 1}`,
        }),
      )
      return { PartNumber: part.number, ETag: CopyPartResult?.ETag }
    })
    const MultipartUpload = { Parts: done }
    return await s3(HERE).send(
      new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }),
    )
  }
})

interface Part {
  readonly number: number
  readonly from: number
  readonly to: number
}

function partsOf(sizeBytes: number): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / PART_BYTES) }, (_, index) => ({
    number: index + 1,
    from: index * PART_BYTES,
    to: Math.min((index + 1) * PART_BYTES, sizeBytes),
  }))
}

async function byTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!)
  }
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, worker))
  return results
}

/** The bytes of the object from one place to another; no two blocks are alike. */
function* bytesOf(from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; ) {
    const block = Math.floor(at / MEBIBYTE)
    const end = Math.min((block + 1) * MEBIBYTE, to)
    const bytes = Buffer.alloc(MEBIBYTE, `block ${block} of a huge object, `)
    yield bytes.subarray(at % MEBIBYTE, (at % MEBIBYTE) + end - at)
    at = end
  }
}

async function hashOfBytes(from: number, to: number): Promise<string> {
  return await hashOfAll(bytesOf(from, to))
}

async function hashOf(s3: S3Client, Bucket: string, Key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return await hashOfAll(Body as Readable)
}

async function hashOfAll(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

async function timed<Result>(
  what: string,
  sizeBytes: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const began = performance.now()
  const result = await work()
  const seconds = (performance.now() - began) / 1000
  figure(`${what}: ${seconds.toFixed(1)} s, ${Math.round(sizeBytes / seconds / 1e6)} MB/s`)
  return result
}

/** Prints what the long form has measured. */
function figure(text: string): void {
  if (process.env.LIFEBOAT_OBJECT_MB) process.stdout.write(`${text}\n`)
}

/** The most memory that a process has ever held. Source: proc(5), VmHWM. */
function peakMemoryBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
