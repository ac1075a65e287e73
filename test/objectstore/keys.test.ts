import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { byBytes } from './bucket-model.ts'
import { bytesOf, codeOf, StoreUnderTest } from './store-under-test.ts'

let under: StoreUnderTest
beforeAll(async () => {
  under = await StoreUnderTest.open()
})
afterAll(() => under.close())

/** Any Unicode text that has a form in UTF-8, up to the longest key. */
const key = fc
  .oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }) },
    {
      weight: 1,
      arbitrary: fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 400 }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('/', '//', '.', '..', '../../etc/passwd', '\0', '\0\0'),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('x'.repeat(1024), '\0'.repeat(1024), '\u{10ffff}'.repeat(256)),
    },
  )
  .filter((text) => Buffer.byteLength(text) <= 1024 && Buffer.from(text).toString() === text)

test('any keys are told apart, found again and listed in the order of their bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { minLength: 1, maxLength: 30 }), async (keys) => {
      const bucket = await under.createBucket()
      await Promise.all(keys.map((one) => bucket.put(one, Buffer.from(`of ${one}`))))
      const { objects } = await bucket.list({ limit: 1000 })
      expect(objects.map((version) => version.key)).toEqual(keys.toSorted(byBytes))
      for (const one of keys) {
        const bytes = await bytesOf(bucket, bucket.find(one)!)
        expect(bytes.toString()).toBe(`of ${one}`)
      }
    }),
    { numRuns: 60 },
  )
})

test('forms of one letter are different keys', async () => {
  const bucket = await under.createBucket()
  await bucket.put('\u00e9', Buffer.from('one'))
  await bucket.put('e\u0301', Buffer.from('other'))
  expect((await bucket.list({ limit: 10 })).objects).toHaveLength(2)
})

test.each([
  ['empty', ''],
  ['longer than 1,024 bytes', 'x'.repeat(1025)],
  ['longer than 1,024 bytes in UTF-8', '\u{10000}'.repeat(257)],
  ['half a letter', 'a\ud800'],
])('a key that is %s is refused', async (_, bad) => {
  const bucket = await under.createBucket()
  expect(await codeOf(bucket.put(bad, Buffer.from('a')))).toBe('ObjectKeyInvalid')
  expect(await codeOf(bucket.uploads.begin(bad))).toBe('ObjectKeyInvalid')
  expect(await codeOf(bucket.delete(bad))).toBe('ObjectKeyInvalid')
  expect(bucket.find(bad)).toBeUndefined()
  expect((await bucket.list({ limit: 10 })).objects).toEqual([])
})
