import { expect, test } from 'vitest'
import {
  bucketDefaults,
  DEFAULTS_OF_TODAY,
  DEFAULTS_WITH_ACLS,
} from '../../../src/region/s3/bucket-defaults.ts'
import { refused, s3UnderTest } from './s3-under-test.ts'

const { sdk, endpoint } = s3UnderTest({ bucketDefaults: DEFAULTS_WITH_ACLS })

test('where it is wanted, new buckets have ACLs and block nothing, as those of AWS until April 2023', async () => {
  await sdk().createBucket({ Bucket: 'old', ACL: 'public-read-write' })
  await sdk().createBucket({ Bucket: 'shut', ObjectOwnership: 'BucketOwnerEnforced' })
  const { OwnershipControls } = await sdk().getBucketOwnershipControls({ Bucket: 'old' })
  expect(OwnershipControls?.Rules).toEqual([{ ObjectOwnership: 'ObjectWriter' }])
  const block = await refused(sdk().getPublicAccessBlock({ Bucket: 'old' }))
  expect(block).toMatchObject({ code: 'NoSuchPublicAccessBlockConfiguration', status: 404 })
  const put = (path: string) =>
    fetch(`${endpoint()}/${path}`, {
      method: 'PUT',
      body: 'x',
      headers: { 'x-amz-acl': 'private' },
    })
  expect((await put('old/k')).status).toBe(200)
  expect((await put('shut/k')).status).toBe(403)
  const { Contents } = await sdk().listObjectsV2({ Bucket: 'old' })
  expect(Contents?.map(({ Key }) => Key)).toEqual(['k'])
  expect((await sdk().listObjectsV2({ Bucket: 'shut' })).KeyCount).toBe(0)
})

test('the environment says what is wanted, or nothing', () => {
  expect(bucketDefaults({})).toBe(DEFAULTS_OF_TODAY)
  expect(bucketDefaults({ LIFEBOAT_BUCKET_ACLS: 'enabled' })).toBe(DEFAULTS_WITH_ACLS)
  expect(() => bucketDefaults({ LIFEBOAT_BUCKET_ACLS: 'yes' })).toThrow("is 'yes'")
})
