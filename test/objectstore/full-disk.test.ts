import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bytesOf, codeOf, StoreUnderTest } from './store-under-test.ts'

const MIB = 1 << 20

test.for([
  ['short', 8_000],
  ['large', 300_000],
] as const)(
  'a disk that fills up with %s objects costs none, and they can be deleted',
  async ([_, sizeBytes], context) => {
    if (process.getuid?.() !== 0) return context.skip('skipped: needs root, to mount a tmpfs')
    const mount = (folder: string) =>
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder])
    const under = await StoreUnderTest.open(mount)
    try {
      const ballast = join(under.folder, 'ballast')
      writeFileSync(ballast, Buffer.alloc(24 * MIB))
      const bucket = await under.createBucket()
      const acknowledged: string[] = []
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let number = 0; ; number++) {
          const key = `${writer}-${number}`
          const code = await codeOf(bucket.put(key, Buffer.alloc(sizeBytes, key)))
          if (code !== 'no error') return code
          acknowledged.push(key)
        }
      })
      expect(new Set(await Promise.all(writers))).toEqual(new Set(['DiskFull']))
      const { objects } = await bucket.list({ limit: 1e6 })
      expect(objects.map(({ key }) => key).sort()).toEqual(acknowledged.toSorted())
      expect(readdirSync(join(under.folder, 'blobs', 'incoming'))).toEqual([])

      const gone = acknowledged.shift()!
      expect(await codeOf(bucket.delete(gone))).toBe('no error')
      rmSync(ballast)
      expect(await codeOf(bucket.put('later', Buffer.alloc(sizeBytes, 'later')))).toBe('no error')
      await under.reopen()
      const again = under.store.findBucket(bucket.name)!
      expect(again.find(gone)).toBeUndefined()
      for (const key of [...acknowledged, 'later']) {
        const bytes = await bytesOf(again, again.find(key)!)
        expect(bytes.equals(Buffer.alloc(sizeBytes, key))).toBe(true)
      }
    } finally {
      await under.store.close()
      execFileSync('umount', [under.folder])
      rmSync(under.folder, { recursive: true })
    }
  },
)
