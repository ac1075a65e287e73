import type { ListSecretsCommandInput } from '@aws-sdk/client-secrets-manager'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest } from './secrets-under-test.ts'

describe('ListSecrets', () => {
  const region = secretsUnderTest()
  beforeAll(async () => {
    const Tags = [{ Key: 'team', Value: 'shop' }]
    await region.sdk().createSecret({ Name: 'shop/a', SecretString: 'hidden-value', Tags })
    await region.sdk().createSecret({ Name: 'shop/b', Description: 'The blue one' })
    await region.sdk().createSecret({ Name: 'other' })
    await region.sdk().createSecret({ Name: 'leaving' })
    await region.sdk().deleteSecret({ SecretId: 'leaving' })
  })
  const names = async (input: ListSecretsCommandInput = {}) => {
    const { SecretList } = await region.sdk().listSecrets({ SortOrder: 'asc', ...input })
    return SecretList!.map(({ Name }) => Name)
  }

  test('lists what is not being deleted, newest first, without values', async () => {
    const listed = await region.sdk().listSecrets({})
    expect(listed.SecretList!.map(({ Name }) => Name)).toEqual(['other', 'shop/b', 'shop/a'])
    expect(JSON.stringify(listed)).not.toContain('hidden-value')
  })

  test('lists secrets being deleted when asked to', async () => {
    expect(await names({ IncludePlannedDeletion: true, SortBy: 'name' })).toEqual([
      'leaving',
      'other',
      'shop/a',
      'shop/b',
    ])
  })

  test.each([
    ['name', ['shop/'], ['shop/a', 'shop/b']],
    ['name', ['!shop/'], ['other']],
    ['name', ['shop/a', 'other'], ['shop/a', 'other']],
    ['tag-key', ['team'], ['shop/a']],
    ['tag-value', ['none'], []],
    ['description', ['blue'], ['shop/b']],
    ['all', ['SHOP'], ['shop/a', 'shop/b']],
  ] as const)('by %s %j', async (Key, Values, expected) => {
    expect(await names({ Filters: [{ Key, Values: [...Values] }] })).toEqual(expected)
  })

  test('pages, each secret once', async () => {
    const seen: (string | undefined)[] = []
    let NextToken: string | undefined
    do {
      const page = await region
        .sdk()
        .listSecrets({ MaxResults: 2, ...(NextToken && { NextToken }) })
      seen.push(...page.SecretList!.map(({ Name }) => Name))
      NextToken = page.NextToken
    } while (NextToken)
    expect(seen).toEqual(['other', 'shop/b', 'shop/a'])
  })

  test('refuses tokens, sizes and filters that it did not offer', async () => {
    const list = (input: ListSecretsCommandInput) => refusal(region.sdk().listSecrets(input))
    expect(await list({ NextToken: 'made-up' })).toBe('InvalidNextTokenException')
    expect(await list({ MaxResults: 0 })).toBe('InvalidParameterException')
    expect(await list({ MaxResults: 101 })).toBe('InvalidParameterException')
    expect(await list({ Filters: [{ Key: 'name', Values: [] }] })).toBe('InvalidParameterException')
    expect(await list({ Filters: [{ Key: 'owning-service', Values: ['a'] }] })).toBe(
      'UnsupportedOperation',
    )
  })
})
