import { describe, expect, test } from 'vitest'
import { evaluate, type Principal } from './evaluate.ts'
import { parsePolicy } from './parse.ts'

/** Expectations are written out from the IAM User Guide, not computed. */

const ACCOUNT = '123456789012'
const ANN: Principal = {
  accountId: ACCOUNT,
  arn: `arn:aws:iam::${ACCOUNT}:user/dev/ann`,
  userId: 'AIDAANNANNANNANNANNAN',
}
const SESSION: Principal = {
  accountId: ACCOUNT,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/ops/s1`,
  userId: 'AROAOPSOPSOPSOPSOPSOP:s1',
  roleArn: `arn:aws:iam::${ACCOUNT}:role/ops`,
  roleId: 'AROAOPSOPSOPSOPSOPSOP',
}
const SERVICE: Principal = {
  ...ANN,
  arn: 's3.amazonaws.com',
  userId: 's3.amazonaws.com',
  service: 's3.amazonaws.com',
}

type Outcome = 'allowed' | `${'identity' | 'resource' | 'session'} ${'denies' | 'does not allow'}`
type Statement = Readonly<Record<string, unknown>>

interface Asked {
  principal?: Principal
  action?: string
  resource?: string
  context?: Record<string, string | string[]>
  identity?: Statement[]
  resourcePolicy?: Statement[]
  session?: Statement[]
  version?: string
  isTrustNeeded?: boolean
}

function outcome(asked: Asked): Outcome {
  const { version = '2012-10-17', identity = [], resourcePolicy, session } = asked
  const read = (statements: Statement[], kind: 'identity' | 'resource') =>
    parsePolicy(
      JSON.stringify({
        Version: version,
        Statement: statements.map((one) => {
          const hasResource = 'Resource' in one || 'NotResource' in one
          return { Effect: 'Allow', ...(hasResource ? {} : { Resource: '*' }), ...one }
        }),
      }),
      kind,
    )
  const decision = evaluate(
    {
      principal: asked.principal ?? ANN,
      action: asked.action ?? 'rds:DeleteDBInstance',
      resource: asked.resource ?? 'arn:aws:rds:ap-southeast-1:123456789012:db:orders',
      context: asked.context ?? {},
    },
    {
      identity: identity.length > 0 ? [read(identity, 'identity')] : [],
      resource: resourcePolicy && read(resourcePolicy, 'resource'),
      session: session && (session.length > 0 ? [read(session, 'identity')] : []),
      ...(asked.isTrustNeeded ? { isTrustNeeded: true } : {}),
    },
  )
  if (decision.isAllowed) return 'allowed'
  return `${decision.source} ${decision.isExplicit ? 'denies' : 'does not allow'}`
}

const NONE = 'identity does not allow'
const allow = (Action: unknown, Resource: unknown = '*'): Statement => ({ Action, Resource })
const deny = (Action: unknown, Resource: unknown = '*'): Statement => ({
  Effect: 'Deny',
  Action,
  Resource,
})
const when = (Condition: unknown, more: Statement = {}): Statement[] => [
  { Action: '*', Condition, ...more },
]
const bucket = 'arn:aws:s3:::photos/2024/a.jpg'

const TABLE: [string, Asked, Outcome][] = [
  // Order of decision.
  ['no policy at all', {}, NONE],
  ['an allow', { identity: [allow('rds:DeleteDBInstance')] }, 'allowed'],
  ['an allow of another action', { identity: [allow('rds:StopDBInstance')] }, NONE],
  ['a deny alone', { identity: [deny('*')] }, 'identity denies'],
  ['a deny after an allow', { identity: [allow('*'), deny('rds:*')] }, 'identity denies'],
  ['a deny before an allow', { identity: [deny('rds:*'), allow('*')] }, 'identity denies'],
  ['a deny of something else', { identity: [allow('*'), deny('s3:*')] }, 'allowed'],
  [
    'a deny whose condition fails',
    { identity: [allow('*'), { ...deny('*'), Condition: { Bool: { 'a:b': 'true' } } }] },
    'allowed',
  ],

  // Actions.
  ['any action', { identity: [allow('*')] }, 'allowed'],
  ['any action of a service', { identity: [allow('rds:*')] }, 'allowed'],
  ['the start of an action', { identity: [allow('rds:Delete*')] }, 'allowed'],
  ['the end of an action', { identity: [allow('rds:*Instance')] }, 'allowed'],
  ['the middle of an action', { identity: [allow('rds:*DB*')] }, 'allowed'],
  ['single characters of an action', { identity: [allow('rds:DeleteDB????????')] }, 'allowed'],
  ['a character too few', { identity: [allow('rds:DeleteDB???????')] }, NONE],
  ['another case of the action', { identity: [allow('RDS:deletedbinstance')] }, 'allowed'],
  ['the beginning only', { identity: [allow('rds:Delete')] }, NONE],
  ['another service', { identity: [allow('rd:*')] }, NONE],
  ['one of several', { identity: [allow(['s3:GetObject', 'rds:Delete*'])] }, 'allowed'],
  ['all but another action', { identity: [{ NotAction: 'iam:*' }] }, 'allowed'],
  ['all but this action', { identity: [{ NotAction: ['iam:*', 'rds:*'] }] }, NONE],
  [
    'a deny of all but this action',
    { identity: [allow('*'), { Effect: 'Deny', NotAction: 'rds:*' }] },
    'allowed',
  ],
  [
    'a deny of all but another action',
    { identity: [allow('*'), { Effect: 'Deny', NotAction: 's3:*' }] },
    'identity denies',
  ],

  // Resources.
  ['the resource', { identity: [allow('*', 'arn:aws:rds:*:*:db:orders')] }, 'allowed'],
  ['another resource', { identity: [allow('*', 'arn:aws:rds:*:*:db:order')] }, NONE],
  ['another case of the resource', { identity: [allow('*', 'arn:aws:rds:*:*:db:Orders')] }, NONE],
  ['a region', { identity: [allow('*', 'arn:aws:rds:ap-southeast-1:*:db:*')] }, 'allowed'],
  ['another region', { identity: [allow('*', 'arn:aws:rds:us-*:*:db:*')] }, NONE],
  ['an account', { identity: [allow('*', `arn:aws:rds:*:${ACCOUNT}:*`)] }, 'allowed'],
  ['another account', { identity: [allow('*', 'arn:aws:rds:*:999999999999:*')] }, NONE],
  ['a wildcard at the end of an ARN goes on', { identity: [allow('*', 'arn:aws:*')] }, 'allowed'],
  ['a wildcard within a part does not', { identity: [allow('*', 'arn:aws:r*ers')] }, NONE],
  ['single characters', { identity: [allow('*', 'arn:aws:rds:*:*:db:?rders')] }, 'allowed'],
  ['a question mark is no colon', { identity: [allow('*', 'arn:aws:rds:*:*?db:orders')] }, NONE],
  ['all but another resource', { identity: [{ Action: '*', NotResource: bucket }] }, 'allowed'],
  [
    'all but this resource',
    { identity: [{ Action: '*', NotResource: 'arn:aws:rds:*:*:db:ord*' }] },
    NONE,
  ],
  [
    'a deny of all but this resource',
    {
      identity: [
        allow('*'),
        { Effect: 'Deny', Action: '*', NotResource: ['arn:aws:rds:*:*:db:orders'] },
      ],
    },
    'allowed',
  ],
  [
    'a deny of all but another resource',
    { identity: [allow('*'), { Effect: 'Deny', Action: '*', NotResource: bucket }] },
    'identity denies',
  ],
  [
    'objects of a bucket',
    { resource: bucket, identity: [allow('*', 'arn:aws:s3:::photos/*')] },
    'allowed',
  ],
  [
    'objects of a bucket with a longer name',
    { resource: 'arn:aws:s3:::photos-2/a', identity: [allow('*', 'arn:aws:s3:::photos/*')] },
    NONE,
  ],
  [
    'a wildcard across slashes',
    { resource: bucket, identity: [allow('*', 'arn:aws:s3:::*/a.jpg')] },
    'allowed',
  ],
  [
    'no resource, and the policy names one',
    { resource: '*', identity: [allow('*', 'arn:aws:rds:*:*:db:orders')] },
    NONE,
  ],
  ['no resource, and the policy allows all', { resource: '*', identity: [allow('*')] }, 'allowed'],

  // Variables.
  [
    'a variable',
    {
      resource: 'arn:aws:s3:::home/ann/x',
      context: { 'aws:username': 'ann' },
      identity: [allow('*', `arn:aws:s3:::home/\${aws:username}/*`)],
    },
    'allowed',
  ],
  [
    'a variable of another',
    {
      resource: 'arn:aws:s3:::home/bob/x',
      context: { 'aws:username': 'ann' },
      identity: [allow('*', `arn:aws:s3:::home/\${aws:username}/*`)],
    },
    NONE,
  ],
  [
    'a variable in another case',
    {
      resource: 'arn:aws:s3:::home/ann/x',
      context: { 'aws:username': 'ann' },
      identity: [allow('*', `arn:aws:s3:::home/\${AWS:UserName}/*`)],
    },
    'allowed',
  ],
  [
    'a variable that the request lacks',
    {
      resource: 'arn:aws:s3:::home//x',
      identity: [allow('*', `arn:aws:s3:::home/\${aws:username}/*`)],
    },
    NONE,
  ],
  [
    'a variable with a default',
    {
      resource: 'arn:aws:s3:::home/guest/x',
      identity: [allow('*', `arn:aws:s3:::home/\${aws:username, 'guest'}/*`)],
    },
    'allowed',
  ],
  [
    'a value with a wildcard is only text',
    {
      resource: 'arn:aws:s3:::home/bob/x',
      context: { 'aws:username': '*' },
      identity: [allow('*', `arn:aws:s3:::home/\${aws:username}/*`)],
    },
    NONE,
  ],
  [
    'an escaped star',
    { resource: 'arn:aws:s3:::a/*b', identity: [allow('*', `arn:aws:s3:::a/\${*}b`)] },
    'allowed',
  ],
  [
    'an escaped star is no wildcard',
    { resource: 'arn:aws:s3:::a/xb', identity: [allow('*', `arn:aws:s3:::a/\${*}b`)] },
    NONE,
  ],
  [
    'a variable in the old version is only text',
    {
      version: '2008-10-17',
      resource: 'arn:aws:s3:::home/ann/x',
      context: { 'aws:username': 'ann' },
      identity: [allow('*', `arn:aws:s3:::home/\${aws:username}/*`)],
    },
    NONE,
  ],
  [
    'a variable in a condition',
    {
      context: { 'aws:PrincipalTag/team': 'blue', 'aws:ResourceTag/team': 'blue' },
      identity: when({ StringEquals: { 'aws:ResourceTag/team': `\${aws:PrincipalTag/team}` } }),
    },
    'allowed',
  ],
  [
    'a variable in a condition, of another',
    {
      context: { 'aws:PrincipalTag/team': 'blue', 'aws:ResourceTag/team': 'red' },
      identity: when({ StringEquals: { 'aws:ResourceTag/team': `\${aws:PrincipalTag/team}` } }),
    },
    NONE,
  ],

  // Conditions.
  ...conditions(),

  // Policies of resources.
  [
    'a resource that names the user',
    { resourcePolicy: [{ Principal: { AWS: ANN.arn }, Action: 'rds:*' }] },
    'allowed',
  ],
  [
    'a resource that names the user by its id',
    { resourcePolicy: [{ Principal: { AWS: ANN.userId }, Action: 'rds:*' }] },
    'allowed',
  ],
  [
    'a resource that names another user',
    { resourcePolicy: [{ Principal: { AWS: ANN.arn.replace('ann', 'bob') }, Action: '*' }] },
    NONE,
  ],
  [
    'a resource that names everybody',
    { resourcePolicy: [{ Principal: '*', Action: '*' }] },
    'allowed',
  ],
  [
    'a resource that names everybody of AWS',
    { resourcePolicy: [{ Principal: { AWS: ['*'] }, Action: '*' }] },
    'allowed',
  ],
  [
    'a resource that names the account leaves it to the identity',
    { resourcePolicy: [{ Principal: { AWS: ACCOUNT }, Action: '*' }] },
    NONE,
  ],
  [
    'a resource that names the account, and the identity allows',
    {
      resourcePolicy: [{ Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: '*' }],
      identity: [allow('*')],
    },
    'allowed',
  ],
  [
    'a resource that names another account',
    { resourcePolicy: [{ Principal: { AWS: '999999999999' }, Action: '*' }] },
    NONE,
  ],
  [
    'a resource that denies',
    { identity: [allow('*')], resourcePolicy: [{ ...deny('*'), Principal: '*' }] },
    'resource denies',
  ],
  [
    'a resource that denies the account',
    { identity: [allow('*')], resourcePolicy: [{ ...deny('*'), Principal: { AWS: ACCOUNT } }] },
    'resource denies',
  ],
  [
    'a resource that denies all but the user',
    {
      identity: [allow('*')],
      resourcePolicy: [{ ...deny('*'), NotPrincipal: { AWS: [ANN.arn, ACCOUNT] } }],
    },
    'allowed',
  ],
  [
    'a resource that denies all but another',
    {
      identity: [allow('*')],
      resourcePolicy: [{ ...deny('*'), NotPrincipal: { AWS: ANN.arn.replace('ann', 'bob') } }],
    },
    'resource denies',
  ],
  [
    'an identity that denies what the resource allows',
    { identity: [deny('*')], resourcePolicy: [{ Principal: '*', Action: '*' }] },
    'identity denies',
  ],
  [
    'a resource that names a service',
    {
      principal: SERVICE,
      resourcePolicy: [{ Principal: { Service: 's3.amazonaws.com' }, Action: '*' }],
    },
    'allowed',
  ],
  [
    'a resource that names another service',
    {
      principal: SERVICE,
      resourcePolicy: [{ Principal: { Service: 'ec2.amazonaws.com' }, Action: '*' }],
    },
    NONE,
  ],
  [
    'a service is not the account that it works for',
    {
      principal: SERVICE,
      identity: [allow('*')],
      resourcePolicy: [{ Principal: { AWS: ACCOUNT }, Action: '*' }],
      isTrustNeeded: true,
    },
    'resource does not allow',
  ],
  [
    'a user is no service',
    { resourcePolicy: [{ Principal: { Service: 's3.amazonaws.com' }, Action: '*' }] },
    NONE,
  ],

  // Sessions.
  ['a session without policies', { principal: SESSION, identity: [allow('*')] }, 'allowed'],
  [
    'a session whose policy allows it, too',
    { principal: SESSION, identity: [allow('*')], session: [allow('rds:*')] },
    'allowed',
  ],
  [
    'a session whose policy allows something else',
    { principal: SESSION, identity: [allow('*')], session: [allow('s3:*')] },
    'session does not allow',
  ],
  [
    'a session whose policy allows more than the role',
    { principal: SESSION, identity: [allow('s3:*')], session: [allow('*')] },
    NONE,
  ],
  [
    'a session whose policy denies',
    { principal: SESSION, identity: [allow('*')], session: [allow('*'), deny('rds:*')] },
    'session denies',
  ],
  [
    'a session with no policy in its list',
    { principal: SESSION, identity: [allow('*')], session: [] },
    'session does not allow',
  ],
  [
    'a resource that names the role, within the session',
    {
      principal: SESSION,
      session: [allow('s3:*')],
      resourcePolicy: [{ Principal: { AWS: SESSION.roleArn }, Action: '*' }],
    },
    'session does not allow',
  ],
  [
    'a resource that names the session itself',
    {
      principal: SESSION,
      session: [allow('s3:*')],
      resourcePolicy: [{ Principal: { AWS: SESSION.arn }, Action: '*' }],
    },
    'allowed',
  ],
  [
    'a resource that names another session of the role',
    {
      principal: SESSION,
      resourcePolicy: [{ Principal: { AWS: SESSION.arn.replace('s1', 's2') }, Action: '*' }],
    },
    NONE,
  ],

  // Trust.
  [
    'trust is needed, and there is none',
    {
      identity: [allow('*')],
      resourcePolicy: [{ Principal: { AWS: '999999999999' }, Action: '*' }],
      isTrustNeeded: true,
    },
    'resource does not allow',
  ],
  [
    'trust is enough for whom it names',
    { resourcePolicy: [{ Principal: { AWS: ANN.arn }, Action: '*' }], isTrustNeeded: true },
    'allowed',
  ],
  [
    'trust in the account is not enough',
    { resourcePolicy: [{ Principal: { AWS: ACCOUNT }, Action: '*' }], isTrustNeeded: true },
    NONE,
  ],
]

function conditions(): [string, Asked, Outcome][] {
  const key = 'aws:k'
  /** Operator, values of the policy, values of the request, whether it holds. */
  const rows: [string, unknown, string | string[] | undefined, boolean][] = [
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEquals', 'a', undefined, false],
    ['StringNotEquals', 'a', 'b', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', 'a', undefined, true],
    ['StringEqualsIgnoreCase', 'aB', 'Ab', true],
    ['StringNotEqualsIgnoreCase', 'aB', 'Ab', false],
    ['StringLike', 'a*', 'abc', true],
    ['StringLike', 'a?c', 'abc', true],
    ['StringLike', 'a?', 'abc', false],
    ['StringLike', 'A*', 'abc', false],
    ['StringLike', '*', '', true],
    ['StringLike', '*:*:*', 'a:b:c:d', true],
    ['StringNotLike', 'a*', 'abc', false],
    ['StringNotLike', 'b*', 'abc', true],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIfExists', 'a', 'b', false],
    ['StringLikeIfExists', 'a*', undefined, true],
    ['NumericEquals', '10', '10.0', true],
    ['NumericEquals', 10, '11', false],
    ['NumericNotEquals', '10', '11', true],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThan', '10', '10', false],
    ['NumericLessThanEquals', '10', '10', true],
    ['NumericGreaterThan', '10', '9', false],
    ['NumericGreaterThan', '9', '10', true],
    ['NumericGreaterThanEquals', '10', '10', true],
    ['NumericEquals', '10', 'ten', false],
    ['DateEquals', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', true],
    ['DateNotEquals', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', true],
    ['DateLessThan', '2026-01-01T00:00:00Z', '2025-12-31T23:59:59Z', true],
    ['DateLessThan', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', false],
    ['DateLessThanEquals', '2026-01-01', '2026-01-01T00:00:00Z', true],
    ['DateGreaterThan', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.001Z', true],
    ['DateGreaterThanEquals', '1767225600', '2026-01-01T00:00:00Z', true],
    ['Bool', 'true', 'true', true],
    ['Bool', true, 'true', true],
    ['Bool', 'true', 'false', false],
    ['Bool', 'false', undefined, false],
    ['BoolIfExists', 'true', undefined, true],
    ['IpAddress', '10.0.0.0/8', '10.1.2.3', true],
    ['IpAddress', '10.0.0.0/8', '11.1.2.3', false],
    ['IpAddress', '10.1.2.3', '10.1.2.3', true],
    ['IpAddress', ['10.0.0.0/8', '2001:db8::/32'], '2001:db8::1', true],
    ['IpAddress', '0.0.0.0/0', '2001:db8::1', false],
    ['IpAddress', '10.0.0.0/8', 'not an address', false],
    ['NotIpAddress', '10.0.0.0/8', '11.1.2.3', true],
    ['NotIpAddress', '10.0.0.0/8', '10.1.2.3', false],
    ['ArnEquals', 'arn:aws:s3:::a*', 'arn:aws:s3:::abc', true],
    ['ArnLike', 'arn:aws:iam::*:role/*', 'arn:aws:iam::123456789012:role/a/b', true],
    ['ArnLike', 'arn:aws:i*:role/x', 'arn:aws:iam::123456789012:role/x', false],
    ['ArnNotLike', 'arn:aws:iam::*:role/*', 'arn:aws:iam::123456789012:user/a', true],
    ['ArnNotEquals', 'arn:aws:s3:::a', 'arn:aws:s3:::a', false],
    ['BinaryEquals', 'QUI=', 'QUI=', true],
    ['BinaryEquals', 'QUI=', 'QUJD', false],
    ['Null', 'true', undefined, true],
    ['Null', 'true', 'a', false],
    ['Null', 'false', 'a', true],
    ['Null', false, undefined, false],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b', 'a'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAllValues:StringEquals', ['a', 'b'], undefined, true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'd'], false],
    ['ForAnyValue:StringEquals', ['a', 'b'], undefined, false],
    ['ForAnyValue:StringNotEquals', ['a'], undefined, false],
    ['ForAllValues:StringNotLike', ['a*'], ['b', 'c'], true],
    ['ForAllValues:StringNotLike', ['a*'], ['b', 'ac'], false],
    ['ForAnyValue:StringNotLike', ['a*'], ['b', 'ac'], true],
  ]
  const named = rows.map(([operator, wanted, asked, isHeld]): [string, Asked, Outcome] => [
    `${operator} ${JSON.stringify(wanted)} of ${JSON.stringify(asked)}`,
    {
      identity: when({ [operator]: { [key]: wanted } }),
      context: asked === undefined ? {} : { [key]: asked },
    },
    isHeld ? 'allowed' : NONE,
  ])
  const both = when({ StringEquals: { 'aws:a': '1', 'aws:b': '2' }, Bool: { 'aws:c': 'true' } })
  return [
    ...named,
    [
      'a key in another case',
      {
        identity: when({ Bool: { 'AWS:SecureTransport': 'true' } }),
        context: { 'aws:securetransport': 'true' },
      },
      'allowed',
    ],
    [
      'all conditions hold',
      { identity: both, context: { 'aws:a': '1', 'aws:b': '2', 'aws:c': 'true' } },
      'allowed',
    ],
    [
      'one key of two fails',
      { identity: both, context: { 'aws:a': '1', 'aws:b': '3', 'aws:c': 'true' } },
      NONE,
    ],
    [
      'one operator of two fails',
      { identity: both, context: { 'aws:a': '1', 'aws:b': '2' } },
      NONE,
    ],
  ]
}

describe('evaluate', () => {
  test.each(TABLE)('%s', (_, asked, expected) => {
    expect(outcome(asked)).toBe(expected)
  })
})
