import { createSign, generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { SnsMessageVerifier } from '../../../src/probe/sns-message.ts'
import { selfSignedCertificate } from '../../../src/region/sns/signing/certificate.ts'
import { snsUnderTest } from './sns-under-test.ts'

const region = snsUnderTest()

type Fields = Record<string, string>

/** Somebody who can sign, and serves a certificate, but is not the region. */
const forger = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = (o: { notBefore?: Date; notAfter?: Date } = {}) =>
  selfSignedCertificate({
    commonName: 'SNS of the embedded region ap-southeast-1',
    ...forger,
    serial: Buffer.alloc(16, 1),
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2060-01-01'),
    ...o,
  })
const SERVED: Readonly<Record<string, () => string>> = {
  '/SimpleNotificationService-forged.pem': () => pem(),
  '/SimpleNotificationService-expired.pem': () => pem({ notAfter: new Date('2021-01-01') }),
  '/SimpleNotificationService-early.pem': () => pem({ notBefore: new Date('2050-01-01') }),
  '/SimpleNotificationService-none.pem': () => 'no certificate',
  '/SimpleNotificationService-endless.pem': () => 'x'.repeat(1024 * 1024),
}

let topicArn: string
let genuine: Fields
let server: Server
let origin: string

beforeAll(async () => {
  server = createServer((request, response) => {
    const serve = SERVED[request.url ?? '']
    if (request.url === '/SimpleNotificationService-moved.pem') {
      response.writeHead(302, { location: '/SimpleNotificationService-forged.pem' }).end()
    } else response.writeHead(serve ? 200 : 404).end(serve?.())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  topicArn = await region.topic('genuine')
  await region.subscribed(topicArn, '/genuine')
  await region.sdk().publish({ TopicArn: topicArn, Subject: 's', Message: 'm' })
  genuine = (await region.sink().message('/genuine')) as Fields
})
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
})

const NAMES = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']

function forged(fields: Fields, version = '1'): Fields {
  const text = NAMES.filter((name) => fields[name] !== undefined)
    .map((name) => `${name}\n${fields[name]}\n`)
    .join('')
  const algorithm = version === '1' ? 'RSA-SHA1' : 'RSA-SHA256'
  const Signature = createSign(algorithm).update(text).sign(forger.privateKey, 'base64')
  return { ...fields, SignatureVersion: version, Signature }
}

async function verdict(body: string, certificateOrigin = region.endpoint()): Promise<string> {
  const verifier = new SnsMessageVerifier({ topicArn, certificateOrigin }, systemClock)
  return await verifier.verify(body).then(
    ({ text }) => `believed: ${text}`,
    (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
  )
}

test('what the region has sent is believed', async () => {
  expect(await verdict(JSON.stringify(genuine))).toBe('believed: m')
})

test('and so would be what the forger has signed, if he were trusted: so he can sign', async () => {
  const url = `${origin}/SimpleNotificationService-forged.pem`
  for (const version of ['1', '2']) {
    const fields = { ...forged(genuine, version), SigningCertURL: url }
    expect(await verdict(JSON.stringify(fields), origin)).toBe('believed: m')
  }
})

describe('is refused:', () => {
  const notSigned = /signature is not of what it says/
  test.each<[string, Fields, RegExp]>([
    ['another message', { Message: 'x' }, notSigned],
    ['another id', { MessageId: 'x' }, notSigned],
    ['another subject', { Subject: 'x' }, notSigned],
    ['another time', { Timestamp: new Date().toISOString() }, notSigned],
    ['another topic', { TopicArn: 'arn:aws:sns:eu-west-1:000000000000:other' }, /is of the topic/],
    ['another type', { Type: 'UnsubscribeConfirmation' }, notSigned],
    ['a type that is none', { Type: 'toString' }, /its type is 'toString'/],
    ['another signature', { Signature: Buffer.alloc(256).toString('base64') }, notSigned],
    ['no signature', { Signature: '' }, notSigned],
    ['another version of the signature', { SignatureVersion: '2' }, notSigned],
    ['a version that is none', { SignatureVersion: 'constructor' }, /has the version/],
    ['a certificate in a file', { SigningCertURL: 'file:///etc/passwd' }, /its certificate is at/],
    ['a certificate nowhere', { SigningCertURL: 'x' }, /its certificate is at/],
  ])('%s', async (_, change, reason) => {
    const told = await verdict(JSON.stringify({ ...genuine, ...change }))
    expect(told).toMatch(/^NotificationRefused: /)
    expect(told).toMatch(reason)
  })

  test('no subject where there was one', async () => {
    const { Subject: _, ...others } = genuine
    expect(await verdict(JSON.stringify(others))).toMatch(/signature is not of what it says/)
  })

  test('the same signed bytes, cut into other fields', async () => {
    const { Subject, Message, MessageId, ...others } = genuine as Record<string, string>
    const cuts: Fields[] = [
      // The subject is gone, and the id is one that was never seen: a replay that looks new.
      { ...others, Message: Message!, MessageId: `${MessageId}\nSubject\n${Subject}` },
      { ...others, Message: Message!, MessageId: MessageId!, Subject: `${Subject}\r` },
    ]
    for (const cut of cuts) expect(await verdict(JSON.stringify(cut))).toMatch(/has a line break/)
    const lines = `m\nMessageId\nmine\nSubject\ns`
    await region.sdk().publish({ TopicArn: topicArn, Message: lines })
    const sent = (await region.sink().message('/genuine', 2)) as Fields
    expect(await verdict(JSON.stringify(sent))).toBe(`believed: ${lines}`)
    const shifted = {
      ...sent,
      Message: 'm',
      MessageId: `mine\nSubject\ns\nMessageId\n${sent.MessageId}`,
    }
    expect(await verdict(JSON.stringify(shifted))).toMatch(/has a line break/)
  })

  test('a confirmation that leads elsewhere, by whomever it is signed', async () => {
    const SigningCertURL = `${origin}/SimpleNotificationService-forged.pem`
    const confirmation = {
      ...genuine,
      Type: 'SubscriptionConfirmation',
      Token: 't',
      SigningCertURL,
    }
    const text = (fields: Fields) =>
      ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
        .map((name) => `${name}\n${fields[name]}\n`)
        .join('')
    const verdictOn = async (SubscribeURL: string) => {
      const fields: Fields = { ...confirmation, SubscribeURL }
      const Signature = createSign('RSA-SHA1')
        .update(text(fields))
        .sign(forger.privateKey, 'base64')
      return await verdict(JSON.stringify({ ...fields, Signature }), origin)
    }
    expect(await verdictOn(`${origin}/?Action=ConfirmSubscription`)).toBe('believed: m')
    for (const elsewhere of [
      'http://169.254.169.254/latest/meta-data/',
      `${origin.replace('//', '//user@')}/?Action=ConfirmSubscription`,
      `${origin}.evil.test/?Action=ConfirmSubscription`,
      'file:///etc/passwd',
    ]) {
      expect(await verdictOn(elsewhere)).toMatch(/it would be confirmed at/)
    }
  })

  test("the forger's signature, with the region's certificate", async () => {
    expect(await verdict(JSON.stringify(forged({ ...genuine, Message: 'x' })))).toMatch(
      /signature is not of what it says/,
    )
  })

  test("the forger's certificate, whatever its URL looks like", async () => {
    const host = new URL(origin).host
    const good = new URL(region.endpoint()).host
    const path = '/SimpleNotificationService-forged.pem'
    const urls = [
      `${origin}${path}`,
      `http://${good}@${host}${path}`,
      `http://${good}.${host}${path}`,
      `http://${host}/${good}${path}`,
      `http://${good}\\@${host}${path}`,
      `http://${good}${path}?@${host}`,
      `http://${good}/x/..${path}`,
      `http://${good}/other.pem`,
      `${region.endpoint()}/${encodeURIComponent(origin)}${path}`,
    ]
    for (const SigningCertURL of urls) {
      const fields = { ...forged({ ...genuine, Message: 'x' }), SigningCertURL }
      expect(await verdict(JSON.stringify(fields)), SigningCertURL).toMatch(/its certificate is at/)
    }
  })

  test.each([
    ['expired', 'NotificationRefused: .+ not valid now'],
    ['early', 'NotificationRefused: .+ not valid now'],
    ['none', 'NotificationRefused: .+ no certificate'],
    ['endless', 'RegionUnreachable: .+ cannot be fetched'],
    ['moved', 'RegionUnreachable: .+ cannot be fetched'],
    ['absent', 'RegionUnreachable: .+ cannot be fetched'],
  ])('a certificate that is %s, at a place that is trusted', async (name, reason) => {
    const SigningCertURL = `${origin}/SimpleNotificationService-${name}.pem`
    const fields = { ...forged(genuine), SigningCertURL }
    expect(await verdict(JSON.stringify(fields), origin)).toMatch(new RegExp(`^${reason}`))
  })

  test('a message of yesterday or tomorrow, though its signature is right', async () => {
    const SigningCertURL = `${origin}/SimpleNotificationService-forged.pem`
    for (const ms of [-86_400_000, 86_400_000]) {
      const Timestamp = new Date(Date.now() + ms).toISOString()
      const fields = { ...forged({ ...genuine, Timestamp }), SigningCertURL }
      expect(await verdict(JSON.stringify(fields), origin)).toMatch(/it was published at/)
    }
  })

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['an empty object', '{}'],
    ['too much', `"${'x'.repeat(3 * 1024 * 1024)}"`],
  ])('%s', async (_, body) => {
    expect(await verdict(body)).toMatch(/^NotificationRefused: /)
  })
})
