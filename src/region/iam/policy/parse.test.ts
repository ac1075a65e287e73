import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PolicyError, type PolicyKind } from './document.ts'
import { evaluate } from './evaluate.ts'
import { parsePolicy } from './parse.ts'

const FINE = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }
const TRUST = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '123456789012' } }

const policy = (statement: unknown, more: object = {}) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [statement], ...more })

describe('parsePolicy', () => {
  test('takes one statement without a list, and single values without lists', () => {
    const { statements } = parsePolicy(JSON.stringify({ Statement: FINE }), 'identity')
    expect(statements[0]?.actions).toEqual({ isNegated: false, patterns: ['s3:GetObject'] })
  })

  test.each<[string, PolicyKind, string]>([
    ['no JSON', 'identity', '{'],
    ['nothing', 'identity', ''],
    ['a list', 'identity', '[]'],
    ['null', 'identity', 'null'],
    ['no statement', 'identity', '{"Version":"2012-10-17"}'],
    ['an empty list of statements', 'identity', '{"Statement":[]}'],
    ['another version', 'identity', policy(FINE, { Version: '2020-01-01' })],
    ['an unknown element', 'identity', policy(FINE, { Extra: 1 })],
    ['an unknown element of a statement', 'identity', policy({ ...FINE, Actions: '*' })],
    ['another effect', 'identity', policy({ ...FINE, Effect: 'allow' })],
    ['no effect', 'identity', policy({ Action: '*', Resource: '*' })],
    ['no action', 'identity', policy({ Effect: 'Allow', Resource: '*' })],
    ['an empty list of actions', 'identity', policy({ ...FINE, Action: [] })],
    ['both Action and NotAction', 'identity', policy({ ...FINE, NotAction: 'iam:*' })],
    ['an action without a service', 'identity', policy({ ...FINE, Action: 'GetObject' })],
    ['an action of any service', 'identity', policy({ ...FINE, Action: '*:*' })],
    ['an action of a number', 'identity', policy({ ...FINE, Action: 5 })],
    ['no resource', 'identity', policy({ Effect: 'Allow', Action: '*' })],
    ['both Resource and NotResource', 'identity', policy({ ...FINE, NotResource: '*' })],
    ['a resource that is no ARN', 'identity', policy({ ...FINE, Resource: 'photos' })],
    ['a principal of an identity', 'identity', policy({ ...FINE, Principal: '*' })],
    ['no principal of a resource', 'resource', policy(FINE)],
    ['a principal that is no ARN', 'resource', policy({ ...FINE, Principal: { AWS: 'ann' } })],
    [
      'a principal with a wildcard',
      'resource',
      policy({ ...FINE, Principal: { AWS: 'arn:aws:iam::123456789012:user/*' } }),
    ],
    ['a principal of no kind', 'resource', policy({ ...FINE, Principal: { Azure: 'x' } })],
    ['an empty principal', 'resource', policy({ ...FINE, Principal: {} })],
    ['a resource of a trust policy', 'trust', policy({ ...TRUST, Resource: '*' })],
    ['another action of a trust policy', 'trust', policy({ ...TRUST, Action: 's3:*' })],
    ['an unknown operator', 'identity', policy({ ...FINE, Condition: { Like: { 'a:b': 'c' } } })],
    [
      'Null with IfExists',
      'identity',
      policy({ ...FINE, Condition: { NullIfExists: { 'a:b': 'true' } } }),
    ],
    ['a condition of no object', 'identity', policy({ ...FINE, Condition: 'x' })],
    [
      'a number that is none',
      'identity',
      policy({ ...FINE, Condition: { NumericEquals: { 'a:b': 'x' } } }),
    ],
    [
      'a date that is none',
      'identity',
      policy({ ...FINE, Condition: { DateEquals: { 'a:b': 'x' } } }),
    ],
    [
      'a block that is none',
      'identity',
      policy({ ...FINE, Condition: { IpAddress: { 'a:b': '10.0.0.0/33' } } }),
    ],
    [
      'a condition on no key',
      'identity',
      policy({ ...FINE, Condition: { Bool: { key: 'true' } } }),
    ],
    [
      'the same Sid twice',
      'identity',
      JSON.stringify({
        Statement: [
          { ...FINE, Sid: 'a' },
          { ...FINE, Sid: 'a' },
        ],
      }),
    ],
    ['a Sid with a space', 'identity', policy({ ...FINE, Sid: 'a b' })],
    ['a very long text', 'identity', policy(FINE) + ' '.repeat(20_480)],
    ['a very deep text', 'identity', '['.repeat(20_000)],
    ['a deep statement', 'identity', policy({ ...FINE, Action: [[['s3:*']]] })],
  ])('refuses %s', (_, kind, text) => {
    expect(() => parsePolicy(text, kind)).toThrow(PolicyError)
  })

  test('understands every text or refuses it, and decides by what it understood', () => {
    const word = fc.oneof(
      fc.constantFrom(
        '*',
        's3:*',
        's3:Get?bject',
        `arn:aws:s3:::a/\${aws:username}`,
        `\${`,
        `\${*}`,
      ),
      fc.string({ maxLength: 30 }),
    )
    const words = fc.oneof(word, fc.array(word, { maxLength: 4 }))
    const statement = fc.record(
      {
        Sid: word,
        Effect: fc.constantFrom('Allow', 'Deny', 'x'),
        Action: words,
        NotAction: words,
        Resource: words,
        NotResource: words,
        Principal: fc.oneof(
          word,
          fc.dictionary(fc.constantFrom('AWS', 'Service', '__proto__'), words),
        ),
        Condition: fc.dictionary(
          fc.constantFrom(
            'StringLike',
            'ForAllValues:ArnLike',
            'Null',
            'constructor',
            'DateEquals',
          ),
          fc.dictionary(
            fc.constantFrom('aws:a', 'a', '__proto__'),
            fc.oneof(words, fc.jsonValue()),
          ),
        ),
      },
      { requiredKeys: ['Effect'] },
    )
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .array(statement, { maxLength: 3 })
        .map((Statement) => JSON.stringify({ Version: '2012-10-17', Statement })),
    )
    const kind = fc.constantFrom<PolicyKind>('identity', 'resource', 'trust')
    fc.assert(
      fc.property(text, kind, word, (body, as, resource) => {
        try {
          const parsed = parsePolicy(body, as)
          const principal = { accountId: '1', arn: 'arn:x', userId: 'A' }
          const question = {
            principal,
            action: 's3:GetObject',
            resource,
            context: { 'aws:a': resource },
          }
          const { isAllowed } = evaluate(question, { identity: [parsed] })
          expect(typeof isAllowed).toBe('boolean')
        } catch (error) {
          if (!(error instanceof PolicyError)) throw error
        }
      }),
      { numRuns: 3000 },
    )
  })
})
