import { describe, expect, test } from 'vitest'
import { ACCOUNT, policyOf } from '../iam/iam-under-test.ts'
import { refusal } from '../region-under-test.ts'
import { bytes, kmsUnderTest } from './kms-under-test.ts'

const ROOT = `arn:aws:iam::${ACCOUNT}:root`
const user = (name: string) => `arn:aws:iam::${ACCOUNT}:user/${name}`
const allow = (principal: string, Action: string | string[], more = {}) => ({
  Principal: { AWS: principal },
  Action,
  ...more,
})

describe('the policy of a key', () => {
  const region = kmsUnderTest()

  test('leaves it to the policies of users by default', async () => {
    const KeyId = await region.key()
    const may = await region.userWith('may', policyOf({ Action: 'kms:Encrypt' }))
    const mayNot = await region.userWith('may-not', policyOf({ Action: 'rds:*' }))
    await region.kmsAs(may).encrypt({ KeyId, Plaintext: bytes('x') })
    const refused = region.kmsAs(mayNot).encrypt({ KeyId, Plaintext: bytes('x') })
    await expect(refused).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('no identity-based policy allows the kms:Encrypt action'),
    })
    const decrypt = region.kmsAs(may).disableKey({ KeyId })
    expect(await refusal(decrypt)).toBe('AccessDeniedException')
    expect((await region.kms().describeKey({ KeyId })).KeyMetadata?.Enabled).toBe(true)
  })

  test('must agree, also to what root and administrators ask', async () => {
    const admin = await region.userWith('admin', policyOf({ Action: '*' }))
    const KeyId = await region.key()
    const narrow = policyOf(
      allow(ROOT, ['kms:PutKeyPolicy', 'kms:GetKeyPolicy', 'kms:ListKeyPolicies']),
      allow(user('admin'), 'kms:Encrypt'),
    )
    await region.kms().putKeyPolicy({ KeyId, PolicyName: 'default', Policy: narrow })
    expect((await region.kms().getKeyPolicy({ KeyId })).Policy).toBe(narrow)
    await region.kmsAs(admin).encrypt({ KeyId, Plaintext: bytes('x') })
    for (const client of [region.kms(), region.kmsAs(admin)]) {
      expect(await refusal(client.disableKey({ KeyId }))).toBe('AccessDeniedException')
    }
    expect(await refusal(region.kms().encrypt({ KeyId, Plaintext: bytes('x') }))).toBe(
      'AccessDeniedException',
    )
    expect((await region.kms().listKeyPolicies({ KeyId })).PolicyNames).toEqual(['default'])
  })

  test('decides by the encryption context, and denies explicitly', async () => {
    const Action = ['kms:Encrypt', 'kms:Decrypt']
    const limited = allow(user('limited'), Action, {
      Condition: { StringEquals: { 'kms:EncryptionContext:tenant': 'shop' } },
    })
    const denied = { ...allow(user('denied'), 'kms:*'), Effect: 'Deny' }
    const Policy = policyOf(allow(ROOT, 'kms:*'), limited, denied)
    const KeyId = await region.key({ Policy })
    const keys = await region.userWith('limited')
    const Plaintext = bytes('x')
    const EncryptionContext = { tenant: 'shop' }
    const client = region.kmsAs(keys)
    const { CiphertextBlob } = await client.encrypt({ KeyId, Plaintext, EncryptionContext })
    await client.decrypt({ CiphertextBlob, EncryptionContext })
    const other = client.encrypt({ KeyId, Plaintext, EncryptionContext: { tenant: 'bank' } })
    expect(await refusal(other)).toBe('AccessDeniedException')

    const all = await region.userWith('denied', policyOf({ Action: '*' }))
    await expect(region.kmsAs(all).describeKey({ KeyId })).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('explicit deny in a resource-based policy'),
    })
  })

  test('may not lock out who puts it, unless they say so', async () => {
    const KeyId = await region.key()
    const Policy = policyOf(allow(user('nobody'), 'kms:*'))
    const put = region.kms().putKeyPolicy({ KeyId, Policy })
    await expect(put).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
      message: 'The new key policy will not allow you to update the key policy in the future.',
    })
    expect((await region.kms().getKeyPolicy({ KeyId })).Policy).not.toBe(Policy)
    await region.kms().putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: true })
    expect(await refusal(region.kms().getKeyPolicy({ KeyId }))).toBe('AccessDeniedException')
  })
})
