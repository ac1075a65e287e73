import { IAM } from '@aws-sdk/client-iam'
import { STS } from '@aws-sdk/client-sts'
import { describe, expect, test } from 'vitest'
import { ACCOUNT, iamUnderTest, policyOf, trustOf } from '../iam/iam-under-test.ts'
import { CREDENTIALS, refusal } from '../region-under-test.ts'

const HOUR_MS = 3_600_000

describe('AssumeRole', () => {
  const region = iamUnderTest()
  const account = `arn:aws:iam::${ACCOUNT}:root`
  const whoIs = (keys: typeof CREDENTIALS) => new STS(region.as(keys)).getCallerIdentity({})

  test('gives keys of the role to a user whom the trust policy names', async () => {
    const keys = await region.userWith('named')
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/named`)
    const role = await region.roleWith('lister', trust, policyOf({ Action: 'iam:ListUsers' }))
    const session = await region.assume(keys, role)

    expect(session.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/)
    const { Arn, UserId } = await whoIs(session)
    expect(Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/lister/session`)
    expect(UserId).toMatch(/^AROA[A-Z2-7]{17}:session$/)
    const iam = new IAM(region.as(session))
    expect((await iam.listUsers({})).Users).not.toEqual([])
    expect(await refusal(iam.listRoles({}))).toBe('AccessDenied')
    expect(await refusal(new IAM(region.as(keys)).listUsers({}))).toBe('AccessDenied')
  })

  test('needs the right to assume when the trust policy names the account', async () => {
    const role = await region.roleWith('shared', trustOf(account))
    const without = await region.userWith('without')
    const right = policyOf({ Action: 'sts:AssumeRole', Resource: role })
    const having = await region.userWith('having', right)
    expect(await refusal(region.assume(without, role))).toBe('AccessDenied')
    expect((await region.assume(having, role)).sessionToken).toBeDefined()
  })

  test('is denied to whom the trust policy does not name, however much they may', async () => {
    const admin = await region.userWith('almighty', policyOf({ Action: '*' }))
    const role = await region.roleWith('closed', trustOf(`arn:aws:iam::${ACCOUNT}:user/nobody`))
    await expect(region.assume(admin, role)).rejects.toMatchObject({
      name: 'AccessDenied',
      message:
        `User: arn:aws:iam::${ACCOUNT}:user/almighty is not authorized to perform: sts:AssumeRole ` +
        `on resource: ${role}`,
    })
    const absent = `arn:aws:iam::${ACCOUNT}:role/absent`
    expect(await refusal(region.assume(admin, absent))).toBe('AccessDenied')
    const stranger = role.replace(ACCOUNT, '111111111111')
    expect(await refusal(region.assume(admin, stranger))).toBe('AccessDenied')
    const asRoot = region.assume(CREDENTIALS, await region.roleWith('for-all', trustOf('*')))
    await expect(asRoot).rejects.toThrow('Roles may not be assumed by root accounts')
  })

  test('is denied by a deny of the caller, whatever the trust policy says', async () => {
    const deny = policyOf({ Effect: 'Deny', Action: 'sts:*' })
    const keys = await region.userWith('denied', deny)
    const role = await region.roleWith('open', trustOf(`arn:aws:iam::${ACCOUNT}:user/denied`))
    expect(await refusal(region.assume(keys, role))).toBe('AccessDenied')
  })

  test('asks for the external id that the trust policy wants', async () => {
    const keys = await region.userWith('partner')
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/partner`, {
      Condition: { StringEquals: { 'sts:ExternalId': 'agreed' } },
    })
    const role = await region.roleWith('external', trust)
    expect(await refusal(region.assume(keys, role))).toBe('AccessDenied')
    const wrong = region.assume(keys, role, { ExternalId: 'other' })
    expect(await refusal(wrong)).toBe('AccessDenied')
    expect((await region.assume(keys, role, { ExternalId: 'agreed' })).sessionToken).toBeDefined()
  })

  test('limits a session by its own policy', async () => {
    const keys = await region.userWith('limited')
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/limited`)
    const role = await region.roleWith('wide', trust, policyOf({ Action: ['iam:*'] }))
    const Policy = policyOf({ Action: ['iam:ListRoles', 'secretsmanager:*'] })
    const iam = new IAM(region.as(await region.assume(keys, role, { Policy })))
    expect((await iam.listRoles({})).Roles).not.toEqual([])
    await expect(iam.createUser({ UserName: 'by-session' })).rejects.toThrow(
      'because no session policy allows the iam:CreateUser action',
    )
    expect(await refusal(region.iam().getUser({ UserName: 'by-session' }))).toBe(
      'NoSuchEntityException',
    )
    const malformed = region.assume(keys, role, { Policy: '{"Version":"2012-10-17"}' })
    expect(await refusal(malformed)).toBe('MalformedPolicyDocumentException')
    const PolicyArns = [{ arn: 'arn:aws:iam::aws:policy/AmazonS3FullAccess' }]
    const s3Only = new IAM(region.as(await region.assume(keys, role, { PolicyArns })))
    expect(await refusal(s3Only.listRoles({}))).toBe('AccessDenied')
  })

  test('refuses durations that the role or chaining does not allow', async () => {
    const keys = await region.userWith('lasting')
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/lasting`)
    const role = await region.roleWith('hourly', trust)
    for (const DurationSeconds of [899, 3601, 43_201]) {
      const call = region.assume(keys, role, { DurationSeconds })
      expect(await refusal(call)).toBe('ValidationException')
    }
    const chained = await region.roleWith(
      'chained',
      trustOf(`arn:aws:sts::${ACCOUNT}:assumed-role/hourly/session`),
    )
    await region.iam().updateRole({ RoleName: 'chained', MaxSessionDuration: 7200 })
    const session = await region.assume(keys, role)
    const long = region.assume(session, chained, { DurationSeconds: 3601 })
    expect(await refusal(long)).toBe('ValidationException')
    const second = await region.assume(session, chained)
    expect((await whoIs(second)).Arn).toContain('assumed-role/chained/session')
  })

  test('refuses what does not belong together', async () => {
    const keys = await region.userWith('mixer')
    const role = await region.roleWith('mixed', trustOf(`arn:aws:iam::${ACCOUNT}:user/mixer`))
    const [one, two] = [await region.assume(keys, role), await region.assume(keys, role)]
    const { sessionToken: token = '' } = one
    const forged = [
      { ...one, sessionToken: two.sessionToken! },
      { ...one, sessionToken: `${token.slice(0, -8)}AAAAAAA=` },
      { ...one, sessionToken: token.slice(4) },
      { accessKeyId: one.accessKeyId, secretAccessKey: one.secretAccessKey },
      { ...keys, sessionToken: token },
      { ...CREDENTIALS, sessionToken: token },
    ]
    for (const credentials of forged) {
      const name = await refusal(whoIs(credentials))
      expect(['InvalidClientTokenId', 'SignatureDoesNotMatch']).toContain(name)
    }
    const wrongSecret = { ...one, secretAccessKey: two.secretAccessKey }
    expect(await refusal(whoIs(wrongSecret))).toBe('SignatureDoesNotMatch')
    expect((await whoIs(one)).Account).toBe(ACCOUNT)
  })

  test('gives keys that end, and that survive a restart until then', async () => {
    const keys = await region.userWith('ending')
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/ending`)
    const role = await region.roleWith('ended', trust, policyOf({ Action: 'iam:ListUsers' }))
    const session = await region.assume(keys, role, { DurationSeconds: 900 })
    await region.restart()
    expect((await new IAM(region.as(session)).listUsers({})).Users).not.toEqual([])

    const clock = { systemClockOffset: HOUR_MS / 4 + 1000 }
    region.clock.forward(clock.systemClockOffset)
    const late = new IAM({ ...region.as(session), ...clock })
    await expect(late.listUsers({})).rejects.toMatchObject({
      name: 'ExpiredToken',
      $metadata: { httpStatusCode: 403 },
    })
    const lateUser = new STS({ ...region.as(keys), ...clock })
    expect((await lateUser.getCallerIdentity({})).Account).toBe(ACCOUNT)
    region.clock.forward(-clock.systemClockOffset)
  })

  test('gives a session no rights of a role that was made again', async () => {
    const keys = await region.userWith('loser')
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/loser`)
    const role = await region.roleWith('lost', trust, policyOf({ Action: 'iam:*' }))
    const iam = new IAM(region.as(await region.assume(keys, role)))
    await iam.listUsers({})
    await region.iam().deleteRolePolicy({ RoleName: 'lost', PolicyName: 'test' })
    await region.iam().deleteRole({ RoleName: 'lost' })
    expect(await refusal(iam.listUsers({}))).toBe('AccessDenied')
    await region.roleWith('lost', trust, policyOf({ Action: 'iam:*' }))
    expect(await refusal(iam.listUsers({}))).toBe('AccessDenied')
  })
})
