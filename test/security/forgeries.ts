import { sha256Hex } from '../../src/region/protocol/canonical-request.ts'
import {
  type Draft,
  mapHeader,
  mapQuery,
  presigned,
  type Signing,
  signed,
  withHeader,
  withoutHeader,
  withoutQuery,
  withQuery,
} from './drafts.ts'

/** A source of choices that is its seed (mulberry32). */
export class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }
}

/** Makes one forged request: from a draft that would be accepted if it were signed as `signing` says. */
export type Forgery = (draft: Draft, signing: Signing, choices: Choices) => Draft

const MINUTE_MS = 60_000

/** A time in the basic form of ISO 8601, `YYYYMMDDTHHMMSSZ`. */
export function basicTime(time: Date): string {
  return time.toISOString().replace(/[-:]|\.\d+/g, '')
}

function at(signing: Signing, time: Date): Signing {
  const text = basicTime(time)
  return { ...signing, time: text, scope: { ...signing.scope, date: text.slice(0, 8) } }
}

function later(signing: Signing, ms: number): Signing {
  const text = signing.time.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:')
  return at(signing, new Date(new Date(text).getTime() + ms))
}

const flipHex = (choices: Choices) => (text: string) => {
  const at = text.length - 64 + choices.below(64)
  const digit = (Number.parseInt(text[at]!, 16) ^ (1 << choices.below(4))).toString(16)
  return text.slice(0, at) + digit + text.slice(at + 1)
}

const authorization =
  (change: (value: string, choices: Choices) => string): Forgery =>
  (draft, signing, choices) =>
    mapHeader(signed(draft, signing), 'Authorization', (value) => change(value, choices))

const scoped =
  (change: Partial<Signing['scope']>): Forgery =>
  (draft, signing) =>
    signed(draft, { ...signing, scope: { ...signing.scope, ...change } })

const flipByte = (body: Draft['body'], choices: Choices) => {
  const bytes = Buffer.from(body)
  bytes[choices.below(bytes.length)]! ^= 1 << choices.below(7)
  return bytes
}

/** Signed in the header, and wrong in one point. */
export const HEADER_FORGERIES: Readonly<Record<string, Forgery>> = {
  'one bit of the signature': authorization((value, choices) => flipHex(choices)(value)),
  'a signature cut short': authorization((value, choices) =>
    value.slice(0, -1 - choices.below(63)),
  ),
  'a signature with more': authorization((value) => `${value}00`),
  'a signature in capitals': authorization((value) =>
    value.replace(/Signature=(.*)$/, (_, hex: string) => `Signature=${hex.toUpperCase()}`),
  ),
  'no signature': authorization((value) => value.replace(/, Signature=.*/, '')),
  'an empty signature': authorization((value) => value.replace(/Signature=.*/, 'Signature=')),
  'two signatures': authorization((value) => `${value}, Signature=${'0'.repeat(64)}`),
  'no credential': authorization((value) => value.replace(/Credential=[^,]*, /, '')),
  'no signed headers': authorization((value) => value.replace(/SignedHeaders=[^,]*, /, '')),
  'another terminator': authorization((value) => value.replace('/aws4_request', '/aws5_request')),
  'another algorithm in name': authorization((value, choices) =>
    value.replace(
      'AWS4-HMAC-SHA256',
      choices.of(['AWS4-HMAC-SHA1', 'AWS4-ECDSA-P256-SHA256', 'none']),
    ),
  ),
  'another scheme': authorization((_, choices) =>
    choices.of(['Bearer x', 'Basic YTpi', 'AWS AKIA:x', 'AWS3 x', '', ' ', 'AWS4-HMAC-SHA256']),
  ),
  'another secret': (draft, signing, choices) =>
    signed(draft, { ...signing, secretAccessKey: `${signing.secretAccessKey}${choices.below(9)}` }),
  'an empty secret': (draft, signing) => signed(draft, { ...signing, secretAccessKey: '' }),
  'an unknown key': (draft, signing, choices) =>
    signed(draft, { ...signing, accessKeyId: `AKIA${choices.below(1e9)}` }),
  'a key of the prototype': (draft, signing, choices) =>
    signed(draft, {
      ...signing,
      accessKeyId: choices.of(['__proto__', 'constructor', 'toString']),
    }),
  'another region': scoped({ region: 'us-west-2' }),
  'no such region': scoped({ region: '*' }),
  'a service that is not there': scoped({ service: 'sqs' }),
  'the date of another day': (draft, signing) =>
    signed(draft, { ...signing, scope: { ...signing.scope, date: '20200101' } }),
  'a request of a while ago': (draft, signing, choices) =>
    signed(draft, later(signing, -(16 + choices.below(1e6)) * MINUTE_MS)),
  'a request from the future': (draft, signing, choices) =>
    signed(draft, later(signing, (16 + choices.below(1e6)) * MINUTE_MS)),
  'a time of no form': (draft, signing, choices) =>
    signed(draft, {
      ...signing,
      time: choices.of([
        '',
        'now',
        '20241301T000000Z',
        signing.time.slice(0, -1),
        `${signing.time} `,
      ]),
    }),
  'a time put forward after signing': (draft, signing) =>
    mapHeader(signed(draft, signing), 'X-Amz-Date', () => later(signing, MINUTE_MS).time),
  'no time': (draft, signing) => withoutHeader(signed(draft, signing), 'X-Amz-Date'),
  'host not signed': (draft, signing) =>
    signed(draft, {
      ...signing,
      signedHeaders: signedNames(draft).filter((name) => name !== 'host'),
    }),
  'another host': (draft, signing) =>
    mapHeader(signed(draft, signing), 'Host', () => 'evil.example'),
  'no host': (draft, signing) => withoutHeader(signed(draft, signing), 'Host'),
  'signed headers out of order': (draft, signing) =>
    signed(draft, { ...signing, signedHeaders: signedNames(draft).reverse() }),
  'signed headers in capitals': (draft, signing) =>
    signed(draft, {
      ...signing,
      signedHeaders: signedNames(draft).map((name) => name.toUpperCase()),
    }),
  'a signed header twice in the list': (draft, signing) =>
    signed(draft, { ...signing, signedHeaders: ['host', ...signedNames(draft)] }),
  'a signed header that is not there': (draft, signing) =>
    signed(draft, { ...signing, signedHeaders: [...signedNames(draft), 'x-amz-zzz'].sort() }),
  'an x-amz header that is not signed': (draft, signing, choices) =>
    withHeader(
      signed(draft, signing),
      choices.of(['X-Amz-Target', 'x-amz-acl', 'X-AMZ-Meta-A', 'x-amz-user-agent']),
      'secretsmanager.ListSecrets',
    ),
  'the time not signed': (draft, signing) =>
    signed(draft, {
      ...signing,
      signedHeaders: signedNames(draft).filter((name) => name !== 'x-amz-date'),
    }),
  'the header Authorization twice': (draft, signing) =>
    withHeader(signed(draft, signing), 'Authorization', 'AWS4-HMAC-SHA256 x'),
  'the same Authorization twice': (draft, signing) => {
    const request = signed(draft, signing)
    return withHeader(request, 'authorization', request.headers.at(-1)![1])
  },
  'the header X-Amz-Date twice': (draft, signing) =>
    withHeader(signed(draft, signing), 'x-amz-date', signing.time),
  'the header Host twice': (draft, signing) => withHeader(signed(draft, signing), 'host', 'evil'),
  'two hosts, both signed': (draft, signing) => signed(withHeader(draft, 'host', 'evil'), signing),
  'a signed content type twice': (draft, signing) =>
    signed(withHeader(draft, 'content-type', 'application/x-amz-json-1.1'), signing),
  'a signed header twice': (draft, signing) =>
    signed(withHeader(withHeader(draft, 'x-extra', 'a'), 'X-Extra', 'b'), signing),
  'one byte of the body': (draft, signing, choices) => {
    const request = signed(draft, signing)
    return { ...request, body: flipByte(request.body, choices) }
  },
  'more body': (draft, signing) => {
    const request = signed(draft, signing)
    return { ...request, body: `${request.body}&x=1` }
  },
  'less body': (draft, signing) => {
    const request = signed(draft, signing)
    return { ...request, body: Buffer.from(request.body).subarray(0, -1) }
  },
  'a hash of another body': (draft, signing) =>
    signed(withHeader(draft, 'X-Amz-Content-Sha256', sha256Hex('other')), signing),
  'another hash, signed as if true': (draft, signing) =>
    signed(withHeader(draft, 'X-Amz-Content-Sha256', sha256Hex('other')), {
      ...signing,
      payloadHash: sha256Hex('other'),
    }),
  'a payload that claims not to be signed': (draft, signing, choices) => {
    const payloadHash = choices.of([
      'UNSIGNED-PAYLOAD',
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD',
      '',
    ])
    return signed(withHeader(draft, 'X-Amz-Content-Sha256', payloadHash), {
      ...signing,
      payloadHash,
    })
  },
  'another body under an unsigned payload': (draft, signing) => {
    const payloadHash = 'UNSIGNED-PAYLOAD'
    const request = signed(draft, { ...signing, payloadHash })
    return withHeader({ ...request, body: `${request.body} ` }, 'x-amz-content-sha256', payloadHash)
  },
  'another method': (draft, signing, choices) => ({
    ...signed(draft, signing),
    method: choices.of(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'post']),
  }),
  'another method, signed': (draft, signing, choices) =>
    signed({ ...draft, method: choices.of(['PUT', 'DELETE', 'PATCH', 'OPTIONS']) }, signing),
  'another path': (draft, signing, choices) => ({
    ...signed(draft, signing),
    path: choices.of(['/x', '/%2e', '/..;/', '/secret']),
  }),
  'a path that only looks the same': (draft, signing, choices) => ({
    ...signed(draft, signing),
    path: choices.of(['//', '/./', '/a/..', '/../']),
  }),
  'a parameter added to the URL': (draft, signing) =>
    withQuery(signed(draft, signing), 'Action', 'GetCallerIdentity'),
  'a parameter of the URL, signed': (draft, signing) =>
    signed(withQuery(draft, 'Version', '2011-06-15'), signing),
  'a session token': (draft, signing) =>
    signed(withHeader(draft, 'X-Amz-Security-Token', 'made-up'), signing),
  'a session token that is not signed': (draft, signing) =>
    withHeader(signed(draft, signing), 'X-Amz-Security-Token', 'made-up'),
  'the header and the URL at once': (draft, signing) => {
    const request = presigned(draft, signing, '60')
    return signed(request, signing)
  },
  'a parameter of presigning beside the header': (draft, signing, choices) =>
    signed(
      withQuery(
        draft,
        choices.of(['X-Amz-Expires', 'X-Amz-Signature', 'x-amz-date', 'X-AMZ-Z']),
        '1',
      ),
      signing,
    ),
  'no signature at all': (draft) => draft,
}

/** Signed in the URL, and wrong in one point. */
export const PRESIGNED_FORGERIES: Readonly<Record<string, Forgery>> = {
  'one bit of the signature': (draft, signing, choices) =>
    mapQuery(presigned(draft, signing, '60'), 'X-Amz-Signature', flipHex(choices)),
  'a lifetime of no length': (draft, signing, choices) =>
    presigned(
      draft,
      signing,
      choices.of(['0', '-1', '604801', '1e3', 'abc', '', '60.5', ' 60', '0x10']),
    ),
  'no lifetime': (draft, signing) => withoutQuery(presigned(draft, signing, '60'), 'X-Amz-Expires'),
  'a longer lifetime': (draft, signing) =>
    mapQuery(presigned(draft, signing, '60'), 'X-Amz-Expires', () => '3600'),
  'past its lifetime': (draft, signing, choices) =>
    presigned(draft, later(signing, -(2 + choices.below(1e4)) * MINUTE_MS), '60'),
  'from the future': (draft, signing) => presigned(draft, later(signing, 20 * MINUTE_MS), '604800'),
  'a time put forward': (draft, signing) =>
    mapQuery(
      presigned(draft, later(signing, -5 * MINUTE_MS), '60'),
      'X-Amz-Date',
      () => signing.time,
    ),
  'another region': (draft, signing) =>
    presigned(draft, { ...signing, scope: { ...signing.scope, region: 'us-west-2' } }, '60'),
  'another service': (draft, signing) =>
    presigned(draft, { ...signing, scope: { ...signing.scope, service: 'rds' } }, '60'),
  'another secret': (draft, signing) =>
    presigned(draft, { ...signing, secretAccessKey: 'guess' }, '60'),
  'an unknown key': (draft, signing) =>
    presigned(draft, { ...signing, accessKeyId: 'AKIA0' }, '60'),
  'another algorithm': (draft, signing) =>
    presigned(draft, { ...signing, algorithm: 'AWS4-HMAC-SHA1' }, '60'),
  'host not signed': (draft, signing) =>
    presigned(draft, { ...signing, signedHeaders: ['content-type'] }, '60'),
  'no header signed': (draft, signing) =>
    mapQuery(presigned(draft, signing, '60'), 'X-Amz-SignedHeaders', () => ''),
  'another action': (draft, signing) =>
    mapQuery(presigned(draft, signing, '60'), 'Action', () => 'GetSessionToken'),
  'a parameter more': (draft, signing) => withQuery(presigned(draft, signing, '60'), 'Extra', '1'),
  'a parameter twice': (draft, signing, choices) => {
    const request = presigned(draft, signing, '60')
    return withQuery(request, ...choices.of(request.query))
  },
  'a body': (draft, signing) => ({ ...presigned(draft, signing, '60'), body: 'Action=x' }),
  'a body, signed': (draft, signing) => presigned({ ...draft, body: 'Action=x' }, signing, '60'),
  'a session token': (draft, signing) =>
    presigned(withQuery(draft, 'X-Amz-Security-Token', 'made-up'), signing, '60'),
  'an x-amz header that is not signed': (draft, signing) =>
    withHeader(presigned(draft, signing, '60'), 'X-Amz-Date', signing.time),
  'another method': (draft, signing) => ({ ...presigned(draft, signing, '60'), method: 'DELETE' }),
  'another host': (draft, signing) =>
    mapHeader(presigned(draft, signing, '60'), 'Host', () => 'evil.example'),
  'names in other case': (draft, signing) => {
    const request = presigned(draft, signing, '60')
    const query = request.query.map(([name, value]): [string, string] => [
      name.toLowerCase(),
      value,
    ])
    return { ...request, query }
  },
}

function signedNames(draft: Draft): string[] {
  return [...new Set([...draft.headers.map(([name]) => name.toLowerCase()), 'x-amz-date'])].sort()
}
