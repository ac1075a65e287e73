import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { putInlinePolicy } from './actions/inline-policies.ts'
import { createRole } from './actions/roles.ts'
import { PolicyAuthorizer } from './authorizer.ts'
import { Iam } from './iam.ts'
import { RoleSessions } from './role-sessions.ts'

let folder: string
let iam: Iam

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-iam-'))
  iam = await Iam.open({
    accountId: '000000000000',
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

const document = (statement: object) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] })

describe('an AWS service that works with a role', () => {
  test('may what the role may, when the role trusts the service', async () => {
    const { Role } = await createRole(iam, {
      RoleName: 'copier',
      AssumeRolePolicyDocument: document({
        Action: 'sts:AssumeRole',
        Principal: { Service: 's3.amazonaws.com' },
      }),
    })
    await putInlinePolicy(iam, 'roles', {
      name: 'copier',
      policyName: 'copy',
      document: document({ Action: 's3:ReplicateObject', Resource: 'arn:aws:s3:::to/*' }),
    })
    const authorizer = new PolicyAuthorizer(iam)
    const sessions = new RoleSessions(iam, authorizer)
    const caller = sessions.callerForService(Role.Arn, 's3.amazonaws.com')
    const ask = (action: string, resource: string) => () =>
      authorizer.authorize(caller, { action, resource })

    expect(ask('s3:ReplicateObject', 'arn:aws:s3:::to/a')).not.toThrow()
    expect(ask('s3:ReplicateObject', 'arn:aws:s3:::elsewhere/a')).toThrow('is not authorized')
    expect(ask('s3:GetObject', 'arn:aws:s3:::to/a')).toThrow('is not authorized')
    expect(() => sessions.callerForService(Role.Arn, 'ec2.amazonaws.com')).toThrow('may not assume')
    expect(() => sessions.callerForService(`${Role.Arn}s`, 's3.amazonaws.com')).toThrow(
      'may not assume',
    )
  })
})
