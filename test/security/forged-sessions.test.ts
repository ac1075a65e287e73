import { beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import { ACCOUNT, iamUnderTest, type Keys, trustOf } from '../aws/iam/iam-under-test.ts'
import { REGION } from '../aws/region-under-test.ts'
import {
  bytesOf,
  type Draft,
  mapHeader,
  mapQuery,
  presigned,
  type Signing,
  signed,
  withHeader,
  withoutHeader,
  withQuery,
} from './drafts.ts'
import {
  basicTime,
  Choices,
  type Forgery,
  HEADER_FORGERIES,
  PRESIGNED_FORGERIES,
} from './forgeries.ts'
import { awsErrorCode, RawConnection } from './raw-connection.ts'

/** Forged requests under temporary keys, whose session token comes with the request. */

const ROUNDS = Number(process.env.LIFEBOAT_FORGERIES ?? 4_000) / 1000
const SEED = Number(process.env.LIFEBOAT_SEED ?? Number.parseInt(systemRandom.hex(7), 16))
const TOKEN = 'X-Amz-Security-Token'

const FORM: Draft = {
  method: 'POST',
  path: '/',
  query: [],
  headers: [
    ['Host', 'sts'],
    ['Content-Type', 'application/x-www-form-urlencoded'],
  ],
  body: 'Action=GetCallerIdentity&Version=2011-06-15',
}
const URL: Draft = {
  method: 'GET',
  path: '/',
  query: [
    ['Action', 'GetCallerIdentity'],
    ['Version', '2011-06-15'],
  ],
  headers: [['Host', 'sts']],
  body: '',
}

const flip = (token: string, choices: Choices) => {
  const bytes = Buffer.from(token, 'base64')
  bytes[choices.below(bytes.length)]! ^= 1 << choices.below(8)
  return bytes.toString('base64')
}

/** What is done to the token: before signing, so that the signature itself is right, or after it. */
const IN_HEADER: Readonly<Record<string, Forgery>> = {
  'one bit of the token': (draft, signing, choices) =>
    signed(
      mapHeader(draft, TOKEN, (token) => flip(token, choices)),
      signing,
    ),
  'one bit of the token, after signing': (draft, signing, choices) =>
    mapHeader(signed(draft, signing), TOKEN, (token) => flip(token, choices)),
  'a token cut short': (draft, signing, choices) =>
    signed(
      mapHeader(draft, TOKEN, (token) => token.slice(0, -4 * (1 + choices.below(20)))),
      signing,
    ),
  'a token with more': (draft, signing) =>
    signed(
      mapHeader(draft, TOKEN, (token) => `AAAA${token}`),
      signing,
    ),
  'a token of no form': (draft, signing, choices) =>
    signed(
      mapHeader(draft, TOKEN, () => choices.of(['x', '{}', '=', 'A'.repeat(4000), 'null'])),
      signing,
    ),
  'no token': (draft, signing) => signed(withoutHeader(draft, TOKEN), signing),
  'the token taken away after signing': (draft, signing) =>
    withoutHeader(signed(draft, signing), TOKEN),
  'the token not signed': (draft, signing) => {
    const [, token = ''] = draft.headers.find(([name]) => name === TOKEN) ?? []
    return withHeader(signed(withoutHeader(draft, TOKEN), signing), TOKEN, token)
  },
  'two tokens': (draft, signing) => withHeader(signed(draft, signing), TOKEN, 'x'),
  'another key under the token': (draft, signing) =>
    signed(draft, { ...signing, accessKeyId: signing.accessKeyId.replace(/.$/, '1') }),
}

const IN_URL: Readonly<Record<string, Forgery>> = {
  'one bit of the token': (draft, signing, choices) =>
    presigned(
      mapQuery(draft, TOKEN, (token) => flip(token, choices)),
      signing,
      '60',
    ),
  'one bit of the token, after signing': (draft, signing, choices) =>
    mapQuery(presigned(draft, signing, '60'), TOKEN, (token) => flip(token, choices)),
  'a token in a header, too': (draft, signing) => {
    const [, token = ''] = draft.query.find(([name]) => name === TOKEN) ?? []
    return presigned(withHeader(draft, TOKEN, token), signing, '60')
  },
}

describe('a region that has given out temporary keys', () => {
  const region = iamUnderTest()
  let keys: Keys

  beforeAll(async () => {
    const user = await region.userWith('forger')
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/forger`)
    keys = await region.assume(user, await region.roleWith('forged', trust))
  })

  const signing = (): Signing => {
    const time = basicTime(systemClock.now())
    return { ...keys, time, scope: { date: time.slice(0, 8), region: REGION, service: 'sts' } }
  }
  const inHeader = () => withHeader(FORM, TOKEN, keys.sessionToken!)
  const inUrl = () => withQuery(URL, TOKEN, keys.sessionToken!)

  test('accepts their requests, signed in the header and in the URL', async () => {
    const connection = new RawConnection(region.port())
    const header = await connection.send(bytesOf(signed(inHeader(), signing())))
    const url = await connection.send(bytesOf(presigned(inUrl(), signing(), '60')))
    connection.close()
    for (const reply of [header, url]) {
      expect(reply?.status, reply?.body).toBe(200)
      expect(reply?.body).toContain('assumed-role/forged/session')
    }
  })

  test('accepts none that is forged, and answers each with an AWS error', async () => {
    const choices = new Choices(SEED)
    const all: [string, () => Draft, Forgery][] = [
      ...Object.entries({ ...HEADER_FORGERIES, ...IN_HEADER }).map(
        ([name, forge]) => [name, inHeader, forge] as [string, () => Draft, Forgery],
      ),
      ...Object.entries({ ...PRESIGNED_FORGERIES, ...IN_URL }).map(
        ([name, forge]) => [name, inUrl, forge] as [string, () => Draft, Forgery],
      ),
    ]
    const connection = new RawConnection(region.port())
    const faults: string[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, draft, forge] of all) {
        const request = bytesOf(forge(draft(), signing(), choices))
        const reply = await connection.send(request)
        try {
          awsErrorCode(reply)
        } catch (error) {
          faults.push(`${name} (seed ${SEED}): ${(error as Error).message}\n${request}`)
        }
      }
    }
    connection.close()
    expect(faults).toEqual([])
    expect(region.errors).toEqual([])
  })
})
