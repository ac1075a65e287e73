import { type Grant, type Grantee, S3 } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { iamUnderTest, type Keys, policyOf } from '../iam/iam-under-test.ts'
import { refused } from './s3-under-test.ts'

const ALL = 'http://acs.amazonaws.com/groups/global/AllUsers'
const AUTHENTICATED = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers'

describe('access control lists', () => {
  const region = iamUnderTest()
  let s3: S3
  let stranger: S3
  let owner: string
  const client = (keys?: Keys) =>
    new S3({ ...(keys ? region.as(keys) : region.client()), forcePathStyle: true })
  beforeAll(async () => {
    s3 = client()
    // A user of whom no policy speaks has what everybody has.
    stranger = client(await region.userWith('stranger'))
    owner = (await s3.listBuckets()).Owner!.ID!
  })
  /** A bucket that has ACLs, and blocks none. */
  const open = async (Bucket: string) => {
    await s3.createBucket({ Bucket, ObjectOwnership: 'ObjectWriter' })
    await s3.deletePublicAccessBlock({ Bucket })
    return Bucket
  }
  const anonymously = async (path: string, init: RequestInit = {}) =>
    (await fetch(`${region.endpoint()}/${path}`, init)).status
  const summary = (Grants: readonly Grant[] = []) =>
    Grants.map(({ Grantee = {}, Permission }) => {
      const { URI, ID } = Grantee as Partial<Grantee>
      return `${URI ? URI.replace(/.*\//, '') : ID === owner ? 'owner' : ID}:${Permission}`
    })
  const ofBucket = async (Bucket: string) => summary((await s3.getBucketAcl({ Bucket })).Grants)
  const ofObject = async (Bucket: string, Key: string) =>
    summary((await s3.getObjectAcl({ Bucket, Key })).Grants)

  test('are disabled in new buckets, which take only the owner with all rights', async () => {
    const Bucket = 'no-acls'
    await s3.createBucket({ Bucket })
    const put = (more: object) => s3.putObject({ Bucket, Key: 'k', Body: 'x', ...more })
    await put({ ACL: 'bucket-owner-full-control' })
    expect(await ofObject(Bucket, 'k')).toEqual(['owner:FULL_CONTROL'])
    expect(await ofBucket(Bucket)).toEqual(['owner:FULL_CONTROL'])
    const refusals = [
      () => put({ ACL: 'public-read' }),
      () => put({ ACL: 'private' }),
      () => put({ GrantRead: `uri="${ALL}"` }),
      () => s3.putBucketAcl({ Bucket, ACL: 'private' }),
      () => s3.putObjectAcl({ Bucket, Key: 'k', ACL: 'public-read' }),
      () => s3.createMultipartUpload({ Bucket, Key: 'm', ACL: 'public-read' }),
      () => s3.copyObject({ Bucket, Key: 'c', CopySource: `${Bucket}/k`, ACL: 'public-read' }),
    ]
    for (const call of refusals) {
      const outcome = await refused(call())
      expect(outcome).toMatchObject({ code: 'AccessControlListNotSupported', status: 400 })
    }
    expect(await anonymously(`${Bucket}/k`)).toBe(403)
    const { Contents = [] } = await s3.listObjectsV2({ Bucket })
    expect(Contents.map(({ Key }) => Key)).toEqual(['k'])
  })

  test('no bucket is made with one that its ownership or its block does not take', async () => {
    const make = (more: object) => s3.createBucket({ Bucket: 'never-made', ...more })
    expect((await refused(make({ ACL: 'public-read' }))).code).toBe(
      'InvalidBucketAclWithObjectOwnership',
    )
    const open = { ACL: 'public-read', ObjectOwnership: 'ObjectWriter' }
    expect((await refused(make(open))).code).toBe('InvalidBucketAclWithBlockPublicAccessError')
    expect((await refused(s3.headBucket({ Bucket: 'never-made' }))).status).toBe(404)
    await s3.createBucket({ Bucket: 'made-private', ACL: 'private' })
    expect(await ofBucket('made-private')).toEqual(['owner:FULL_CONTROL'])
  })

  test.each([
    ['private', []],
    ['public-read', ['AllUsers:READ']],
    ['public-read-write', ['AllUsers:READ', 'AllUsers:WRITE']],
    ['authenticated-read', ['AuthenticatedUsers:READ']],
  ] as const)('the canned %s is told as its grants', async (ACL, given) => {
    const Bucket = await open(`canned-${ACL}`)
    await s3.putBucketAcl({ Bucket, ACL })
    await s3.putObject({ Bucket, Key: 'k', Body: 'x', ACL })
    const expected = [...given, 'owner:FULL_CONTROL']
    expect(await ofBucket(Bucket)).toEqual(expected)
    expect(await ofObject(Bucket, 'k')).toEqual(expected)
    await s3.putObjectAcl({ Bucket, Key: 'k', ACL: 'private' })
    expect(await ofObject(Bucket, 'k')).toEqual(['owner:FULL_CONTROL'])
  })

  test('of a bucket give its list and writing to it, and nothing of its objects', async () => {
    const Bucket = await open('bucket-grants')
    await s3.putObject({ Bucket, Key: 'k', Body: 'x' })
    expect(await anonymously(Bucket)).toBe(403)
    expect((await refused(stranger.listObjectsV2({ Bucket }))).code).toBe('AccessDenied')
    await s3.putBucketAcl({ Bucket, ACL: 'authenticated-read' })
    expect((await stranger.listObjectsV2({ Bucket })).KeyCount).toBe(1)
    expect(await anonymously(Bucket)).toBe(403)
    await s3.putBucketAcl({ Bucket, ACL: 'public-read-write' })
    expect(await anonymously(Bucket)).toBe(200)
    expect(await anonymously(`${Bucket}/k`)).toBe(403)
    expect(await anonymously(`${Bucket}/new`, { method: 'PUT', body: 'y' })).toBe(200)
    expect(await anonymously(`${Bucket}/k`, { method: 'DELETE' })).toBe(403)
    expect((await refused(stranger.getBucketAcl({ Bucket }))).code).toBe('AccessDenied')
    const { Contents = [] } = await s3.listObjectsV2({ Bucket })
    expect(Contents.map(({ Key }) => Key)).toEqual(['k', 'new'])
  })

  test('of an object give it alone, and of a version that version', async () => {
    const Bucket = await open('object-grants')
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })
    const { VersionId } = await s3.putObject({ Bucket, Key: 'k', Body: 'x', ACL: 'public-read' })
    expect(await anonymously(`${Bucket}/k`)).toBe(200)
    expect(await anonymously(Bucket)).toBe(403)
    await s3.putObject({ Bucket, Key: 'k', Body: 'y' })
    expect(await anonymously(`${Bucket}/k`)).toBe(403)
    expect(await anonymously(`${Bucket}/k?versionId=${VersionId}`)).toBe(200)
    expect(await ofObject(Bucket, 'k')).toEqual(['owner:FULL_CONTROL'])
    await s3.putObjectAcl({ Bucket, Key: 'k', VersionId: VersionId!, ACL: 'private' })
    expect(await anonymously(`${Bucket}/k?versionId=${VersionId}`)).toBe(403)
    await s3.putObject({ Bucket, Key: 'acl', Body: 'x', GrantReadACP: `uri="${AUTHENTICATED}"` })
    expect(summary((await stranger.getObjectAcl({ Bucket, Key: 'acl' })).Grants)).toEqual([
      'AuthenticatedUsers:READ_ACP',
    ])
    expect((await refused(stranger.getObject({ Bucket, Key: 'acl' }))).code).toBe('AccessDenied')
  })

  test('are not copied, and are given anew with a copy or an upload', async () => {
    const Bucket = await open('copied-grants')
    await s3.putObject({ Bucket, Key: 'k', Body: 'x', ACL: 'public-read' })
    await s3.copyObject({ Bucket, Key: 'c', CopySource: `${Bucket}/k` })
    expect(await ofObject(Bucket, 'c')).toEqual(['owner:FULL_CONTROL'])
    await s3.copyObject({ Bucket, Key: 'd', CopySource: `${Bucket}/k`, ACL: 'public-read' })
    expect(await anonymously(`${Bucket}/d`)).toBe(200)
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: 'm', ACL: 'public-read' })
    const about = { Bucket, Key: 'm', UploadId: UploadId! }
    const { ETag } = await s3.uploadPart({ ...about, PartNumber: 1, Body: 'x' })
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await s3.completeMultipartUpload({ ...about, MultipartUpload })
    expect(await anonymously(`${Bucket}/m`)).toBe(200)
  })

  test('are read from documents and headers, and refused where they name nobody', async () => {
    const Bucket = await open('documents')
    const Owner = { ID: owner }
    const grant = (Grantee: object, Permission = 'READ') => ({ Grantee, Permission })
    const put = (...Grants: object[]) =>
      s3.putBucketAcl({ Bucket, AccessControlPolicy: { Owner, Grants: Grants as never } })
    const mine = grant({ Type: 'CanonicalUser', ID: owner }, 'FULL_CONTROL')
    await put(grant({ Type: 'Group', URI: ALL }, 'READ_ACP'), mine)
    expect(await ofBucket(Bucket)).toEqual(['AllUsers:READ_ACP', 'owner:FULL_CONTROL'])
    expect(await anonymously(`${Bucket}?acl`)).toBe(200)
    await s3.putBucketAcl({ Bucket, GrantRead: `uri="${ALL}", id=${owner}` })
    expect(await ofBucket(Bucket)).toEqual(['AllUsers:READ', 'owner:READ'])

    const bad = [
      [() => put(grant({ Type: 'CanonicalUser', ID: '_foo' })), 'InvalidArgument', 400],
      [() => put(grant({ Type: 'Group', URI: 'http://example.com/all' })), 'InvalidArgument', 400],
      [
        () => put(grant({ Type: 'AmazonCustomerByEmail', EmailAddress: 'a@example.com' })),
        'MethodNotAllowed',
        405,
      ],
      [() => s3.putBucketAcl({ Bucket, ACL: 'everybody' as never }), 'InvalidArgument', 400],
      [() => s3.putBucketAcl({ Bucket }), 'MissingSecurityHeader', 400],
      [
        () => s3.putBucketAcl({ Bucket, ACL: 'private', GrantRead: `id=${owner}` }),
        'InvalidRequest',
        400,
      ],
    ] as const
    for (const [call, code, status] of bad) {
      expect(await refused(call())).toMatchObject({ code, status })
    }
    expect(await ofBucket(Bucket)).toEqual(['AllUsers:READ', 'owner:READ'])
    await put()
    expect(await ofBucket(Bucket)).toEqual([])
  })

  test('may be blocked or ignored, when they are public', async () => {
    const Bucket = await open('blocked')
    await s3.putBucketAcl({ Bucket, ACL: 'public-read' })
    await s3.putObject({ Bucket, Key: 'k', Body: 'x', ACL: 'public-read' })
    const block = (more: object) =>
      s3.putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration: more })
    await block({ BlockPublicAcls: true })
    for (const ACL of ['public-read', 'public-read-write', 'authenticated-read'] as const) {
      const denied = { code: 'AccessDenied', status: 403 }
      expect(await refused(s3.putBucketAcl({ Bucket, ACL }))).toMatchObject(denied)
      const put = s3.putObject({ Bucket, Key: 'n', Body: 'x', ACL })
      expect(await refused(put)).toMatchObject(denied)
    }
    await s3.putObject({ Bucket, Key: 'p', Body: 'x', ACL: 'private' })
    expect(await anonymously(`${Bucket}/k`)).toBe(200)
    await block({ IgnorePublicAcls: true })
    expect(await anonymously(`${Bucket}/k`)).toBe(403)
    expect(await anonymously(Bucket)).toBe(403)
    expect((await refused(stranger.listObjectsV2({ Bucket }))).code).toBe('AccessDenied')
    expect((await refused(s3.getObject({ Bucket, Key: 'n' }))).code).toBe('NoSuchKey')
  })

  test('give nothing that a policy denies, and end when the bucket disables them', async () => {
    const Bucket = await open('denied')
    await s3.putBucketAcl({ Bucket, ACL: 'public-read' })
    const Policy = policyOf({
      ...{ Effect: 'Deny', Principal: '*', Action: 's3:ListBucket' },
      Resource: `arn:aws:s3:::${Bucket}`,
    })
    await s3.putBucketPolicy({ Bucket, Policy })
    expect(await anonymously(Bucket)).toBe(403)
    await s3.deleteBucketPolicy({ Bucket })
    expect(await anonymously(Bucket)).toBe(200)
    const enforce = () =>
      s3.putBucketOwnershipControls({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      })
    expect((await refused(enforce())).code).toBe('InvalidBucketAclWithObjectOwnership')
    await s3.putBucketAcl({ Bucket, ACL: 'private' })
    await s3.putObject({ Bucket, Key: 'k', Body: 'x', ACL: 'public-read' })
    await enforce()
    expect(await anonymously(`${Bucket}/k`)).toBe(403)
    expect(await ofObject(Bucket, 'k')).toEqual(['owner:FULL_CONTROL'])
    expect(region.errors).toEqual([])
  })
})
