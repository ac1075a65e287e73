import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Bucket } from '../../src/objectstore/bucket.ts'
import type { ObjectVersion } from '../../src/objectstore/object-version.ts'
import { BucketModel, type ModelItem } from './bucket-model.ts'
import { bytesOf, codeOf, StoreUnderTest } from './store-under-test.ts'

/** Few, so that sequences meet the same key again; with what is awkward in keys. */
const piece = fc.constantFrom(
  'a',
  'b',
  '/',
  '//',
  '\0',
  '../',
  'é',
  'e\u0301',
  '\uffff',
  '\u{10000}',
)
const text = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''))
const key = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('a', 'a/b') },
  { weight: 1, arbitrary: fc.constantFrom('a', 'a/', 'a/b', 'b') },
  { weight: 2, arbitrary: text },
)
const page = fc.record({
  prefix: fc.oneof(fc.constant(''), text),
  delimiter: fc.constantFrom<string>('', '/', 'b', '//'),
  limit: fc.integer({ min: 1, max: 4 }),
})
const which = fc.nat(5)
const body = fc.constantFrom('', 'one', 'x'.repeat(20_000))
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key, body }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('putIfNone' as const), key, body }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('putIfMatch' as const), key, body, which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('putReplica' as const), key, body, which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('deleteVersion' as const), key, which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('copy' as const), key, to: key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('putClockBack' as const),
      seconds: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('setVersioning' as const),
      to: fc.constantFrom('enabled' as const, 'suspended' as const),
    }),
  },
)
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

let under: StoreUnderTest
beforeAll(async () => {
  under = await StoreUnderTest.open()
})
afterAll(() => under.close())

test('a bucket is like its model after any sequence of changes, also when it was opened again', async () => {
  let reopened = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 1, maxLength: 25 }),
      fc.array(page, { minLength: 3, maxLength: 3 }),
      async (operations, pages) => {
        const comparison = new Comparison(
          await under.createBucket(),
          await under.createBucket('enabled'),
        )
        for (const one of operations) await comparison.apply(one)
        await comparison.compare(pages)
        if (reopened++ % 20 === 0) {
          await under.reopen()
          await comparison.compare(pages, under.store.findBucket(comparison.name))
        }
      },
    ),
    { numRuns: Number(process.env.LIFEBOAT_RUNS ?? 150) },
  )
}, 600_000)

class Comparison {
  readonly #model = new BucketModel()
  #nowMs = Date.UTC(2026, 0, 1)
  #origins = 0

  constructor(
    private readonly bucket: Bucket,
    private readonly origin: Bucket,
  ) {}

  get name(): string {
    return this.bucket.name
  }

  async apply(operation: Operation): Promise<void> {
    const { bucket } = this
    const model = this.#model
    this.#nowMs += 1000
    under.setClock(new Date(this.#nowMs))
    if (operation.do === 'putClockBack') {
      this.#nowMs -= (operation.seconds + 1) * 1000
      return
    }
    if (operation.do === 'setVersioning') {
      await bucket.setVersioning(operation.to)
      model.versioning = operation.to
      return
    }
    const { key } = operation
    const latest = model.latest(key)
    const there = latest?.isDeleteMarker ? undefined : latest
    const put = (o?: Parameters<Bucket['put']>[2]) =>
      bucket.put(key, Buffer.from('body' in operation ? operation.body : ''), o)
    switch (operation.do) {
      case 'put':
        return this.#written(await put(), operation.body)
      case 'putIfNone': {
        const precondition = { ifNoneMatch: '*' as const }
        if (!there) return this.#written(await put({ precondition }), operation.body)
        expect(await codeOf(put({ precondition }))).toBe('PreconditionFailed')
        return
      }
      case 'putIfMatch': {
        const isRight = operation.which % 2 === 0
        const ifMatch = isRight ? (bucket.find(key)?.etag ?? 'none') : 'another'
        const precondition = { ifMatch }
        if (there && isRight) return this.#written(await put({ precondition }), operation.body)
        const code = there ? 'PreconditionFailed' : 'ObjectNotFound'
        expect(await codeOf(put({ precondition }))).toBe(code)
        return
      }
      case 'putReplica': {
        if (model.versioning === 'off') return
        // Between the earlier changes: their times are whole seconds.
        const atMs = this.#nowMs - operation.which * 1000 - 500
        under.setClock(new Date(atMs))
        const first = await this.origin.put(`${this.#origins++}`, Buffer.from(operation.body))
        const replicaOf = { versionId: first.versionId, modifiedAt: first.modifiedAt }
        // Two origins of one moment are told apart by chance, which the model does not know.
        if (model.versionsByKey.get(key)?.some((one) => one.atMs === atMs)) return
        const written = await put({ replicaOf })
        expect(written).toMatchObject(replicaOf)
        await put({ replicaOf })
        const { versionId } = written
        model.putReplica(key, { versionId, atMs, body: operation.body, isDeleteMarker: false })
        return
      }
      case 'delete': {
        const { marker, removed } = await bucket.delete(key)
        if (model.versioning === 'off') {
          expect(removed?.versionId).toBe(latest?.versionId)
          if (latest) model.remove(key, latest.versionId)
        } else this.#written(marker!, '', true)
        return
      }
      case 'deleteVersion': {
        const versions = model.versionsByKey.get(key) ?? []
        const versionId = versions[operation.which % (versions.length || 1)]?.versionId ?? 'null'
        const { removed } = await bucket.delete(key, { versionId })
        expect(removed?.versionId).toBe(versions.length > 0 ? versionId : undefined)
        model.remove(key, versionId)
        return
      }
      case 'copy': {
        const version = bucket.find(key)
        if (!version || version.isDeleteMarker) return
        const { to } = operation
        this.#written(await bucket.copy({ bucket, version }, to), latest!.body)
        return
      }
    }
  }

  async compare(pages: readonly Page[], bucket = this.bucket): Promise<void> {
    const model = this.#model
    for (const key of model.keys()) {
      for (const [at, version] of model.versionsByKey.get(key)!.entries()) {
        const found = bucket.find(key, version.versionId)!
        expect(found).toMatchObject(expected({ key, version, isLatest: at === 0 }))
        expect((await bytesOf(bucket, found)).toString()).toBe(version.body)
      }
      expect(bucket.find(key)?.versionId).toBe(model.latest(key)?.versionId)
    }
    for (const one of [{ prefix: '', delimiter: '', limit: 1000 }, ...pages]) {
      await this.#compareLists(bucket, one)
      this.#compareVersionLists(bucket, one)
    }
  }

  async #compareLists(bucket: Bucket, o: Page): Promise<void> {
    let after: string | undefined
    for (;;) {
      const real = await bucket.list({ ...o, ...(after === undefined ? {} : { after }) })
      const model = this.#model.list({ ...o, after })
      expect(real).toMatchObject({
        objects: model.items.map(expected),
        commonPrefixes: model.commonPrefixes,
        isTruncated: model.isTruncated,
      })
      if (!real.isTruncated) return
      after = real.next
    }
  }

  /** Its pages, one after the other, are what the model lists at once. */
  #compareVersionLists(bucket: Bucket, o: Page): void {
    const versions: ObjectVersion[] = []
    const commonPrefixes: string[] = []
    let next: { afterKey?: string; afterVersionId?: string } = {}
    for (;;) {
      const page = bucket.listVersions({ ...o, ...next })
      versions.push(...page.versions)
      commonPrefixes.push(...page.commonPrefixes)
      const { nextKey, nextVersionId } = page
      if (!page.isTruncated) break
      expect(page.versions.length + page.commonPrefixes.length).toBe(o.limit)
      next = {
        ...(nextKey === undefined ? {} : { afterKey: nextKey }),
        ...(nextVersionId === undefined ? {} : { afterVersionId: nextVersionId }),
      }
    }
    const model = this.#model.list({ ...o, limit: Number.POSITIVE_INFINITY, allVersions: true })
    expect({ versions, commonPrefixes }).toMatchObject({
      versions: model.items.map(expected),
      commonPrefixes: model.commonPrefixes,
    })
  }

  #written(version: ObjectVersion, body: string, isDeleteMarker = false): void {
    const { key, versionId, modifiedAt } = version
    expect(versionId === 'null').toBe(this.#model.versioning !== 'enabled')
    this.#model.put(key, { versionId, body, isDeleteMarker, atMs: modifiedAt.getTime() })
  }
}

type Page = typeof page extends fc.Arbitrary<infer Value> ? Value : never

function expected({ key, version, isLatest }: ModelItem): Partial<ObjectVersion> {
  const { versionId, isDeleteMarker, body } = version
  return { key, versionId, isDeleteMarker, isLatest, sizeBytes: Buffer.byteLength(body) }
}
