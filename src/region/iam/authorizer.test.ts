import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { createUser } from './actions/users.ts'
import { PolicyAuthorizer } from './authorizer.ts'
import { Iam } from './iam.ts'

const ACCOUNT = '000000000000'
const BUCKET = { action: 's3:GetObject', resource: 'arn:aws:s3:::photos/a' }

let folder: string
let iam: Iam

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-iam-'))
  iam = await Iam.open({
    accountId: ACCOUNT,
    folder,
    delayMs: 0,
    clock: systemClock,
    random: systemRandom,
  })
})
afterEach(async () => {
  await iam.close()
  await rm(folder, { recursive: true, force: true })
})

describe('the policy of a resource', () => {
  const root = {
    accountId: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:root`,
    userId: ACCOUNT,
    accessKeyId: 'AKIAROOT',
  }
  const bucketPolicy = (statement: object) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: { Action: 's3:*', Resource: 'arn:aws:s3:::photos/*', ...statement },
    })
  const ann = async () => {
    const { User } = await createUser(iam, { UserName: 'ann' })
    return { accountId: ACCOUNT, arn: User.Arn, userId: User.UserId, accessKeyId: 'AKIAANN' }
  }

  test('allows a user whom it names, and denies with its own reason', async () => {
    const { authorize } = new PolicyAuthorizer(iam)
    const caller = await ann()
    const allowing = bucketPolicy({ Effect: 'Allow', Principal: { AWS: caller.arn } })
    expect(() => authorize(caller, { ...BUCKET, resourcePolicy: allowing })).not.toThrow()
    expect(() => authorize(caller, BUCKET)).toThrow('no identity-based policy allows')
    const denying = bucketPolicy({ Effect: 'Deny', Principal: '*' })
    expect(() => authorize(caller, { ...BUCKET, resourcePolicy: denying })).toThrow(
      'with an explicit deny in a resource-based policy',
    )
  })

  test('denies the root user, but not to mend it', async () => {
    const { authorize } = new PolicyAuthorizer(iam)
    const denying = bucketPolicy({ Effect: 'Deny', Principal: '*' })
    expect(() => authorize(root, { ...BUCKET, resourcePolicy: denying })).toThrow(
      'with an explicit deny in a resource-based policy',
    )
    for (const action of ['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy']) {
      expect(() => authorize(root, { ...BUCKET, action, resourcePolicy: denying })).not.toThrow()
    }
    const silent = bucketPolicy({ Effect: 'Allow', Principal: { AWS: (await ann()).arn } })
    expect(() => authorize(root, { ...BUCKET, resourcePolicy: silent })).not.toThrow()
  })

  test('a grant by other means allows what no policy denies', async () => {
    const { authorize } = new PolicyAuthorizer(iam)
    const caller = await ann()
    expect(() => authorize(caller, { ...BUCKET, isGranted: false })).toThrow('no identity-based')
    expect(() => authorize(caller, { ...BUCKET, isGranted: true })).not.toThrow()
    const resourcePolicy = bucketPolicy({ Effect: 'Deny', Principal: '*' })
    expect(() => authorize(caller, { ...BUCKET, isGranted: true, resourcePolicy })).toThrow(
      'explicit deny',
    )
  })

  test('denies everything when it is malformed, but to the root user', async () => {
    const { authorize } = new PolicyAuthorizer(iam)
    const caller = await ann()
    for (const resourcePolicy of ['', '{', '{"Statement":[]}', '['.repeat(20_000)]) {
      const request = { ...BUCKET, resourcePolicy }
      expect(() => authorize(caller, request)).toThrow('policy is malformed')
      expect(() => authorize(root, request)).not.toThrow()
    }
  })
})
