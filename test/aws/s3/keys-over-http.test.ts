import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { byBytes } from '../../objectstore/bucket-model.ts'
import { rawRequest } from './raw-request.ts'
import { refused, s3UnderTest } from './s3-under-test.ts'

const RUNS = Number(process.env.LIFEBOAT_FUZZ ?? 8)

/** What is awkward in paths, in XML, in UTF-8 and in the order of keys. */
const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...[
        'a',
        'b',
        '/',
        '//',
        '.',
        '..',
        '../',
        './',
        '%',
        '%2F',
        '%00',
        '+',
        ' ',
        '&',
        '<',
        ']]>',
      ],
      ...['?', '#', ';', '=', '"', "'", '\\', '~', '*', '(', '!', '@', ':', ',', '|', '\u{7f}'],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['\0', '\n', '\r', '\t', '\x1f', '\u0085', '\u2028', '\ufeff', '\ufffd', '\uffff'],
      // One letter in two forms, letters that are more than one, and what lies beyond the first plane.
      ...['\u00e9', 'e\u0301', '\u1e69', '\u0073\u0323\u0307', '\ufb01', '\u{1f6df}', '\u{10ffff}'],
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
)
const key = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(piece, { minLength: 1, maxLength: 6 }).map((all) => all.join('')),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('x'.repeat(1024), '\u{1f6df}'.repeat(256), '\0'.repeat(1024)),
  },
  { weight: 1, arbitrary: fc.constantFrom('/', '//', '.', '..', '/..', '../../etc/passwd', '\0') },
)
const isKey = (text: string) => {
  const { length } = Buffer.from(text)
  return length > 0 && length <= 1024 && Buffer.from(text).toString() === text
}
const keys = fc.uniqueArray(key.filter(isKey), { minLength: 1, maxLength: 12 })

/** What XML 1.0 can hold. Source: Extensible Markup Language 1.0, production 2. */
const fitsXml = (text: string) => !/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text)

/** The SDK's reader takes white space with a line break in it for the layout of a document, however it is written. */
const isRead = (text: string) => fitsXml(text) && !(text.trim() === '' && text.includes('\n'))

describe('keys, over HTTP', () => {
  const region = s3UnderTest()
  /** One that a run has to itself; and one in which nothing may be. */
  let Bucket = 'empty'
  let runs = 0
  beforeAll(() => region.bucket('empty', { isVersioned: true }))
  beforeEach(() => {
    Bucket = 'empty'
  })

  const listed = async (more: object = {}) => {
    const url = { EncodingType: 'url', ...more } as const
    const { Contents = [], CommonPrefixes = [] } = await region
      .sdk()
      .listObjectsV2({ Bucket, ...url })
    return {
      keys: Contents.map(({ Key = '' }) => decodeURIComponent(Key)),
      prefixes: CommonPrefixes.map(({ Prefix = '' }) => decodeURIComponent(Prefix)),
    }
  }

  test('come back as they were sent, each with its own bytes, in the order of their bytes', async () => {
    await fc.assert(
      fc.asyncProperty(keys, fc.nat(), async (all, chosen) => {
        Bucket = await region.bucket(`keys-${runs++}`, { isVersioned: true })
        const sorted = all.toSorted(byBytes)
        const ids = new Map<string, string>()
        for (const Key of all) {
          const { VersionId } = await region.sdk().putObject({ Bucket, Key, Body: `of ${Key}` })
          ids.set(Key, VersionId!)
        }
        for (const Key of all) expect(await region.text(Bucket, Key)).toBe(`of ${Key}`)

        expect((await listed()).keys).toEqual(sorted)
        const { Contents } = await region.sdk().listObjects({ Bucket })
        const plain = (Contents ?? []).map((one) => one.Key!)
        expect(plain).toHaveLength(all.length)
        expect(plain.filter((_, at) => isRead(sorted[at]!))).toEqual(sorted.filter(isRead))
        const { Versions } = await region.sdk().listObjectVersions({ Bucket, EncodingType: 'url' })
        expect(Versions?.map((one) => decodeURIComponent(one.Key!))).toEqual(sorted)
        expect(Versions?.map((one) => one.VersionId)).toEqual(sorted.map((one) => ids.get(one)))

        // One key as a prefix, a delimiter and a place to go on from.
        const one = sorted[chosen % sorted.length]!
        const inside = sorted.filter((other) => other.startsWith(one))
        expect((await listed({ Prefix: one })).keys).toEqual(inside)
        expect((await listed({ StartAfter: one })).keys).toEqual(
          sorted.filter((other) => byBytes(other, one) > 0),
        )
        const grouped = await listed({ Delimiter: one })
        expect(grouped.keys).toEqual(sorted.filter((other) => !other.includes(one)))
        expect(grouped.prefixes).toEqual([
          ...new Set(sorted.flatMap((other) => groupOf(other, one))),
        ])

        const copy = { Bucket, Key: `copy of ${one}`.slice(0, 500) }
        if (isKey(copy.Key)) {
          const CopySource = `${Bucket}/${encodeURIComponent(one)}?versionId=${ids.get(one)}`
          await region.sdk().copyObject({ ...copy, CopySource })
          expect(await region.text(Bucket, copy.Key)).toBe(`of ${one}`)
          const { VersionId } = await region.sdk().headObject(copy)
          await region.sdk().deleteObject({ ...copy, VersionId })
        }

        const many = all.filter(isRead)
        if (many.length > 0) {
          const Objects = many.map((Key) => ({ Key, VersionId: ids.get(Key) }))
          const { Deleted, Errors } = await region
            .sdk()
            .deleteObjects({ Bucket, Delete: { Objects } })
          expect(Errors ?? []).toEqual([])
          expect(Deleted?.map(({ Key }) => Key)).toEqual(many)
        }
        for (const Key of all.filter((text) => !isRead(text))) {
          await region.sdk().deleteObject({ Bucket, Key, VersionId: ids.get(Key) })
        }
        const left = await region.sdk().listObjectVersions({ Bucket, EncodingType: 'url' })
        expect([left.Versions ?? [], left.DeleteMarkers ?? []]).toEqual([[], []])
        expect(region.errors).toEqual([])
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  })

  test.each([
    ['1,025 bytes', 'x'.repeat(1025)],
    ['342 letters of three bytes', '\u20ac'.repeat(342)],
  ])('of %s are too long, and nothing is stored', async (_, Key) => {
    const body = { Bucket, Key, Body: 'x' }
    expect(await refused(region.sdk().putObject(body))).toMatchObject({
      ...{ code: 'KeyTooLongError', status: 400 },
    })
    const begun = region.sdk().createMultipartUpload({ Bucket, Key })
    expect((await refused(begun)).code).toBe('KeyTooLongError')
    expect((await listed()).keys).toEqual([])
  })

  test.each([
    ['half a letter beyond the first plane', '%ED%A0%80'],
    ['a letter that is longer than it need be', '%C0%AF'],
    ['a byte that begins nothing', 'a%FF'],
    ['half an escape', 'a%4'],
  ])('that are no UTF-8, as %s, are refused, and nothing is stored', async (_, path) => {
    const reply = await fetch(`${region.endpoint()}/${Bucket}/${path}`, {
      method: 'PUT',
      body: 'x',
    })
    expect([reply.status, await reply.text()]).toEqual([400, expect.stringContaining('InvalidURI')])
    expect((await listed()).keys).toEqual([])
  })

  test('never become the name of a file', async () => {
    Bucket = await region.bucket('escaping')
    const Key = '../../../../../escaped'
    await region.sdk().putObject({ Bucket, Key, Body: Buffer.alloc(50_000) })
    const reply = await rawRequest(region, {
      ...{ method: 'GET', path: `/${Bucket}`, query: [['prefix', '../'] as [string, string]] },
    })
    expect(await reply.text()).toContain(`<Key>${Key}</Key>`)
    const files = await readdir(region.folder(), { recursive: true })
    files.push(...(await readdir(dirname(region.folder()))))
    expect(files.filter((name) => name.includes('escaped'))).toEqual([])
  })
})

function groupOf(key: string, delimiter: string): string[] {
  const at = key.indexOf(delimiter)
  return at < 0 ? [] : [key.slice(0, at + delimiter.length)]
}
