import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { iamModel } from '../../src/region/protocol/models/iam.ts'
import { secretsManagerModel } from '../../src/region/protocol/models/secrets-manager.ts'
import { CREDENTIALS, REGION, regionUnderTest } from '../aws/region-under-test.ts'
import { bytesOf, type Draft, type Signing, signed } from './drafts.ts'
import { basicTime } from './forgeries.ts'
import { awsErrorCode, RawConnection } from './raw-connection.ts'

/** Requests that are signed as they should be and whose bodies are anything. */

const RUNS = 1500

function signing(service: string): Signing {
  const time = basicTime(systemClock.now())
  return { ...CREDENTIALS, time, scope: { date: time.slice(0, 8), region: REGION, service } }
}

const form = (body: Draft['body']): Draft => ({
  method: 'POST',
  path: '/',
  query: [],
  headers: [
    ['Host', 'a'],
    ['Content-Type', 'application/x-www-form-urlencoded'],
  ],
  body,
})

const json = (target: string, body: Draft['body']): Draft => ({
  method: 'POST',
  path: '/',
  query: [],
  headers: [
    ['Host', 'a'],
    ['Content-Type', 'application/x-amz-json-1.1'],
    ['X-Amz-Target', target],
  ],
  body,
})

const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('__proto__', 'constructor', 'Action', 'Version', 'Tags.member.1.Key', 'a.b.c'),
  fc.constantFrom('Filters.Filter.999999999', 'Tags.Tag.1e3', 'x'.repeat(600), 'a.'.repeat(50)),
)
const value = fc.string({ unit: 'binary', maxLength: 40 })
const pairs = fc.array(fc.tuple(name, value), { maxLength: 30 })
const encoded = pairs.map((list) =>
  list.map((pair) => pair.map((text) => encodeURIComponent(text)).join('=')).join('&'),
)
const head = fc.constantFrom(
  '',
  'Action=GetCallerIdentity&Version=2011-06-15&',
  'Action=AssumeRole&Version=2011-06-15&RoleArn=a&RoleSessionName=b&',
)
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))

describe('signed requests with bodies of any kind', () => {
  const region = regionUnderTest()

  /** Any answer will do that is an answer: success of a harmless action, or an AWS error. */
  async function isAnswered(connection: RawConnection, draft: Draft, service: string) {
    const reply = await connection.send(bytesOf(signed(draft, signing(service))))
    if (reply?.status !== 200) {
      const code = awsErrorCode(reply)
      expect(code).not.toMatch(/Internal|Signature|Token$/)
    }
    expect(region.errors).toEqual([])
  }

  test('forms', async () => {
    const connection = new RawConnection(region.port())
    const body = fc.oneof(
      fc.tuple(head, encoded).map(([start, rest]) => start + rest),
      fc.tuple(head, bytes).map(([start, rest]) => Buffer.concat([Buffer.from(start), rest])),
    )
    await fc.assert(
      fc.asyncProperty(body, (text) => isAnswered(connection, form(text), 'sts')),
      { numRuns: RUNS },
    )
    connection.close()
  })

  test('forms of IAM, with policies of any kind', async () => {
    const connection = new RawConnection(region.port())
    const operations = fc.constantFrom(...iamModel.operationByName.keys())
    const members = fc.constantFrom(
      'UserName',
      'RoleName',
      'PolicyArn',
      'PolicyName',
      'Path',
      'Tags',
    )
    const documents = fc.constantFrom('PolicyDocument', 'AssumeRolePolicyDocument')
    const statement = fc.record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Action: fc.jsonValue(),
    })
    const document = fc.oneof(
      fc.json(),
      value,
      statement.map((one) => JSON.stringify({ Version: '2012-10-17', Statement: one })),
      fc.constant('['.repeat(100_000)),
    )
    const body = fc
      .tuple(operations, fc.array(fc.tuple(members, value)), documents, document, encoded)
      .map(([operation, named, at, text, rest]) => {
        const fields = [['Version', '2010-05-08'], ['Action', operation], [at, text], ...named]
        const pairs = fields.map((pair) =>
          pair.map((part) => encodeURIComponent(part ?? '')).join('='),
        )
        return [...pairs, rest].join('&')
      })
    await fc.assert(
      fc.asyncProperty(body, (text) => isAnswered(connection, form(text), 'iam')),
      { numRuns: RUNS },
    )
    connection.close()
  })

  test('JSON', async () => {
    const connection = new RawConnection(region.port())
    const known = [...secretsManagerModel.operationByName].flatMap(([operation, { input }]) =>
      [...input.structIterator()].map(([member]) => ({ operation, member })),
    )
    const near = fc
      .tuple(fc.constantFrom(...known), fc.jsonValue(), fc.jsonValue())
      .map(([{ operation, member }, held, id]) => ({
        target: `secretsmanager.${operation}`,
        body: JSON.stringify({ SecretId: id, Name: id, [member]: held }),
      }))
    const far = fc.record({
      target: fc.constantFrom('secretsmanager.GetSecretValue', 'secretsmanager.toString', 'x', '.'),
      body: fc.oneof(
        bytes,
        fc.json(),
        fc.constant('['.repeat(200_000)),
        fc.constant('{"__proto__":1}'),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.oneof(near, near, far), ({ target, body }) =>
        isAnswered(connection, json(target, body), 'secretsmanager'),
      ),
      { numRuns: RUNS },
    )
    connection.close()
  })

  test('no name of a member has reached a prototype', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
