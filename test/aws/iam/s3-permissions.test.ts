import { S3 } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, type Keys, policyOf, trustOf } from './iam-under-test.ts'

describe('the S3 of a region', () => {
  const region = iamUnderTest()
  const s3 = (keys?: Keys) =>
    new S3({ ...region.client(), ...(keys ? { credentials: keys } : {}), forcePathStyle: true })
  const put = (client: S3, Bucket: string, Key: string, Body = 'x') =>
    client.putObject({ Bucket, Key, Body })
  const text = async (client: S3, Bucket: string, Key: string) =>
    (await client.getObject({ Bucket, Key })).Body?.transformToString()

  test('lets a user do what the policy names, and nothing else happens', async () => {
    await s3().createBucket({ Bucket: 'photos' })
    const policy = policyOf({
      Action: ['s3:PutObject', 's3:GetObject'],
      Resource: `arn:aws:s3:::photos/\${aws:username}/*`,
    })
    const ann = s3(await region.userWith('ann', policy))
    await put(ann, 'photos', 'ann/1', 'mine')
    expect(await text(ann, 'photos', 'ann/1')).toBe('mine')
    const denied = [
      () => put(ann, 'photos', 'bob/1'),
      () => put(ann, 'photos', 'ann'),
      () => ann.deleteObject({ Bucket: 'photos', Key: 'ann/1' }),
      () => ann.listObjectsV2({ Bucket: 'photos' }),
      () => ann.listBuckets({}),
      () => ann.createBucket({ Bucket: 'anns' }),
      () => ann.deleteBucket({ Bucket: 'photos' }),
    ]
    for (const call of denied) expect(await refusal(call())).toBe('AccessDenied')
    const { Contents = [] } = await s3().listObjectsV2({ Bucket: 'photos' })
    expect(Contents.map(({ Key }) => Key)).toEqual(['ann/1'])
    expect(((await s3().listBuckets({})).Buckets ?? []).map(({ Name }) => Name)).toEqual(['photos'])
  })

  test('decides by the policy of the bucket, too', async () => {
    const Bucket = 'shared'
    await s3().createBucket({ Bucket })
    await put(s3(), Bucket, 'a', 'shared')
    const bob = s3(await region.userWith('bob'))
    expect(await refusal(text(bob, Bucket, 'a'))).toBe('AccessDenied')
    const statement = {
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/bob` },
      Action: 's3:GetObject',
    }
    const Resource = `arn:aws:s3:::${Bucket}/*`
    await s3().putBucketPolicy({ Bucket, Policy: policyOf({ ...statement, Resource }) })
    expect(await text(bob, Bucket, 'a')).toBe('shared')
    expect(await refusal(put(bob, Bucket, 'b'))).toBe('AccessDenied')
    const admin = s3(await region.userWith('admin', policyOf({ Action: 's3:*' })))
    const deny = { Effect: 'Deny', Principal: '*', Action: 's3:DeleteObject', Resource }
    await s3().putBucketPolicy({ Bucket, Policy: policyOf(deny) })
    expect(await refusal(admin.deleteObject({ Bucket, Key: 'a' }))).toBe('AccessDenied')
    expect(await text(s3(), Bucket, 'a')).toBe('shared')
  })

  test('takes temporary keys, and tells when they are unknown or expired', async () => {
    await s3().createBucket({ Bucket: 'temporary' })
    const user = await region.userWith('carl')
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/carl`)
    const role = await region.roleWith('writer', trust, policyOf({ Action: 's3:PutObject' }))
    const keys = await region.assume(user, role, { DurationSeconds: 900 })
    await put(s3(keys), 'temporary', 'a')
    expect(await refusal(text(s3(keys), 'temporary', 'a'))).toBe('AccessDenied')
    const unknown = { ...keys, accessKeyId: 'ASIANOSUCHKEY0000000' }
    expect(await refusal(put(s3(unknown), 'temporary', 'b'))).toBe('InvalidAccessKeyId')
    region.clock.forward(901_000)
    const late = new S3({
      ...region.as(keys),
      forcePathStyle: true,
      systemClockOffset: 901_000,
    })
    expect(await refusal(put(late, 'temporary', 'b'))).toBe('ExpiredToken')
    region.clock.forward(-901_000)
    const { Contents = [] } = await s3().listObjectsV2({ Bucket: 'temporary' })
    expect(Contents.map(({ Key }) => Key)).toEqual(['a'])
  })
})
