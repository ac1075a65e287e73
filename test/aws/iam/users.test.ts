import { IAM } from '@aws-sdk/client-iam'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, policyOf } from './iam-under-test.ts'

describe('users', () => {
  const region = iamUnderTest()
  const iam = () => region.iam()

  test('are made, read and listed by pages', async () => {
    const { User } = await iam().createUser({ UserName: 'p1', Path: '/pages/' })
    expect(User).toMatchObject({ Arn: `arn:aws:iam::${ACCOUNT}:user/pages/p1`, UserName: 'p1' })
    for (const UserName of ['p2', 'p3']) await iam().createUser({ UserName, Path: '/pages/' })
    const first = await iam().listUsers({ PathPrefix: '/pages/', MaxItems: 2 })
    expect(first).toMatchObject({ IsTruncated: true })
    const second = await iam().listUsers({ PathPrefix: '/pages/', Marker: first.Marker })
    const names = [...(first.Users ?? []), ...(second.Users ?? [])].map(({ UserName }) => UserName)
    expect(names).toEqual(['p1', 'p2', 'p3'])
    expect((await iam().listGroupsForUser({ UserName: 'p1' })).Groups).toEqual([])
    expect((await iam().getUser({})).User?.Arn).toBe(`arn:aws:iam::${ACCOUNT}:root`)
    expect(await refusal(iam().createUser({ UserName: 'P1' }))).toBe('EntityAlreadyExistsException')
    expect(await refusal(iam().getUser({ UserName: 'P1' }))).toBe('NoSuchEntityException')
  })

  test('keep their keys and rights under another name', async () => {
    const keys = await region.userWith(
      'before',
      policyOf({ Action: ['iam:ListUsers', 'iam:GetUser'] }),
    )
    const { User } = await iam().getUser({ UserName: 'before' })
    await iam().updateUser({ UserName: 'before', NewUserName: 'after', NewPath: '/moved/' })
    expect(await refusal(iam().getUser({ UserName: 'before' }))).toBe('NoSuchEntityException')
    const self = new IAM(region.as(keys))
    expect((await self.getUser({})).User).toMatchObject({
      UserId: User?.UserId,
      Arn: `arn:aws:iam::${ACCOUNT}:user/moved/after`,
    })
    const { AccessKeyMetadata = [] } = await iam().listAccessKeys({ UserName: 'after' })
    expect(AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId)).toEqual([keys.accessKeyId])
  })

  test('have two keys at most, whose secrets are shown once', async () => {
    const UserName = 'two-keys'
    await iam().createUser({ UserName })
    const { AccessKey } = await iam().createAccessKey({ UserName })
    expect(AccessKey?.AccessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/)
    expect(AccessKey?.SecretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/)
    await iam().createAccessKey({ UserName })
    expect(await refusal(iam().createAccessKey({ UserName }))).toBe('LimitExceededException')
    const { AccessKeyMetadata = [] } = await iam().listAccessKeys({ UserName })
    expect(AccessKeyMetadata).toHaveLength(2)
    expect(JSON.stringify(AccessKeyMetadata)).not.toContain(AccessKey?.SecretAccessKey)
  })

  test('are deleted only when nothing hangs on them', async () => {
    const UserName = 'held'
    const { accessKeyId } = await region.userWith(UserName, policyOf({ Action: 's3:*' }))
    const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3FullAccess'
    await iam().attachUserPolicy({ UserName, PolicyArn })
    const steps = [
      () => iam().detachUserPolicy({ UserName, PolicyArn }),
      () => iam().deleteUserPolicy({ UserName, PolicyName: 'test' }),
      () => iam().deleteAccessKey({ UserName, AccessKeyId: accessKeyId }),
    ]
    for (const step of steps) {
      expect(await refusal(iam().deleteUser({ UserName }))).toBe('DeleteConflictException')
      expect((await iam().getUser({ UserName })).User?.UserName).toBe(UserName)
      await step()
      expect(await refusal(step())).toBe('NoSuchEntityException')
    }
    await iam().deleteUser({ UserName })
    expect(await refusal(iam().getUser({ UserName }))).toBe('NoSuchEntityException')
  })
})
