import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  rmdir,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf, codeOf, StoreUnderTest } from './store-under-test.ts'

let under: StoreUnderTest
beforeAll(async () => {
  under = await StoreUnderTest.open()
})
afterAll(() => under.close())

const LARGE = Buffer.alloc(3_000_000, 'large')

/** The files of bodies, wherever they lie. */
async function files(): Promise<string[]> {
  const all = await readdir(join(under.folder, 'blobs'), { recursive: true, withFileTypes: true })
  return all.filter((entry) => entry.isFile()).map(({ name }) => name)
}

describe('bytes', () => {
  test.each([0, 1, 16_384, 16_385, 65_536, 65_537, 1_048_576, 2_500_000])(
    '%i bytes come back, also a part of them and encrypted',
    async (sizeBytes) => {
      const bucket = await under.createBucket()
      const body = Buffer.from(Array.from({ length: sizeBytes }, (_, at) => at * 31 + (at >> 8)))
      const pieces = async function* () {
        for (let at = 0; at < sizeBytes; at += 70_001) yield body.subarray(at, at + 70_001)
      }
      for (const encrypt of [false, true]) {
        const version = await bucket.put('key', pieces(), { encrypt })
        expect((await bytesOf(bucket, version)).equals(body)).toBe(true)
        for (const from of [0, 1, 65_535, 65_536, sizeBytes - 1]) {
          for (const to of [from + 1, from + 65_537, sizeBytes]) {
            const range = { from, to: Math.min(to, sizeBytes) }
            const wanted = body.subarray(range.from, Math.max(range.from, range.to))
            if (from < 0 || from > sizeBytes) continue
            expect((await bytesOf(bucket, version, range)).equals(wanted)).toBe(true)
          }
        }
      }
    },
  )

  test('stay what was found while it is replaced and deleted', async () => {
    const bucket = await under.createBucket()
    for (const body of [Buffer.from('short'), LARGE]) {
      const version = await bucket.put('key', body)
      const reading = bucket.read(version)
      const first = await reading.next()
      await bucket.put('key', Buffer.from('another'))
      const rest = [Buffer.from(first.value)]
      for await (const bytes of reading) rest.push(bytes)
      expect(Buffer.concat(rest).equals(body)).toBe(true)
      expect(() => bucket.read(version)).toThrow('was replaced')
      await bucket.delete('key')
      expect(() => bucket.read(version)).toThrow('no version')
    }
  })

  test('stay when an object is copied onto itself', async () => {
    const bucket = await under.createBucket()
    for (const body of [Buffer.from('short'), LARGE]) {
      const version = await bucket.put('key', body)
      const copy = await bucket.copy({ bucket, version }, 'key')
      expect((await bytesOf(bucket, copy)).equals(body)).toBe(true)
    }
  })

  test('leave no file behind when they are replaced, deleted, refused or cut off', async () => {
    const bucket = await under.createBucket()
    const before = await files()
    const first = await bucket.put('key', LARGE)
    await bucket.copy({ bucket, version: first }, 'copy')
    await bucket.put('key', LARGE)
    const refused = bucket.put('key', LARGE, {
      beforeCommit: () => {
        throw new RangeError('no')
      },
    })
    await expect(refused).rejects.toThrow(RangeError)
    await expect(bucket.put('key', cutOff())).rejects.toThrow('cut off')
    expect(await codeOf(bucket.put('key', LARGE, { precondition: { ifNoneMatch: '*' } }))).toBe(
      'PreconditionFailed',
    )
    expect(await files()).toHaveLength(before.length + 2)
    await bucket.delete('key')
    await bucket.delete('copy')
    expect((await files()).sort()).toEqual(before.sort())
  })

  test('stay when what they replace cannot be removed', async () => {
    const bucket = await under.createBucket()
    const before = new Set(await files())
    await bucket.put('key', Buffer.alloc(100_000, 'old'))
    const [old] = (await files()).filter((name) => !before.has(name))
    const path = join(under.folder, 'blobs', old!.slice(0, 2), old!)
    await rm(path)
    await mkdir(path)
    await expect(bucket.put('key', LARGE)).rejects.toMatchObject({ code: 'ERR_FS_EISDIR' })
    await rmdir(path)
    expect((await bytesOf(bucket, bucket.find('key')!)).equals(LARGE)).toBe(true)
    await under.reopen()
    const again = under.store.findBucket(bucket.name)!
    expect((await bytesOf(again, again.find('key')!)).equals(LARGE)).toBe(true)
  })

  test.each(['cut off', 'changed', "another's", 'missing'])(
    'are not given out when their file is %s',
    async (how) => {
      const bucket = await under.createBucket()
      const paths: string[] = []
      for (const key of ['one', 'two']) {
        const before = new Set(await files())
        await bucket.put(key, LARGE, { encrypt: true })
        const [name] = (await files()).filter((file) => !before.has(file))
        paths.push(join(under.folder, 'blobs', name!.slice(0, 2), name!))
      }
      const [one, two] = paths as [string, string]
      const bytes = await readFile(one)
      if (how === 'cut off') await truncate(one, bytes.length - 1)
      else if (how === 'missing') await rm(one)
      else if (how === "another's") await copyFile(two, one)
      else await writeFile(one, bytes.with(2_000_000, bytes[2_000_000]! ^ 1))
      const reading = bytesOf(bucket, bucket.find('one')!)
      expect(await codeOf(reading)).toBe('ObjectDamaged')
      expect((await bytesOf(bucket, bucket.find('two')!)).equals(LARGE)).toBe(true)
    },
  )

  test('are not readable where they lie when they are encrypted', async () => {
    const bucket = await under.createBucket()
    const { key } = await bucket.put('key', LARGE, { encrypt: true })
    // A store with another key lists it and cannot read it.
    await expect(
      under.reopen({ encryptionKey: Buffer.alloc(32, 1) }).then(async () => {
        const again = under.store.findBucket(bucket.name)!
        return bytesOf(again, again.find(key)!)
      }),
    ).rejects.toMatchObject({ code: 'ObjectDamaged' })
    await under.reopen()
  })
})

async function* cutOff() {
  yield LARGE
  throw new Error('cut off')
}
