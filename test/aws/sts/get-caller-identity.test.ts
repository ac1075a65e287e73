import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { describe, expect, test } from 'vitest'
import { CREDENTIALS, refusal, regionUnderTest } from '../region-under-test.ts'

describe('GetCallerIdentity', () => {
  const region = regionUnderTest()

  test('tells the account and the principal that signed', async () => {
    const sts = new STSClient(region.client())
    const { $metadata, ...identity } = await sts.send(new GetCallerIdentityCommand())
    expect(identity).toEqual({
      Account: '000000000000',
      Arn: 'arn:aws:iam::000000000000:root',
      UserId: '000000000000',
    })
    expect($metadata.requestId).toMatch(/^[0-9a-f]{8}-/)
  })

  test('refuses an unknown key and a wrong secret', async () => {
    const unknown = { ...CREDENTIALS, accessKeyId: 'AKIANOSUCHKEY0000000' }
    const wrong = { ...CREDENTIALS, secretAccessKey: 'not the secret' }
    const ask = (credentials: typeof CREDENTIALS) =>
      new STSClient({ ...region.client(), credentials }).send(new GetCallerIdentityCommand())
    expect(await refusal(ask(unknown))).toBe('InvalidClientTokenId')
    expect(await refusal(ask(wrong))).toBe('SignatureDoesNotMatch')
  })

  test('refuses a session token, which no embedded region has given out', async () => {
    const credentials = { ...CREDENTIALS, sessionToken: 'made-up' }
    const sts = new STSClient({ ...region.client(), credentials })
    expect(await refusal(sts.send(new GetCallerIdentityCommand()))).toBe('InvalidClientTokenId')
  })

  test('refuses an action that STS has and the region has not', async () => {
    const sts = new STSClient(region.client())
    expect(await refusal(sts.send(new GetSessionTokenCommand()))).toBe('UnsupportedOperation')
  })
})
