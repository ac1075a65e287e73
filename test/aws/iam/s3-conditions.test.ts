import { S3 } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { presignedUrl } from '../s3/presigned-url.ts'
import { refused } from '../s3/s3-under-test.ts'
import { iamUnderTest, type Keys, policyOf } from './iam-under-test.ts'

const denied = { code: 'AccessDenied', status: 403 }

describe('conditions in the policy of a bucket', () => {
  const region = iamUnderTest()
  let s3: S3
  let user: S3
  const client = (keys?: Keys) =>
    new S3({ ...(keys ? region.as(keys) : region.client()), forcePathStyle: true })
  beforeAll(async () => {
    s3 = client()
    user = client(await region.userWith('user'))
  })
  /** A bucket with the objects, whose policy allows everybody under conditions. */
  const bucket = async (Bucket: string, ...Keys: string[]) => {
    await s3.createBucket({ Bucket })
    await s3.deletePublicAccessBlock({ Bucket })
    for (const Key of Keys) await s3.putObject({ Bucket, Key, Body: Key })
    return Bucket
  }
  const allow = async (Bucket: string, Action: string | string[], Condition: object) => {
    const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
    const Policy = policyOf({ Principal: '*', Action, Resource, Condition })
    await s3.putBucketPolicy({ Bucket, Policy })
  }
  const deny = async (Bucket: string, ...Conditions: object[]) => {
    const Resource = `arn:aws:s3:::${Bucket}/*`
    const statement = { Principal: '*', Action: 's3:PutObject', Resource }
    const Policy = policyOf(
      ...Conditions.map((Condition) => ({ ...statement, Effect: 'Deny', Condition })),
    )
    await s3.putBucketPolicy({ Bucket, Policy })
  }
  const tag = (Bucket: string, Key: string, by: S3, Value: string) =>
    by.putObjectTagging({ Bucket, Key, Tagging: { TagSet: [{ Key: 'security', Value }] } })

  test('look at the tags that an object has', async () => {
    const Bucket = await bucket('existing-tags', 'public', 'private', 'untagged')
    const Condition = { StringEquals: { 's3:ExistingObjectTag/security': 'public' } }
    await tag(Bucket, 'public', s3, 'public')
    await tag(Bucket, 'private', s3, 'private')
    await allow(Bucket, ['s3:GetObject', 's3:GetObjectTagging', 's3:GetObjectAcl'], Condition)
    await user.getObject({ Bucket, Key: 'public' })
    await user.getObjectTagging({ Bucket, Key: 'public' })
    await user.getObjectAcl({ Bucket, Key: 'public' })
    for (const Key of ['private', 'untagged']) {
      expect(await refused(user.getObject({ Bucket, Key }))).toMatchObject(denied)
      expect(await refused(user.getObjectTagging({ Bucket, Key }))).toMatchObject(denied)
      expect(await refused(user.getObjectAcl({ Bucket, Key }))).toMatchObject(denied)
    }
    await allow(Bucket, 's3:PutObjectTagging', Condition)
    expect(await refused(tag(Bucket, 'private', user, 'public'))).toMatchObject(denied)
    await tag(Bucket, 'public', user, 'private')
    expect(await refused(tag(Bucket, 'public', user, 'public'))).toMatchObject(denied)
    const { TagSet } = await s3.getObjectTagging({ Bucket, Key: 'public' })
    expect(TagSet).toEqual([{ Key: 'security', Value: 'private' }])
  })

  test('look at the tags that a request brings, which need a right of their own', async () => {
    const Bucket = await bucket('request-tags')
    const put = (Tagging?: string) =>
      user.putObject({ Bucket, Key: 'k', Body: 'x', ...(Tagging ? { Tagging } : {}) })
    const Condition = { StringEquals: { 's3:RequestObjectTag/security': 'public' } }
    await allow(Bucket, 's3:PutObject', Condition)
    expect(await refused(put())).toMatchObject(denied)
    expect(await refused(put('security=public'))).toMatchObject(denied)
    await allow(Bucket, ['s3:PutObject', 's3:PutObjectTagging'], Condition)
    expect(await refused(put('security=private'))).toMatchObject(denied)
    await put('security=public')
    const keys = { 'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': ['security'] } }
    await allow(Bucket, ['s3:PutObject', 's3:PutObjectTagging'], keys)
    expect(await refused(put('security=public&team=shop'))).toMatchObject(denied)
    const { TagSet } = await s3.getObjectTagging({ Bucket, Key: 'k' })
    expect(TagSet).toEqual([{ Key: 'security', Value: 'public' }])
  })

  test('look at the source of a copy and at what becomes of its metadata', async () => {
    const from = await bucket('copy-source', 'public/a', 'private/a')
    await allow(from, 's3:GetObject', {})
    const Bucket = await bucket('copy-destination')
    const copy = (key: string, more: object = {}) =>
      user.copyObject({ Bucket, Key: 'copy', CopySource: `${from}/${key}`, ...more })
    await allow(Bucket, 's3:PutObject', {
      StringLike: { 's3:x-amz-copy-source': `${from}/public/*` },
    })
    await copy('public/a')
    expect(await refused(copy('private/a'))).toMatchObject(denied)
    await allow(Bucket, 's3:PutObject', {
      StringEquals: { 's3:x-amz-metadata-directive': 'COPY' },
    })
    await copy('private/a', { MetadataDirective: 'COPY' })
    expect(await refused(copy('public/a'))).toMatchObject(denied)
  })

  test('a copy with tags needs the rights to read and to write them', async () => {
    const from = await bucket('tagged-source', 'k')
    await tag(from, 'k', s3, 'public')
    const Bucket = await bucket('tagged-destination')
    const copy = (more: object = {}) =>
      user.copyObject({ Bucket, Key: 'copy', CopySource: `${from}/k`, ...more })
    await allow(from, 's3:GetObject', {})
    await allow(Bucket, ['s3:PutObject', 's3:PutObjectTagging'], {})
    expect(await refused(copy())).toMatchObject(denied)
    await allow(from, ['s3:GetObject', 's3:GetObjectTagging'], {})
    await allow(Bucket, 's3:PutObject', {})
    expect(await refused(copy())).toMatchObject(denied)
    const replaced = { TaggingDirective: 'REPLACE', Tagging: 'a=b' }
    expect(await refused(copy(replaced))).toMatchObject(denied)
    expect((await s3.listObjectsV2({ Bucket })).KeyCount).toBe(0)
    await copy({ TaggingDirective: 'REPLACE' })
    await allow(Bucket, ['s3:PutObject', 's3:PutObjectTagging'], {})
    await copy()
    const { TagSet } = await s3.getObjectTagging({ Bucket, Key: 'copy' })
    expect(TagSet).toEqual([{ Key: 'security', Value: 'public' }])
  })

  test('deny what is not encrypted as they say, also the root user', async () => {
    const Bucket = await bucket('encrypted-only')
    const key = 's3:x-amz-server-side-encryption'
    await deny(Bucket, { StringNotEquals: { [key]: 'AES256' } }, { Null: { [key]: 'true' } })
    const put = (more: object = {}) => s3.putObject({ Bucket, Key: 'k', Body: 'x', ...more })
    expect(await refused(put())).toMatchObject(denied)
    expect(await refused(put({ ServerSideEncryption: 'aws:kms' }))).toMatchObject(denied)
    expect((await s3.listObjectsV2({ Bucket })).KeyCount).toBe(0)
    await put({ ServerSideEncryption: 'AES256' })
    // Who has shut himself out opens it again.
    await s3.deleteBucketPolicy({ Bucket })
    await put()
  })

  test('deny a public ACL, a long lock and another storage class', async () => {
    const Bucket = 'denied-headers'
    await s3.createBucket({
      ...{ Bucket, ObjectOwnership: 'ObjectWriter', ObjectLockEnabledForBucket: true },
    })
    await s3.deletePublicAccessBlock({ Bucket })
    await deny(
      Bucket,
      { StringLike: { 's3:x-amz-acl': 'public*' } },
      { StringEquals: { 's3:x-amz-storage-class': 'GLACIER' } },
      { NumericGreaterThan: { 's3:object-lock-remaining-retention-days': '10' } },
    )
    const put = (more: object = {}) => s3.putObject({ Bucket, Key: 'k', Body: 'x', ...more })
    const lock = (days: number) => ({
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: new Date(Date.now() + days * 86_400_000),
    })
    expect(await refused(put({ ACL: 'public-read' }))).toMatchObject(denied)
    expect(await refused(put({ StorageClass: 'GLACIER' }))).toMatchObject(denied)
    expect(await refused(put(lock(11)))).toMatchObject(denied)
    expect((await s3.listObjectsV2({ Bucket })).KeyCount).toBe(0)
    await put({ ACL: 'private', StorageClass: 'STANDARD_IA', ...lock(9) })
  })

  test('look at who refers, at the version, and at how and when a request was signed', async () => {
    const Bucket = await bucket('request-keys', 'k')
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })
    const path = `/${Bucket}/k`
    const get = async (headers: Record<string, string> = {}, url = region.endpoint() + path) =>
      (await fetch(url, { headers })).status
    await allow(Bucket, 's3:GetObject', {
      StringLike: { 'aws:Referer': 'http://www.example.com/*' },
    })
    expect(await get({ referer: 'http://www.example.com/a' })).toBe(200)
    expect(await get({ referer: 'http://example.com/' })).toBe(403)
    expect(await get()).toBe(403)
    await allow(Bucket, 's3:GetObjectVersion', { StringEquals: { 's3:VersionId': 'null' } })
    await user.getObject({ Bucket, Key: 'k', VersionId: 'null' })
    const { VersionId } = await s3.putObject({ Bucket, Key: 'k', Body: 'x' })
    const call = user.getObject({ Bucket, Key: 'k', VersionId: VersionId! })
    expect(await refused(call)).toMatchObject(denied)

    const signed = { endpoint: region.endpoint(), method: 'GET', path, expires: '3600' }
    const old = presignedUrl({ ...signed, at: new Date(Date.now() - 600_000) })
    const fresh = presignedUrl(signed)
    const Policy = policyOf({
      ...{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: `arn:aws:s3:::${Bucket}/*` },
      Condition: { NumericGreaterThan: { 's3:signatureAge': '60000' } },
    })
    await s3.putBucketPolicy({ Bucket, Policy })
    expect(await get({}, fresh)).toBe(200)
    expect(await get({}, old)).toBe(403)
    await deny(Bucket, { StringEquals: { 's3:authType': 'REST-HEADER' } })
    const put = s3.putObject({ Bucket, Key: 'k', Body: 'y' })
    expect(await refused(put)).toMatchObject(denied)
    const url = presignedUrl({ ...signed, method: 'PUT' })
    expect((await fetch(url, { method: 'PUT', body: 'z' })).status).toBe(200)
    expect(region.errors).toEqual([])
  })

  test('resources are of the bucket, also by a pattern', async () => {
    const Bucket = await bucket('resources', 'k')
    const put = (Resource: string) =>
      s3.putBucketPolicy({
        Bucket,
        Policy: policyOf({ Principal: '*', Action: 's3:GetObject', Resource }),
      })
    const bad = ['arn:aws:s3:::other/*', '*', 'arn:aws:s3:::resource', 'arn:aws:s3:::resources?']
    for (const resource of bad) {
      const outcome = await refused(put(resource))
      expect(outcome, resource).toMatchObject({ code: 'MalformedPolicy', status: 400 })
    }
    expect(await refused(user.getObject({ Bucket, Key: 'k' }))).toMatchObject(denied)
    await put('arn:aws:s3:::res*/*')
    await user.getObject({ Bucket, Key: 'k' })
  })
})
