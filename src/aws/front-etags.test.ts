import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareKeys } from '../core/object-key-order.ts'
import { type Fetch, frontEtags } from './front-etags.ts'
import type { ListedVersion } from './version-page.ts'

/** A bucket as S3 lists it: by key, and newest first under each key. */
function bucketOf(versions: readonly ListedVersion[], pageLength: number) {
  let requests = 0
  const fetch: Fetch = async ({ prefix = '', after = '', most = pageLength }) => {
    requests += 1
    const rest = versions.filter(
      ({ key }) => key.startsWith(prefix) && (after === '' || compareKeys(key, after) > 0),
    )
    const page = rest.slice(0, Math.min(most, pageLength))
    const next = page.length < rest.length ? { KeyMarker: page.at(-1)!.key } : undefined
    return { versions: page, next }
  }
  return { fetch, requests: () => requests }
}

function versionsOf(key: string, etags: readonly (string | null)[]): ListedVersion[] {
  return etags.map((etag, age) => ({
    ...{ key, versionId: `${age}`, isDeleteMarker: etag === null, isLatest: age === 0 },
    ...{ modifiedAt: new Date(0), etag: etag ?? '', sizeBytes: 1, storageClass: undefined },
  }))
}

const aKey = fc.oneof(
  fc.nat(400).map((number) => `receipts/${number}`),
  fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'b', '/', 'é', '😀') }),
)

test('finds what is in front of each key, however close they lie', async () => {
  const content = fc.dictionary(
    aKey,
    fc.array(fc.option(fc.string()), { minLength: 1, maxLength: 3 }),
    { maxKeys: 300 },
  )
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.array(aKey, { maxLength: 200 }),
      fc.nat(60),
      async (all, others, size) => {
        const listed = Object.entries(all)
          .sort(([a], [b]) => compareKeys(a, b))
          .flatMap(([key, etags]) => versionsOf(key, etags))
        const keys = [...Object.keys(all).filter((_, i) => i % 2 === 0), ...others]
        const { fetch } = bucketOf(listed, size + 40)
        const expected = new Map(
          [...new Set(keys)]
            .filter((key) => Object.hasOwn(all, key) && all[key]![0] !== null)
            .map((key) => [key, all[key]![0]!]),
        )
        expect(await frontEtags(keys, fetch)).toEqual(expected)
      },
    ),
  )
})

test('a page that ends within a key has told its newest version', async () => {
  const keys = Array.from({ length: 90 }, (_, index) => `k${String(index).padStart(2, '0')}`)
  const listed = keys.flatMap((key) => versionsOf(key, [`${key}-new`, `${key}-old`, null]))
  const { fetch } = bucketOf(listed, 100)
  const found = await frontEtags(keys, fetch)
  expect(found).toEqual(new Map(keys.map((key) => [key, `${key}-new`])))
})

test('asks once for a page of keys that lie together, and once for each that lies alone', async () => {
  const near = Array.from({ length: 3_000 }, (_, index) => `receipts/${100_000 + index}`)
  const dense = bucketOf(
    near.flatMap((key) => versionsOf(key, ['tag'])),
    1_000,
  )
  expect((await frontEtags(near, dense.fetch)).size).toBe(3_000)
  expect(dense.requests()).toBeLessThanOrEqual(5)
  const far = near.filter((_, index) => index % 100 === 0)
  const sparse = bucketOf(
    near.flatMap((key) => versionsOf(key, ['tag'])),
    1_000,
  )
  expect((await frontEtags(far, sparse.fetch)).size).toBe(30)
  expect(sparse.requests()).toBeLessThanOrEqual(31)
})
