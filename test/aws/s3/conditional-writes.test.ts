import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

const RACERS = 16
/** On both sides of what the index keeps itself, so that some are stored long before others. */
const bodyOf = (racer: number) => `racer ${racer} `.repeat(racer % 3 === 0 ? 10_000 : 1)

/** Source: S3 User Guide, "How to prevent object overwrites with conditional writes". */
describe('of sixteen who race', () => {
  const region = s3UnderTest()
  const Bucket = 'races'
  beforeAll(async () => {
    await region.bucket(Bucket, { isVersioned: true })
    for (let racer = 0; racer < RACERS; racer++) {
      await region.sdk().putObject({ Bucket, Key: `from/${racer}`, Body: bodyOf(racer) })
    }
  })

  type Condition = { IfNoneMatch: '*' } | { IfMatch: string }
  /** By turns in each way in which an object is written. */
  const write = async (Key: string, racer: number, condition: Condition) => {
    const at = { Bucket, Key }
    if (racer % 4 === 1) {
      const CopySource = `${Bucket}/from/${racer}`
      return await region.sdk().copyObject({ ...at, CopySource, ...condition })
    }
    if (racer % 4 !== 2)
      return await region.sdk().putObject({ ...at, Body: bodyOf(racer), ...condition })
    const { UploadId } = await region.sdk().createMultipartUpload(at)
    const upload = { ...at, UploadId }
    const part = { ...upload, PartNumber: 1, Body: bodyOf(racer) }
    const { ETag } = await region.sdk().uploadPart(part)
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    return await region.sdk().completeMultipartUpload({ ...upload, MultipartUpload, ...condition })
  }
  const race = async (write: (racer: number) => Promise<unknown>) => {
    const outcomes = await Promise.all(
      Array.from({ length: RACERS }, (_, racer) =>
        write(racer).then(
          () => 'won',
          (error) => `${error.$metadata?.httpStatusCode} ${error.name}`,
        ),
      ),
    )
    const winners = outcomes.flatMap((outcome, racer) => (outcome === 'won' ? [racer] : []))
    return { winner: winners[0]!, outcomes: outcomes.toSorted() }
  }
  const one = (loser: string) => [...Array(RACERS - 1).fill(loser), 'won']
  const versionsOf = async (Prefix: string) =>
    (await region.sdk().listObjectVersions({ Bucket, Prefix })).Versions ?? []

  test('to create an object one wins, in whatever way it is written', async () => {
    for (const Key of ['new/1', 'new/2', 'new/3']) {
      const { winner, outcomes } = await race((racer) => write(Key, racer, { IfNoneMatch: '*' }))
      expect(outcomes).toEqual(one('412 PreconditionFailed'))
      expect(await region.text(Bucket, Key)).toBe(bodyOf(winner))
      expect(await versionsOf(Key)).toHaveLength(1)
    }
  })

  test('to replace an object one wins', async () => {
    const Key = 'replaced'
    const { ETag } = await region.sdk().putObject({ Bucket, Key, Body: 'before' })
    const { winner, outcomes } = await race((racer) => write(Key, racer, { IfMatch: ETag! }))
    expect(outcomes).toEqual(one('412 PreconditionFailed'))
    expect(await region.text(Bucket, Key)).toBe(bodyOf(winner))
    expect(await versionsOf(Key)).toHaveLength(2)
  })

  test('to delete or replace an object one wins', async () => {
    const Key = 'deleted'
    const { ETag } = await region.sdk().putObject({ Bucket, Key, Body: 'before' })
    const condition = { IfMatch: ETag! }
    const { winner, outcomes } = await race((racer) =>
      racer % 2 === 0
        ? region.sdk().deleteObject({ Bucket, Key, ...condition })
        : write(Key, racer, condition),
    )
    expect(outcomes.filter((outcome) => outcome === 'won')).toHaveLength(1)
    const lost = new Set(outcomes.filter((outcome) => outcome !== 'won'))
    if (winner % 2 === 1) expect(lost).toEqual(new Set(['412 PreconditionFailed']))
    else expect(lost).toEqual(new Set(['404 NoSuchKey']))
    expect(await versionsOf(Key)).toHaveLength(winner % 2 === 0 ? 1 : 2)
  })

  test('to count on, each counts once', async () => {
    const Key = 'counter'
    const rounds = 2
    await region.sdk().putObject({ Bucket, Key, Body: '0' })
    const count = async () => {
      for (let done = 0; done < rounds; ) {
        const got = await region.sdk().getObject({ Bucket, Key })
        const next = Number(await got.Body!.transformToString()) + 1
        const put = region.sdk().putObject({ Bucket, Key, Body: `${next}`, IfMatch: got.ETag })
        const outcome = await put.then(
          () => 200,
          (error) => error.$metadata?.httpStatusCode,
        )
        expect([200, 412]).toContain(outcome)
        if (outcome === 200) done += 1
      }
    }
    await Promise.all(Array.from({ length: RACERS }, count))
    expect(await region.text(Bucket, Key)).toBe(`${RACERS * rounds}`)
    expect(await versionsOf(Key)).toHaveLength(RACERS * rounds + 1)
  })

  test('the losers of uploads may complete them later, without the condition', async () => {
    const Key = 'late'
    await region.sdk().putObject({ Bucket, Key, Body: 'first' })
    const { UploadId } = await region.sdk().createMultipartUpload({ Bucket, Key })
    const upload = { Bucket, Key, UploadId }
    const { ETag } = await region.sdk().uploadPart({ ...upload, PartNumber: 1, Body: 'late' })
    const complete = { ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }
    const call = region.sdk().completeMultipartUpload({ ...complete, IfNoneMatch: '*' })
    expect((await refused(call)).code).toBe('PreconditionFailed')
    expect(await region.text(Bucket, Key)).toBe('first')
    await region.sdk().completeMultipartUpload(complete)
    expect(await region.text(Bucket, Key)).toBe('late')
  })
})
