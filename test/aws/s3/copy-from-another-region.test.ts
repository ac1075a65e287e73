import { createHash, randomBytes } from 'node:crypto'
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam'
import { S3 } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refused } from './s3-under-test.ts'
import { HERE, THERE, twoRegions } from './two-regions.ts'

const world = twoRegions()
const SOURCE = 'distant-source'
const TARGET = 'near-target'
const BIG = randomBytes(12 << 20)

const clients: S3[] = []
const clientOf = (o: object) => {
  const made = new S3({ ...world.client(HERE), forcePathStyle: true, ...o })
  clients.push(made)
  return made
}
let here: S3
let there: S3
beforeAll(async () => {
  here = clientOf({})
  there = clientOf({ region: THERE })
  await world.bucket(THERE, SOURCE)
  await world.bucket(HERE, TARGET)
  await there.putObject({
    ...{ Bucket: SOURCE, Key: 'söurce +&', Body: 'the content', ContentType: 'a/b' },
    ...{ Metadata: { m: '1' }, Tagging: 'tag=1' },
  })
  await there.putObject({ Bucket: SOURCE, Key: 'big', Body: BIG })
})
afterAll(() => {
  for (const client of clients) client.destroy()
})

const CopySource = `${SOURCE}/${encodeURIComponent('söurce +&')}`
const into = (Key: string, more: object = {}) => ({ Bucket: TARGET, Key, CopySource, ...more })
const bytesOf = async (Key: string) => {
  const { Body } = await here.getObject({ Bucket: TARGET, Key })
  return Buffer.from(await Body!.transformToByteArray())
}
const keys = async () =>
  ((await here.listObjectsV2({ Bucket: TARGET })).Contents ?? []).map(({ Key }) => Key)

/** A user with these rights, as a client of the region in which copies are made. */
async function userWith(UserName: string, Action: string[], Resource = '*') {
  const statement = { Effect: 'Allow', Action, Resource }
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await world.iam().send(new CreateUserCommand({ UserName }))
  await world.iam().send(new PutUserPolicyCommand({ UserName, PolicyName: 'p', PolicyDocument }))
  const { AccessKey } = await world.iam().send(new CreateAccessKeyCommand({ UserName }))
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = AccessKey!
  return clientOf({ credentials: { accessKeyId, secretAccessKey } })
}

describe('a copy of what another region has', () => {
  test('has its content, metadata and tags', async () => {
    const made = await here.copyObject(into('plain'))
    const source = await there.headObject({ Bucket: SOURCE, Key: 'söurce +&' })
    expect(made).toMatchObject({
      CopySourceVersionId: source.VersionId,
      CopyObjectResult: { ETag: source.ETag },
    })
    expect((await bytesOf('plain')).toString()).toBe('the content')
    expect(await here.headObject({ Bucket: TARGET, Key: 'plain' })).toMatchObject({
      ...{ ContentType: 'a/b', Metadata: { m: '1' } },
    })
    const { TagSet } = await here.getObjectTagging({ Bucket: TARGET, Key: 'plain' })
    expect(TagSet).toEqual([{ Key: 'tag', Value: '1' }])
  })

  test('is of the version that it names, under conditions, with a key of the customer', async () => {
    const key = randomBytes(32)
    const SSECustomerKey = key.toString('base64')
    const SSECustomerKeyMD5 = createHash('md5').update(key).digest('base64')
    const sealed = { SSECustomerAlgorithm: 'AES256', SSECustomerKey, SSECustomerKeyMD5 }
    const at = { Bucket: SOURCE, Key: 'sealed' }
    const first = await there.putObject({ ...at, Body: 'first', ...sealed })
    await there.putObject({ ...at, Body: 'second' })
    const of = (more: object) =>
      here.copyObject({
        ...{ Bucket: TARGET, Key: 'opened', ...more },
        CopySource: `${SOURCE}/sealed?versionId=${first.VersionId}`,
      })
    expect((await refused(of({}))).code).toBe('InvalidRequest')
    const opening = Object.fromEntries(
      Object.entries(sealed).map(([name, value]) => [`CopySource${name}`, value]),
    )
    const late = { ...opening, CopySourceIfModifiedSince: new Date(Date.now() - 1000 * 86_400) }
    const early = { ...opening, CopySourceIfUnmodifiedSince: new Date(0) }
    expect(await refused(of(early))).toMatchObject({ code: 'PreconditionFailed', status: 412 })
    expect(await refused(of({ ...opening, CopySourceIfMatch: '"no"' }))).toMatchObject({
      ...{ code: 'PreconditionFailed', status: 412 },
    })
    expect(await keys()).not.toContain('opened')
    await of(late)
    expect((await bytesOf('opened')).toString()).toBe('first')
  })

  test('in parts has the ranges that were asked for', async () => {
    const at = { Bucket: TARGET, Key: 'in-parts' }
    const { UploadId } = await here.createMultipartUpload(at)
    const split = 5 << 20
    const ranges = [`bytes=0-${split - 1}`, `bytes=${split}-${BIG.length - 1}`]
    const part = (PartNumber: number, CopySourceRange: string) =>
      here.uploadPartCopy({
        ...{ ...at, UploadId, PartNumber, CopySourceRange, CopySource: `${SOURCE}/big` },
      })
    const Parts = []
    for (const [index, range] of ranges.entries()) {
      const { CopyPartResult } = await part(index + 1, range)
      Parts.push({ PartNumber: index + 1, ETag: CopyPartResult!.ETag })
    }
    const beyond = await refused(part(3, `bytes=0-${BIG.length}`))
    expect(beyond).toMatchObject({ code: 'InvalidArgument', status: 400 })
    await here.completeMultipartUpload({ ...at, UploadId, MultipartUpload: { Parts } })
    expect((await bytesOf('in-parts')).equals(BIG)).toBe(true)
  })

  test('needs the rights of the caller where the source is', async () => {
    const target = `arn:aws:s3:::${TARGET}/*`
    const blind = await userWith('blind', ['s3:*'], target)
    const refusal = await refused(blind.copyObject(into('stolen')))
    expect(refusal).toMatchObject({ code: 'AccessDenied', status: 403 })
    const untagged = await userWith('untagged', ['s3:GetObject', 's3:PutObject'])
    expect((await refused(untagged.copyObject(into('stolen')))).code).toBe('AccessDenied')
    expect(await keys()).not.toContain('stolen')
    await untagged.copyObject(into('bare', { TaggingDirective: 'REPLACE' }))
    // The policy of a bucket in the other region is heard, too.
    const statement = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject' }
    const Statement = [{ ...statement, Resource: `arn:aws:s3:::${SOURCE}/*` }]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await there.putBucketPolicy({ Bucket: SOURCE, Policy })
    expect((await refused(here.copyObject(into('denied')))).code).toBe('AccessDenied')
    await there.deleteBucketPolicy({ Bucket: SOURCE })
    expect(await keys()).not.toContain('denied')
    expect(await keys()).toContain('bare')
  })

  test('is of nothing where nothing is', async () => {
    const absent = here.copyObject(into('never', { CopySource: `${SOURCE}/absent` }))
    expect(await refused(absent)).toMatchObject({ code: 'NoSuchKey', status: 404 })
    const nowhere = here.copyObject(into('never', { CopySource: 'no-such-bucket-1/k' }))
    expect(await refused(nowhere)).toMatchObject({ code: 'NoSuchBucket', status: 404 })
    expect(await keys()).not.toContain('never')
  })

  test('fails and leaves nothing while the other region is away, and succeeds afterwards', async () => {
    await world.kill(THERE)
    const away = await refused(here.copyObject(into('away')))
    expect(away).toMatchObject({ code: 'ServiceUnavailable', status: 503 })
    expect(await keys()).not.toContain('away')
    await world.start(THERE)
    await here.copyObject(into('away'))
    expect((await bytesOf('away')).toString()).toBe('the content')
  })
})
