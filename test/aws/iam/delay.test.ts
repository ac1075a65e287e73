import { IAM } from '@aws-sdk/client-iam'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { iamUnderTest, policyOf, trustOf } from './iam-under-test.ts'

const DELAY_MS = 5000
const ACCOUNT = '000000000000'

describe('a region whose changes of policies take 5 s', () => {
  const region = iamUnderTest({ iamDelayMs: DELAY_MS })
  const iam = () => region.iam()

  test('lets new keys and rights wait, and takes old ones away late', async () => {
    const keys = await region.userWith('slow', policyOf({ Action: 'iam:ListUsers' }))
    const user = new IAM(region.as(keys))
    expect(await refusal(user.listUsers({}))).toBe('InvalidClientTokenId')
    // What an administrator reads back is what was written.
    expect((await iam().listUserPolicies({ UserName: 'slow' })).PolicyNames).toEqual(['test'])
    region.clock.forward(DELAY_MS)
    expect((await user.listUsers({})).Users).toHaveLength(1)

    const deny = policyOf({ Effect: 'Deny', Action: '*' })
    const about = { UserName: 'slow', PolicyName: 'test' }
    await iam().putUserPolicy({ ...about, PolicyDocument: deny })
    expect((await user.listUsers({})).Users).toHaveLength(1)
    region.clock.forward(DELAY_MS / 2)
    await iam().putUserPolicy({ ...about, PolicyDocument: policyOf({ Action: 'iam:*' }) })
    region.clock.forward(DELAY_MS / 2)
    expect(await refusal(user.listUsers({}))).toBe('AccessDenied')
    region.clock.forward(DELAY_MS / 2)
    expect((await user.listRoles({})).Roles).toEqual([])

    await iam().deleteUserPolicy(about)
    await iam().deleteAccessKey({ UserName: 'slow', AccessKeyId: keys.accessKeyId })
    await iam().deleteUser({ UserName: 'slow' })
    expect(await refusal(iam().getUser({ UserName: 'slow' }))).toBe('NoSuchEntityException')
    expect((await user.listUsers({})).Users).toEqual([])
    await region.restart()
    expect((await new IAM(region.as(keys)).listUsers({})).Users).toEqual([])
    region.clock.forward(DELAY_MS)
    expect(await refusal(new IAM(region.as(keys)).listUsers({}))).toBe('InvalidClientTokenId')
  })

  test('lets a new trust policy wait', async () => {
    const keys = await region.userWith('waiting')
    const role = await region.roleWith('later', trustOf('*'))
    region.clock.forward(DELAY_MS)
    expect((await region.assume(keys, role)).sessionToken).toBeDefined()
    const PolicyDocument = trustOf(`arn:aws:iam::${ACCOUNT}:user/nobody`)
    await iam().updateAssumeRolePolicy({ RoleName: 'later', PolicyDocument })
    expect((await region.assume(keys, role)).sessionToken).toBeDefined()
    region.clock.forward(DELAY_MS)
    expect(await refusal(region.assume(keys, role))).toBe('AccessDenied')
  })
})
