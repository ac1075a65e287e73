import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('PutBucketLifecycleConfiguration', () => {
  const region = s3UnderTest()
  const Bucket = 'rules'
  beforeAll(async () => {
    await region.bucket(Bucket)
  })
  const put = (...rules: object[]) => {
    const Rules = rules.map((rule) => ({ ID: 'r', Status: 'Enabled', Filter: {}, ...rule }))
    const LifecycleConfiguration = { Rules: Rules as never }
    return region.sdk().putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration })
  }
  const stored = async () => (await region.sdk().getBucketLifecycleConfiguration({ Bucket })).Rules

  test('keeps every part of a rule, and names those without a name', async () => {
    const rule = {
      ID: 'all',
      Status: 'Enabled',
      Filter: {
        And: {
          Prefix: 'a/',
          Tags: [{ Key: 'k', Value: 'v' }],
          ObjectSizeGreaterThan: 1,
          ObjectSizeLessThan: 9,
        },
      },
      Expiration: { Days: 40 },
      Transitions: [{ Days: 30, StorageClass: 'STANDARD_IA' }],
      NoncurrentVersionExpiration: { NoncurrentDays: 3, NewerNoncurrentVersions: 2 },
      NoncurrentVersionTransitions: [{ NoncurrentDays: 30, StorageClass: 'GLACIER' }],
    }
    const dated = { ID: 'dated', Expiration: { Date: new Date('2030-01-02T00:00:00Z') } }
    const unnamed = { ID: undefined, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }
    await put(rule, dated, unnamed)
    const [first, second, third] = (await stored())!
    expect(first).toEqual(rule)
    expect(second).toMatchObject(dated)
    expect(third).toMatchObject({ ID: expect.stringMatching(/./), Filter: {} })
  })

  const expire = { Expiration: { Days: 2 } }
  const abort = { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }
  const tag = { Tag: { Key: 'k', Value: 'v' } }
  const days = (Days: number, StorageClass = 'GLACIER') => ({
    Transitions: [{ Days, StorageClass }],
  })
  test.each<[string, string, object]>([
    ['no action', 'InvalidRequest', {}],
    ['another status', 'MalformedXML', { ...expire, Status: 'enabled' }],
    ['a long id', 'InvalidArgument', { ...expire, ID: 'x'.repeat(256) }],
    ['neither prefix nor filter', 'MalformedXML', { ...expire, Filter: undefined }],
    ['both prefix and filter', 'MalformedXML', { ...expire, Prefix: '' }],
    ['one predicate under And', 'MalformedXML', { ...expire, Filter: { And: { Prefix: 'a' } } }],
    [
      'a tag key twice',
      'InvalidTag',
      { ...expire, Filter: { And: { Tags: [tag.Tag, { ...tag.Tag, Value: 'w' }] } } },
    ],
    [
      'no size between the two',
      'InvalidRequest',
      { ...expire, Filter: { And: { ObjectSizeGreaterThan: 9, ObjectSizeLessThan: 9 } } },
    ],
    ['no days', 'InvalidArgument', { Expiration: { Days: 0 } }],
    ['days below none', 'InvalidArgument', { Expiration: { Days: -1 } }],
    ['an empty expiration', 'MalformedXML', { Expiration: {} }],
    [
      'days and a date',
      'MalformedXML',
      { Expiration: { Days: 1, Date: new Date('2030-01-02T00:00:00Z') } },
    ],
    [
      'days and markers',
      'MalformedXML',
      { Expiration: { Days: 1, ExpiredObjectDeleteMarker: true } },
    ],
    [
      'a date at noon',
      'InvalidArgument',
      { Expiration: { Date: new Date('2030-01-02T12:00:00Z') } },
    ],
    [
      'markers by a tag',
      'InvalidRequest',
      { Expiration: { ExpiredObjectDeleteMarker: true }, Filter: tag },
    ],
    ['uploads by a tag', 'InvalidRequest', { ...abort, Filter: tag }],
    ['uploads by a size', 'InvalidRequest', { ...abort, Filter: { ObjectSizeGreaterThan: 1 } }],
    [
      'uploads at once',
      'InvalidArgument',
      { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 0 } },
    ],
    ['a transition after the end', 'InvalidArgument', { ...expire, ...days(2) }],
    ['a transition too soon', 'InvalidArgument', days(29, 'STANDARD_IA')],
    ['another storage class', 'MalformedXML', days(1, 'COLD')],
    [
      'a storage class twice',
      'InvalidRequest',
      { Transitions: [...days(1).Transitions, ...days(2).Transitions] },
    ],
    [
      'no noncurrent days',
      'InvalidArgument',
      { NoncurrentVersionExpiration: { NoncurrentDays: 0 } },
    ],
    [
      'too many newer versions',
      'InvalidArgument',
      { NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 101 } },
    ],
    [
      'newer versions without a filter',
      'InvalidRequest',
      {
        ...{ Prefix: '', Filter: undefined },
        NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 1 },
      },
    ],
  ])('refuses %s, and keeps what is there', async (_, code, rule) => {
    await put({ ID: 'kept', ...expire })
    expect(await refused(put(rule))).toMatchObject({ code, status: 400 })
    expect((await stored())!.map(({ ID }) => ID)).toEqual(['kept'])
  })

  test('refuses two rules of one name', async () => {
    await put({ ID: 'kept', ...expire })
    expect((await refused(put(expire, expire))).code).toBe('InvalidArgument')
    expect((await stored())!.map(({ ID }) => ID)).toEqual(['kept'])
  })
})
