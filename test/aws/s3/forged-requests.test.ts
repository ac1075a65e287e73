import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../../src/region/protocol/canonical-request.ts'
import { bytesOf, type Draft, presigned, type Signing, signed } from '../../security/drafts.ts'
import {
  basicTime,
  Choices,
  type Forgery,
  HEADER_FORGERIES,
  PRESIGNED_FORGERIES,
} from '../../security/forgeries.ts'
import { RawConnection } from '../../security/raw-connection.ts'
import { CREDENTIALS, REGION, s3UnderTest } from './s3-under-test.ts'

const ROUNDS = Number(process.env.LIFEBOAT_ROUNDS ?? 4)
/** What is no forgery on S3: it knows no Action, and a URL does not say what body is sent to it. */
const VALID = [
  'a parameter of the URL, signed',
  'another method, signed',
  'another action',
  'a body',
  'a body, signed',
]
const CANARY = 'what nobody else may read'

describe('forged requests to S3', () => {
  const region = s3UnderTest()
  const Bucket = 'forged'
  let signing: Signing
  const headers: [string, string][] = [
    ['Host', 'localhost'],
    ['Content-Type', 'text/plain'],
  ]
  const get: Draft = { method: 'GET', path: `/${Bucket}/canary`, query: [], headers, body: '' }
  const put: Draft = {
    method: 'PUT',
    path: `/${Bucket}/forged`,
    query: [],
    headers,
    body: 'by a stranger',
  }
  const hashed = (draft: Draft): Draft => ({
    ...draft,
    headers: [...draft.headers, ['X-Amz-Content-Sha256', sha256Hex(draft.body)]],
  })

  beforeAll(async () => {
    await region.bucket(Bucket)
    await region.sdk().putObject({ Bucket, Key: 'canary', Body: CANARY })
    const time = basicTime(new Date())
    const scope = { date: time.slice(0, 8), region: REGION, service: 's3' }
    signing = { ...CREDENTIALS, scope, time }
  })

  afterEach(async () => {
    await region.sdk().deleteObject({ Bucket, Key: 'forged' })
  })

  /** The request must be refused, and refused without effect. */
  const refuses = async (request: Draft) => {
    const connection = new RawConnection(region.port())
    const reply = await connection.send(bytesOf(request))
    connection.close()
    expect(reply?.status ?? 400).toBeGreaterThanOrEqual(400)
    expect(reply?.body ?? '').not.toContain(CANARY)
    if (reply?.body) expect(reply.body).toMatch(/<Error>.*<Code>\w+<\/Code>/)
    const listed = await region.sdk().listObjectsV2({ Bucket })
    expect(listed.Contents!.map(({ Key }) => Key)).toEqual(['canary'])
    expect(await region.text(Bucket, 'canary')).toBe(CANARY)
  }

  test('are what they would be if they were signed', async () => {
    const connection = new RawConnection(region.port())
    const read = await connection.send(bytesOf(signed(hashed(get), signing)))
    expect(read?.body).toBe(CANARY)
    const written = await connection.send(
      bytesOf(signed(hashed({ ...put, path: '/forged/ok' }), signing)),
    )
    expect(written?.status).toBe(200)
    const unsigned = { ...signing, payloadHash: 'UNSIGNED-PAYLOAD' }
    const byUrl = await connection.send(bytesOf(presigned(get, unsigned, '60')))
    expect(byUrl?.body).toBe(CANARY)
    connection.close()
    await region.sdk().deleteObject({ Bucket, Key: 'ok' })
  })

  const headerForgeries = Object.entries(HEADER_FORGERIES).filter(([name]) => !VALID.includes(name))
  test.each(headerForgeries)('%s', async (_, forge: Forgery) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const choices = new Choices(round * 7919 + 1)
      for (const draft of [hashed(put), hashed({ ...get, body: 'x' })]) {
        const forged = forge(draft, signing, choices)
        // A choice may be what was there before.
        if (!bytesOf(forged).equals(bytesOf(signed(draft, signing)))) await refuses(forged)
      }
    }
  })

  const urlForgeries = Object.entries(PRESIGNED_FORGERIES).filter(([name]) => !VALID.includes(name))
  test.each(urlForgeries)('presigned: %s', async (_, forge: Forgery) => {
    const unsigned = { ...signing, payloadHash: 'UNSIGNED-PAYLOAD' }
    for (let round = 0; round < ROUNDS; round += 1) {
      await refuses(forge(get, unsigned, new Choices(round * 7919 + 1)))
    }
  })

  test.each([
    ['Basic dXNlcjpwYXNz', 400, 'InvalidArgument'],
    ['AWS HAHAHA', 400, 'InvalidArgument'],
    [`AWS ${CREDENTIALS.accessKeyId}:c2lnbmF0dXJl`, 400, 'InvalidRequest'],
    ['AWS4-HMAC-SHA256 HAHAHA', 400, 'AuthorizationHeaderMalformed'],
    ['', 403, 'AccessDenied'],
  ])('are refused by S3 that bring Authorization: %s', async (authorization, status, code) => {
    const target = `${region.endpoint()}/${Bucket}/forged`
    const sent = { method: 'PUT', body: 'by a stranger', headers: { authorization } }
    const reply = await fetch(target, sent)
    expect(reply.status).toBe(status)
    expect(await reply.text()).toContain(`<Error><Code>${code}</Code>`)
    const { KeyCount } = await region.sdk().listObjectsV2({ Bucket, Prefix: 'forged' })
    expect(KeyCount).toBe(0)
  })
})
