import { createHash } from 'node:crypto'
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteRoleCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { refused } from './s3-under-test.ts'
import { GUIDES_ACTIONS, HERE, THERE, twoRegions } from './two-regions.ts'

const REASON = 'x-lifeboat-replication-failure-reason'

/** What AWS names as the reason when the role lacks the action. */
const REASONS: Readonly<Record<string, string>> = {
  's3:GetReplicationConfiguration': 'SrcBucketReplicationConfigMissing',
  's3:ListBucket': 'SrcGetObjNotPermitted',
  's3:GetObjectVersionForReplication': 'SrcGetObjNotPermitted',
  's3:GetObjectVersionAcl': 'SrcGetObjNotPermitted',
  's3:GetObjectVersionTagging': 'SrcGetTaggingNotPermitted',
  's3:ReplicateObject': 'DstPutObjNotPermitted',
  's3:ReplicateTags': 'DstPutTaggingNotPermitted',
}

const world = twoRegions()

async function pair(name: string, without = '') {
  const source = await world.bucket(HERE, `${name}-source`)
  const destination = await world.bucket(THERE, `${name}-destination`)
  const role = await world.role(name, source, [destination], without)
  await world.replicate(HERE, source, role, [ruleTo(destination)])
  return { source, destination, role }
}

const ruleTo = (bucket: string) =>
  ({
    ID: 'all',
    Status: 'Enabled',
    Prefix: '',
    Destination: { Bucket: `arn:aws:s3:::${bucket}` },
  }) as const

const put = (Bucket: string, Key: string) =>
  world.s3(HERE).send(new PutObjectCommand({ Bucket, Key, Body: 'body', Tagging: 'a=b' }))

/** The status that is reached, with the reason of a failure. */
async function outcome(Bucket: string, Key: string) {
  let found: { status?: string | undefined; reason?: string | undefined } = {}
  const s3 = new S3Client({ ...world.client(HERE), forcePathStyle: true })
  s3.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { headers } = result.response as { headers: Record<string, string> }
      found = { reason: headers[REASON] }
      return result
    },
    { step: 'deserialize', priority: 'low' },
  )
  await until(`${Key} has an outcome`, 60_000, async () => {
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }))
    found = { ...found, status: head.ReplicationStatus }
    return found.status !== 'PENDING'
  })
  s3.destroy()
  return found
}

const versionsThere = async (bucket: string) => (await world.versions(THERE, bucket)).length

describe('without an action of the guide', () => {
  test.each(Object.entries(REASONS))('%s an object fails for %s', async (action, reason) => {
    const name = action.slice(3).toLowerCase()
    const { source, destination } = await pair(name, action)
    await put(source, 'key')
    expect(await outcome(source, 'key')).toEqual({ status: 'FAILED', reason })
    expect(await versionsThere(destination)).toBe(0)

    await world.grant(name, source, [destination])
    await put(source, 'next')
    expect(await outcome(source, 'next')).toEqual({ status: 'COMPLETED', reason: undefined })
    expect(await outcome(source, 'key')).toEqual({ status: 'FAILED', reason })
    expect(await versionsThere(destination)).toBe(1)
  })

  test('s3:ReplicateDelete a delete marker stays, and objects go', async () => {
    const { source, destination } = await pair('no-delete', 's3:ReplicateDelete')
    await put(source, 'key')
    expect((await outcome(source, 'key')).status).toBe('COMPLETED')
    await world.s3(HERE).send(new DeleteObjectCommand({ Bucket: source, Key: 'key' }))
    await put(source, 'last')
    expect((await outcome(source, 'last')).status).toBe('COMPLETED')
    const there = await world.versions(THERE, destination)
    expect(there.filter(({ isMarker }) => isMarker)).toEqual([])
    expect(there).toHaveLength(2)
  })

  test('the test names all of them', () => {
    const named = [...Object.keys(REASONS), 's3:ReplicateDelete'].sort()
    expect(named).toEqual(GUIDES_ACTIONS.map(([action]) => action).sort())
  })
})

describe('an object fails', () => {
  test('when the role does not trust S3, or is gone', async () => {
    const { source, destination } = await pair('trust')
    const trust = (Service: string) => ({
      RoleName: 'trust',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' }],
      }),
    })
    await world.iam().send(new UpdateAssumeRolePolicyCommand(trust('ec2.amazonaws.com')))
    await put(source, 'distrusted')
    const failed = { status: 'FAILED', reason: 'AssumeRoleNotPermitted' }
    expect(await outcome(source, 'distrusted')).toEqual(failed)
    await world.iam().send(new UpdateAssumeRolePolicyCommand(trust('s3.amazonaws.com')))
    await put(source, 'trusted')
    expect((await outcome(source, 'trusted')).status).toBe('COMPLETED')
    await world.revoke('trust')
    await world.iam().send(new DeleteRoleCommand({ RoleName: 'trust' }))
    await put(source, 'gone')
    expect(await outcome(source, 'gone')).toEqual(failed)
    expect(await versionsThere(destination)).toBe(1)
  })

  test('when the destination keeps no versions any more, or is gone', async () => {
    const { source, destination } = await pair('unversioned')
    const VersioningConfiguration = { Status: 'Suspended' } as const
    await world
      .s3(THERE)
      .send(new PutBucketVersioningCommand({ Bucket: destination, VersioningConfiguration }))
    await put(source, 'key')
    const reason = 'DstBucketUnversioned'
    expect(await outcome(source, 'key')).toEqual({ status: 'FAILED', reason })
    expect(await versionsThere(destination)).toBe(0)
    await world.s3(THERE).send(new DeleteBucketCommand({ Bucket: destination }))
    await put(source, 'later')
    const absent = { status: 'FAILED', reason: 'DstBucketNotFound' }
    expect(await outcome(source, 'later')).toEqual(absent)
  })

  test('when the policy of the destination denies it', async () => {
    const { source, destination, role } = await pair('denied')
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Principal: { AWS: role },
          Action: 's3:ReplicateObject',
          Resource: `arn:aws:s3:::${destination}/private/*`,
        },
      ],
    })
    await world.s3(THERE).send(new PutBucketPolicyCommand({ Bucket: destination, Policy }))
    await put(source, 'private/key')
    await put(source, 'public/key')
    const reason = 'DstPutObjNotPermitted'
    expect(await outcome(source, 'private/key')).toEqual({ status: 'FAILED', reason })
    expect((await outcome(source, 'public/key')).status).toBe('COMPLETED')
    expect(await versionsThere(destination)).toBe(1)
  })
})

describe('PutBucketReplication', () => {
  test('is refused while the destination is absent or keeps no versions', async () => {
    const source = await world.bucket(HERE, 'early-source')
    const destination = 'early-destination'
    const role = await world.role('early', source, [destination])
    const attempt = () => refused(world.replicate(HERE, source, role, [ruleTo(destination)]))
    expect(await attempt()).toMatchObject({ code: 'InvalidRequest', status: 400 })
    await world.bucket(THERE, destination)
    const suspended = { Status: 'Suspended' } as const
    await world.s3(THERE).send(
      new PutBucketVersioningCommand({
        Bucket: destination,
        VersioningConfiguration: suspended,
      }),
    )
    expect(await attempt()).toMatchObject({
      code: 'InvalidRequest',
      status: 400,
      message: 'Destination bucket must have versioning enabled.',
    })
    await put(source, 'key')
    expect(await world.status(HERE, source, 'key')).toBeUndefined()
  })

  test('needs the right to pass the role to S3', async () => {
    const source = await world.bucket(HERE, 'pass-source')
    const destination = await world.bucket(THERE, 'pass-destination')
    const role = await world.role('pass', source, [destination])
    const session = await sessionWith('passing', ['s3:*'])
    const attempt = (keys: typeof session) =>
      new S3Client({ ...world.client(HERE), credentials: keys, forcePathStyle: true }).send(
        new PutBucketReplicationCommand({
          Bucket: source,
          ReplicationConfiguration: { Role: role, Rules: [ruleTo(destination)] },
        }),
      )
    const denied = await refused(attempt(session))
    expect(denied).toMatchObject({ code: 'AccessDenied', status: 403 })
    expect(denied.message).toContain('iam:PassRole')
    await put(source, 'key')
    expect(await world.status(HERE, source, 'key')).toBeUndefined()
    await attempt(await sessionWith('passing-too', ['s3:*', 'iam:PassRole']))
    await put(source, 'passed')
    expect((await outcome(source, 'passed')).status).toBe('COMPLETED')
  })
})

describe('a name', () => {
  test('is taken once in all regions of a home', async () => {
    await world.bucket(HERE, 'only-one')
    const taken = await refused(world.bucket(THERE, 'only-one'))
    expect(taken).toMatchObject({ code: 'BucketAlreadyOwnedByYou', status: 409 })
    await world.s3(HERE).send(new DeleteBucketCommand({ Bucket: 'only-one' }))
    await world.bucket(THERE, 'only-one')
  })
})

describe('what is called a replica', () => {
  test.each(['root', 'a session that may do everything'])(
    'is taken from nobody but S3 itself: not from %s',
    async (who) => {
      const Bucket = await world.bucket(THERE, `forged-${who.length}`)
      const credentials =
        who === 'root' ? {} : { credentials: await sessionWith(`forger-${who.length}`, ['*']) }
      const s3 = new S3Client({ ...world.client(THERE), ...credentials, forcePathStyle: true })
      const manifest = Buffer.from(
        JSON.stringify({
          kind: 'object',
          versionId: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
          modifiedAtMs: 0,
          etag: createHash('md5').update('x').digest('hex'),
          sizeBytes: 1,
          attributes: {},
          tags: {},
          hasLegalHold: false,
        }),
      )
      const hash = createHash('sha256').update(manifest).digest('hex')
      s3.middlewareStack.add(
        (next) => async (args) => {
          const request = args.request as { headers: Record<string, string> }
          request.headers['x-amz-lifeboat-replica'] = `${manifest.length}-${hash}`
          return await next(args)
        },
        { step: 'build' },
      )
      const Body = Buffer.concat([manifest, Buffer.from('x')])
      const forged = await refused(s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body })))
      expect(forged).toMatchObject({ code: 'AccessDenied', status: 403 })
      expect(await versionsThere(Bucket)).toBe(0)
    },
  )
})

/** Keys of a role that may do these actions, which a user of the account has assumed. */
async function sessionWith(name: string, actions: readonly string[]) {
  const iam = world.iam()
  const { User } = await iam.send(new CreateUserCommand({ UserName: `user-${name}` }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: `user-${name}` }))
  const statement = (more: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] })
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: `session-${name}`,
      AssumeRolePolicyDocument: statement({
        Principal: { AWS: User!.Arn },
        Action: 'sts:AssumeRole',
      }),
    }),
  )
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: `session-${name}`,
      PolicyName: 'rights',
      PolicyDocument: statement({ Action: actions, Resource: '*' }),
    }),
  )
  const credentials = {
    accessKeyId: AccessKey!.AccessKeyId!,
    secretAccessKey: AccessKey!.SecretAccessKey!,
  }
  const { Credentials } = await new STSClient({ ...world.client(HERE), credentials }).send(
    new AssumeRoleCommand({ RoleArn: Role!.Arn, RoleSessionName: 's3.amazonaws.com' }),
  )
  return {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  }
}
