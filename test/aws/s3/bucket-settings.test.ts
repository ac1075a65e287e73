import { beforeAll, describe, expect, test } from 'vitest'
import { rawRequest } from './raw-request.ts'
import { refused, s3UnderTest, setVersioning } from './s3-under-test.ts'

describe('settings of a bucket', () => {
  const region = s3UnderTest()
  const Bucket = 'settings'
  beforeAll(async () => {
    await region.bucket(Bucket, { isVersioned: true })
    await region.bucket('bare')
  })

  const POLICY = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::000000000000:root' },
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::settings/*',
      },
    ],
  })
  const RULE = { Status: 'Enabled', Prefix: 'logs/', Expiration: { Days: 3 }, ID: 'one' } as const
  const ENCRYPTION = {
    Rules: [
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'key' },
        BucketKeyEnabled: true,
      },
    ],
  } as const
  const CORS = {
    CORSRules: [
      {
        AllowedMethods: ['GET', 'PUT'],
        AllowedOrigins: ['*'],
        AllowedHeaders: ['a', 'b'],
        MaxAgeSeconds: 3,
      },
    ],
  }
  const WEBSITE = {
    IndexDocument: { Suffix: 'index.html' },
    RoutingRules: [
      {
        Condition: { KeyPrefixEquals: 'a/' },
        Redirect: { ReplaceKeyPrefixWith: 'b/', HttpRedirectCode: '301' },
      },
    ],
  }
  const LOGGING = { LoggingEnabled: { TargetBucket: 'logs', TargetPrefix: '' } }
  const BLOCK = { BlockPublicAcls: true, BlockPublicPolicy: false }
  const QUEUE = {
    QueueConfigurations: [
      {
        Id: 'q',
        QueueArn: 'arn:aws:sqs:ap-southeast-1:000000000000:q',
        Events: ['s3:ObjectCreated:*'],
        Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'a' }] } },
      },
    ],
  } as const

  const s3 = () => region.sdk() as unknown as Record<string, (input: object) => Promise<Told>>
  type Told = Record<string, unknown>

  /** Operation's name, member of the input, what is sent, member of the answer or all of it, code when absent. */
  const SETTINGS: readonly [string, string, unknown, string | undefined, string | undefined][] = [
    ['BucketPolicy', 'Policy', POLICY, 'Policy', 'NoSuchBucketPolicy'],
    ['BucketTagging', 'Tagging', { TagSet: [{ Key: 'a', Value: '1' }] }, undefined, 'NoSuchTagSet'],
    [
      'BucketLifecycleConfiguration',
      'LifecycleConfiguration',
      { Rules: [RULE] },
      undefined,
      'NoSuchLifecycleConfiguration',
    ],
    ['BucketCors', 'CORSConfiguration', CORS, undefined, 'NoSuchCORSConfiguration'],
    ['BucketWebsite', 'WebsiteConfiguration', WEBSITE, undefined, 'NoSuchWebsiteConfiguration'],
    [
      'BucketEncryption',
      'ServerSideEncryptionConfiguration',
      ENCRYPTION,
      'ServerSideEncryptionConfiguration',
      undefined,
    ],
    ['BucketLogging', 'BucketLoggingStatus', LOGGING, undefined, undefined],
    [
      'BucketAccelerateConfiguration',
      'AccelerateConfiguration',
      { Status: 'Suspended' },
      undefined,
      undefined,
    ],
    [
      'BucketRequestPayment',
      'RequestPaymentConfiguration',
      { Payer: 'Requester' },
      undefined,
      undefined,
    ],
    ['BucketNotificationConfiguration', 'NotificationConfiguration', QUEUE, undefined, undefined],
    [
      'PublicAccessBlock',
      'PublicAccessBlockConfiguration',
      BLOCK,
      'PublicAccessBlockConfiguration',
      undefined,
    ],
    [
      'BucketOwnershipControls',
      'OwnershipControls',
      { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
      'OwnershipControls',
      undefined,
    ],
    [
      'ObjectLockConfiguration',
      'ObjectLockConfiguration',
      { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } },
      'ObjectLockConfiguration',
      'ObjectLockConfigurationNotFoundError',
    ],
  ]

  test.each(SETTINGS)('%s is told as it was sent', async (name, member, value, told, absent) => {
    if (absent) {
      expect(await refused(s3()[`get${name}`]!({ Bucket: 'bare' }))).toMatchObject({
        code: absent,
        status: 404,
      })
    }
    await s3()[`put${name}`]!({ Bucket, [member]: value })
    const got = await s3()[`get${name}`]!({ Bucket })
    if (told) expect(got[told]).toEqual(value)
    else expect(got).toMatchObject(value as object)
  })

  test('are still told after the region was closed and opened again', async () => {
    await region.restart()
    expect((await region.sdk().getBucketPolicy({ Bucket })).Policy).toBe(POLICY)
    expect((await region.sdk().getBucketCors({ Bucket })).CORSRules).toEqual(CORS.CORSRules)
  })

  test('that are set and deleted at once are all as told', async () => {
    await region.bucket('at-once')
    const at = { Bucket: 'at-once' }
    await region.sdk().putBucketTagging({ ...at, Tagging: { TagSet: [{ Key: 'a', Value: '1' }] } })
    await Promise.all([
      region.sdk().putBucketCors({ ...at, CORSConfiguration: CORS as never }),
      region.sdk().putBucketWebsite({ ...at, WebsiteConfiguration: WEBSITE as never }),
      region.sdk().deleteBucketTagging(at),
      region.sdk().deletePublicAccessBlock(at),
      setVersioning(region.sdk(), 'at-once', 'Enabled'),
    ])
    expect((await region.sdk().getBucketCors(at)).CORSRules).toEqual(CORS.CORSRules)
    expect((await region.sdk().getBucketWebsite(at)).IndexDocument).toEqual(WEBSITE.IndexDocument)
    expect((await region.sdk().getBucketVersioning(at)).Status).toBe('Enabled')
    expect((await refused(region.sdk().getBucketTagging(at))).code).toBe('NoSuchTagSet')
    expect((await refused(region.sdk().getPublicAccessBlock(at))).status).toBe(404)
  })

  test('are gone when deleted', async () => {
    await region.sdk().deleteBucketPolicy({ Bucket })
    expect((await refused(region.sdk().getBucketPolicy({ Bucket }))).code).toBe(
      'NoSuchBucketPolicy',
    )
    await region.sdk().deletePublicAccessBlock({ Bucket })
    expect((await refused(region.sdk().getPublicAccessBlock({ Bucket }))).code).toBe(
      'NoSuchPublicAccessBlockConfiguration',
    )
    await region.sdk().deleteBucketOwnershipControls({ Bucket })
    expect((await refused(region.sdk().getBucketOwnershipControls({ Bucket }))).code).toBe(
      'OwnershipControlsNotFoundError',
    )
    await region.sdk().deleteBucketEncryption({ Bucket })
    const { ServerSideEncryptionConfiguration } = await region.sdk().getBucketEncryption({ Bucket })
    expect(
      ServerSideEncryptionConfiguration!.Rules![0]!.ApplyServerSideEncryptionByDefault,
    ).toEqual({ SSEAlgorithm: 'AES256' })
  })

  test('have the values of a new bucket', async () => {
    const at = { Bucket: 'bare' }
    expect(await region.sdk().getBucketRequestPayment(at)).toMatchObject({ Payer: 'BucketOwner' })
    expect((await region.sdk().getBucketAccelerateConfiguration(at)).Status).toBeUndefined()
    expect((await region.sdk().getBucketLogging(at)).LoggingEnabled).toBeUndefined()
    const block = await region.sdk().getPublicAccessBlock(at)
    expect(block.PublicAccessBlockConfiguration).toMatchObject({ RestrictPublicBuckets: true })
    const { Owner, Grants } = await region.sdk().getBucketAcl(at)
    expect(Grants).toEqual([
      { Grantee: { ...Owner, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' },
    ])
    const acl = region.sdk().putBucketAcl({ ...at, ACL: 'public-read' })
    expect((await refused(acl)).code).toBe('AccessControlListNotSupported')
  })

  test('refuse what AWS refuses, and keep what was there', async () => {
    const put = async (name: string, member: string, value: unknown) =>
      (await refused(s3()[`put${name}`]!({ Bucket: 'bare', [member]: value }))).code
    expect(await put('BucketPolicy', 'Policy', 'not json')).toBe('MalformedPolicy')
    expect(await put('BucketPolicy', 'Policy', '{"Statement":[]}')).toBe('MalformedPolicy')
    expect(await put('BucketPolicy', 'Policy', POLICY)).toBe('MalformedPolicy')
    for (const unread of [{ Condition: { StringLike: null } }, { Principal: { AWS: [null] } }]) {
      const statement = {
        ...{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject' },
        ...{ Resource: 'arn:aws:s3:::bare/*', ...unread },
      }
      const policy = JSON.stringify({ Version: '2012-10-17', Statement: statement })
      expect(await put('BucketPolicy', 'Policy', policy)).toBe('MalformedPolicy')
    }
    const twice = [RULE, RULE]
    const lifecycle = (Rules: unknown) =>
      put('BucketLifecycleConfiguration', 'LifecycleConfiguration', { Rules })
    expect(await lifecycle(twice)).toBe('InvalidArgument')
    expect(await lifecycle([{ Status: 'Enabled', Prefix: '' }])).toBe('InvalidRequest')
    expect(await lifecycle([{ ...RULE, Status: 'On' }])).toBe('MalformedXML')
    const same = {
      TagSet: [
        { Key: 'a', Value: '1' },
        { Key: 'a', Value: '2' },
      ],
    }
    expect(await put('BucketTagging', 'Tagging', same)).toBe('InvalidTag')
    const lock = { ObjectLockEnabled: 'Enabled' }
    expect(await put('ObjectLockConfiguration', 'ObjectLockConfiguration', lock)).toBe(
      'InvalidBucketState',
    )
    for (const name of ['Policy', 'Tagging', 'LifecycleConfiguration']) {
      expect(await refused(s3()[`getBucket${name}`]!({ Bucket: 'bare' }))).toMatchObject({
        status: 404,
      })
    }
  })
})

describe('replication of a bucket', () => {
  const region = s3UnderTest()
  const Bucket = 'source'
  const Role = 'arn:aws:iam::000000000000:role/replication'
  const Destination = { Bucket: 'arn:aws:s3:::elsewhere' }
  beforeAll(async () => {
    await region.bucket(Bucket, { isVersioned: true })
    await region.bucket('elsewhere', { isVersioned: true })
  })
  const put = (Rules: object[], more: object = {}) =>
    region.sdk().putBucketReplication({
      Bucket,
      ReplicationConfiguration: { Role, Rules: Rules as never },
      ...more,
    })
  const told = async () =>
    (await region.sdk().getBucketReplication({ Bucket })).ReplicationConfiguration

  test('keeps a rule of the first form as it was sent, with its empty prefix', async () => {
    const rule =
      '<Rule><Destination><Bucket>arn:aws:s3:::elsewhere</Bucket><StorageClass>STANDARD</StorageClass></Destination><ID>all</ID><Prefix></Prefix><Status>Enabled</Status></Rule>'
    const body = `<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Role>${Role}</Role>${rule}</ReplicationConfiguration>`
    const sent = await rawRequest(region, {
      method: 'PUT',
      path: `/${Bucket}`,
      query: [['replication', '']],
      body,
    })
    expect(sent.status).toBe(200)
    const got = await rawRequest(region, {
      method: 'GET',
      path: `/${Bucket}`,
      query: [['replication', '']],
    })
    const text = await got.text()
    expect(text).toContain(
      '<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    )
    expect(text).toContain('<Prefix></Prefix>')
    for (const absent of ['Priority', 'Filter', 'DeleteMarkerReplication']) {
      expect(text).not.toContain(absent)
    }
    expect((await told())!.Rules).toEqual([
      {
        ID: 'all',
        Prefix: '',
        Status: 'Enabled',
        Destination: { ...Destination, StorageClass: 'STANDARD' },
      },
    ])
  })

  test('keeps a rule of the second form as it was sent', async () => {
    const rule = {
      ID: 'v2',
      Priority: 1,
      Filter: { And: { Prefix: 'a', Tags: [{ Key: 'k', Value: 'v' }] } },
      Status: 'Disabled',
      Destination,
      DeleteMarkerReplication: { Status: 'Disabled' },
    }
    await put([rule])
    expect(await told()).toEqual({ Role, Rules: [rule] })
  })

  test('is refused without versions, and when its rules make no sense', async () => {
    const before = await told()
    const rule = { Status: 'Enabled', Prefix: '', Destination }
    const code = async (rules: object[], more: object = {}) =>
      (await refused(put(rules, more))).code
    await region.bucket('unversioned')
    expect(await code([rule], { Bucket: 'unversioned' })).toBe('InvalidRequest')
    await setVersioning(region.sdk(), 'unversioned', 'Suspended')
    expect(await code([rule], { Bucket: 'unversioned' })).toBe('InvalidRequest')
    const to = (name: string) => ({ ...rule, Destination: { Bucket: `arn:aws:s3:::${name}` } })
    expect(await code([to('unversioned')])).toBe('InvalidRequest')
    expect(await code([to(Bucket)])).toBe('InvalidRequest')
    expect(await code([to('nowhere-at-all')])).toBe('InvalidRequest')
    expect(await code([{ ...rule, Destination: { Bucket: 'elsewhere' } }])).toBe('InvalidArgument')
    expect(await code([])).toBe('MalformedXML')
    expect(await code([{ ...rule, Status: 'On' }])).toBe('MalformedXML')
    expect(await code([{ ...rule, Filter: { Prefix: '' } }])).toBe('MalformedXML')
    const filtered = { Status: 'Enabled', Filter: { Prefix: '' }, Destination }
    expect(await code([filtered])).toBe('InvalidRequest')
    expect(await code([{ ...filtered, Priority: 1 }])).toBe('InvalidRequest')
    const tagged = { ...filtered, Priority: 1, Filter: { Tag: { Key: 'k', Value: 'v' } } }
    const DeleteMarkerReplication = { Status: 'Enabled' }
    expect(await code([{ ...tagged, DeleteMarkerReplication }])).toBe('InvalidRequest')
    const same = { ...rule, ID: 'same' }
    expect(await code([same, same])).toBe('InvalidArgument')
    expect(await told()).toEqual(before)
    const absent = region.sdk().getBucketReplication({ Bucket: 'unversioned' })
    expect(await refused(absent)).toMatchObject({
      code: 'ReplicationConfigurationNotFoundError',
      status: 404,
    })
  })
})
