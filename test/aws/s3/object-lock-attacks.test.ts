import { Agent } from 'node:http'
import type { LookupFunction } from 'node:net'
import { type ObjectLockRetention, S3 } from '@aws-sdk/client-s3'
import { type JobOperation, S3Control } from '@aws-sdk/client-s3-control'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { rawRequest } from './raw-request.ts'
import { refused, s3UnderTest } from './s3-under-test.ts'

/** Somebody has the root key and wants a version gone that is locked in compliance mode. */

const DAY_MS = 86_400_000
const Bucket = 'vault'
const Key = 'ledger'
const BODY = 'what happened'
const ACCOUNT = '000000000000'
const DENIED = { code: 'AccessDenied', status: 403 }

describe('a version in compliance mode survives', () => {
  const region = s3UnderTest()
  const RetainUntilDate = new Date(Math.floor(Date.now() / 1000) * 1000 + 30 * DAY_MS)
  let VersionId: string
  let aheadMs = 0
  const clients: S3[] = []
  /** The attacker's client, whose clock is that of the region. */
  const s3 = () => {
    const made = new S3({ ...region.client(), forcePathStyle: true, systemClockOffset: aheadMs })
    clients.push(made)
    return made
  }
  const setClock = (ms: number) => {
    region.clock.forward(ms)
    aheadMs += ms
  }

  beforeAll(async () => {
    await s3().createBucket({ Bucket, ObjectLockEnabledForBucket: true })
    const lock = {
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: RetainUntilDate,
    } as const
    const put = await s3().putObject({ Bucket, Key, Body: BODY, ...lock })
    VersionId = put.VersionId!
    // It does what it can from the beginning, and all the time.
    await s3().putBucketLifecycleConfiguration({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ...{ ID: 'all', Status: 'Enabled', Filter: { Prefix: '' } },
            Expiration: { Days: 1 },
            NoncurrentVersionExpiration: { NoncurrentDays: 1 },
          },
        ],
      },
    })
  })
  afterAll(() => {
    for (const client of clients) client.destroy()
  })

  afterEach(async () => {
    const got = await s3().getObject({ Bucket, Key, VersionId })
    expect(await got.Body!.transformToString()).toBe(BODY)
    const { Retention } = await s3().getObjectRetention({ Bucket, Key, VersionId })
    expect(Retention).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate })
  })

  describe('its end', () => {
    const bypass = { BypassGovernanceRetention: true }

    test('by its id', async () => {
      expect(await refused(s3().deleteObject({ Bucket, Key, VersionId }))).toMatchObject(DENIED)
      expect(await refused(s3().deleteObject({ Bucket, Key, VersionId, ...bypass }))).toMatchObject(
        DENIED,
      )
    })

    test('among many', async () => {
      const Objects = [{ Key: 'absent' }, { Key, VersionId }]
      const { Errors } = await s3().deleteObjects({ Bucket, Delete: { Objects }, ...bypass })
      expect(Errors).toEqual([expect.objectContaining({ Key, VersionId, Code: 'AccessDenied' })])
    })

    test('by a delete marker, which hides it', async () => {
      await s3().deleteObject({ Bucket, Key })
      expect((await refused(s3().getObject({ Bucket, Key }))).code).toBe('NoSuchKey')
    })
  })

  describe('being overwritten', () => {
    test('by a PUT', async () => {
      const put = await s3().putObject({ Bucket, Key, Body: 'nothing happened' })
      expect(put.VersionId).not.toBe(VersionId)
    })

    test('by a copy, of itself too', async () => {
      await s3().putObject({ Bucket, Key: 'other', Body: 'nothing' })
      await s3().copyObject({ Bucket, Key, CopySource: `${Bucket}/other` })
      const CopySource = `${Bucket}/${Key}?versionId=${VersionId}`
      const copied = await s3().copyObject({
        Bucket,
        Key,
        CopySource,
        MetadataDirective: 'REPLACE',
      })
      expect(copied.VersionId).not.toBe(VersionId)
    })

    test('in parts', async () => {
      const { UploadId } = await s3().createMultipartUpload({ Bucket, Key })
      const at = { Bucket, Key, UploadId }
      const { ETag } = await s3().uploadPart({ ...at, PartNumber: 1, Body: 'nothing' })
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      const completed = await s3().completeMultipartUpload({ ...at, MultipartUpload })
      expect(completed.VersionId).not.toBe(VersionId)
    })

    test('by what says that it is its replica', async () => {
      const manifest = JSON.stringify({ kind: 'object', versionId: VersionId, sizeBytes: 0 })
      const headers: [string, string][] = [
        ['x-amz-lifeboat-replica', `${manifest.length}-${'0'.repeat(64)}`],
      ]
      const path = `/${Bucket}/${Key}`
      const reply = await rawRequest(region, { method: 'PUT', path, headers, body: manifest })
      expect([reply.status, await reply.text()]).toEqual([
        403,
        expect.stringContaining('AccessDenied'),
      ])
    })
  })

  describe('the end of its retention', () => {
    const retain = (Retention: ObjectLockRetention) =>
      s3().putObjectRetention({
        ...{ Bucket, Key, VersionId, Retention, BypassGovernanceRetention: true },
      })
    const inDays = (days: number) => new Date(Date.now() + aheadMs + days * DAY_MS)

    test('that is shortened', async () => {
      expect(
        await refused(retain({ Mode: 'COMPLIANCE', RetainUntilDate: inDays(1) })),
      ).toMatchObject(DENIED)
      const past = retain({ Mode: 'COMPLIANCE', RetainUntilDate: inDays(-1) })
      expect((await refused(past)).code).toBe('InvalidArgument')
    })

    test('that is weakened, also when it would last longer', async () => {
      expect(
        await refused(retain({ Mode: 'GOVERNANCE', RetainUntilDate: inDays(60) })),
      ).toMatchObject(DENIED)
    })

    test('that is removed', async () => {
      expect(await refused(retain({}))).toMatchObject(DENIED)
    })

    test('by a legal hold that ends', async () => {
      for (const Status of ['ON', 'OFF'] as const) {
        await s3().putObjectLegalHold({ Bucket, Key, VersionId, LegalHold: { Status } })
      }
      expect(await refused(s3().deleteObject({ Bucket, Key, VersionId }))).toMatchObject(DENIED)
    })
  })

  describe('changes of its bucket:', () => {
    test('suspended versioning', async () => {
      const VersioningConfiguration = { Status: 'Suspended' } as const
      const call = s3().putBucketVersioning({ Bucket, VersioningConfiguration })
      expect((await refused(call)).code).toBe('InvalidBucketState')
      expect((await s3().getBucketVersioning({ Bucket })).Status).toBe('Enabled')
    })

    test('a lock configuration that is taken away', async () => {
      const configure = (ObjectLockConfiguration: object) =>
        s3().putObjectLockConfiguration({ Bucket, ObjectLockConfiguration })
      expect((await refused(configure({}))).code).toBe('MalformedXML')
      await configure({ ObjectLockEnabled: 'Enabled' })
      const told = await s3().getObjectLockConfiguration({ Bucket })
      expect(told.ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled' })
      expect(await refused(s3().deleteObject({ Bucket, Key, VersionId }))).toMatchObject(DENIED)
    })

    test('its end, also when all else was deleted', async () => {
      expect((await refused(s3().deleteBucket({ Bucket }))).code).toBe('BucketNotEmpty')
      const { Versions = [], DeleteMarkers = [] } = await s3().listObjectVersions({ Bucket })
      const all = [...Versions, ...DeleteMarkers]
      const Objects = all.map((one) => ({ Key: one.Key, VersionId: one.VersionId }))
      const { Errors } = await s3().deleteObjects({ Bucket, Delete: { Objects } })
      expect(Errors?.map((error) => error.VersionId)).toEqual([VersionId])
      expect((await refused(s3().deleteBucket({ Bucket }))).code).toBe('BucketNotEmpty')
    })

    test('its creation anew', async () => {
      const call = s3().createBucket({ Bucket })
      expect((await refused(call)).code).toBe('BucketAlreadyOwnedByYou')
    })
  })

  describe('batch jobs', () => {
    /** Every name under localhost is this machine, also where its resolver does not say so. */
    const lookup: LookupFunction = (_name, options, done) => {
      if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
      else done(null, '127.0.0.1', 4)
    }
    const TagSet = [{ Key: 'a', Value: 'b' }]
    const operations: readonly [string, JobOperation][] = [
      ['retention', { S3PutObjectRetention: { BypassGovernanceRetention: true, Retention: {} } }],
      ['legal holds', { S3PutObjectLegalHold: { LegalHold: { Status: 'OFF' } } }],
      ['copies', { S3PutObjectCopy: { TargetResource: `arn:aws:s3:::${Bucket}` } }],
      ['tags', { S3PutObjectTagging: { TagSet } }],
      ['functions', { LambdaInvoke: { FunctionArn: 'arn:aws:lambda:a:000000000000:function:b' } }],
    ]
    test.each(operations)('of %s', async (_, Operation) => {
      const control = new S3Control({
        ...region.client(),
        endpoint: region.endpoint().replace('127.0.0.1', 'localhost'),
        systemClockOffset: aheadMs,
        requestHandler: { httpAgent: new Agent({ lookup }) },
      })
      const job = control.createJob({
        ...{ AccountId: ACCOUNT, Operation, Priority: 1, ConfirmationRequired: false },
        ...{ ClientRequestToken: 'a', RoleArn: `arn:aws:iam::${ACCOUNT}:role/a` },
        Report: { Enabled: false },
        Manifest: {
          Spec: { Format: 'S3BatchOperations_CSV_20180820', Fields: ['Bucket', 'Key'] },
          Location: { ObjectArn: `arn:aws:s3:::${Bucket}/m`, ETag: 'a' },
        },
      })
      expect((await refused(job)).code).toBe('InvalidRequestException')
      control.destroy()
    })
  })

  describe('time', () => {
    test('that passes, with lifecycle rules beside', async () => {
      region.pass(5 * DAY_MS)
      aheadMs += 5 * DAY_MS
      expect(await refused(s3().deleteObject({ Bucket, Key, VersionId }))).toMatchObject(DENIED)
    })
  })

  describe('a clock of the machine that is set forward', () => {
    const isDenied = async () => {
      const bypass = { BypassGovernanceRetention: true }
      const call = s3().deleteObject({ Bucket, Key, VersionId, ...bypass })
      expect(await refused(call)).toMatchObject(DENIED)
    }

    test('while the region runs', async () => {
      setClock(50 * 365 * DAY_MS)
      await isDenied()
    })

    test('while the region is stopped', async () => {
      setClock(50 * 365 * DAY_MS)
      await region.restart()
      await isDenied()
    })

    test('before the machine is started again', async () => {
      setClock(50 * 365 * DAY_MS)
      await region.reboot()
      await isDenied()
    })

    test('and back', async () => {
      setClock(-150 * 365 * DAY_MS)
      await isDenied()
    })
  })
})
