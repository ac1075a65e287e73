import { describe, expect, test } from 'vitest'
import { canonicalRequest, sha256Hex, signatureOf, stringToSign } from './canonical-request.ts'

/**
 * The Signature Version 4 test suite that AWS published: secret, scope and time are the same for all.
 * Paths and parameters stand here as before any encoding, as they do in the suite.
 *
 * Source: AWS General Reference, "Signature Version 4 test suite".
 */
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const SCOPE = { date: '20150830', region: 'us-east-1', service: 'service' }
const TIME = '20150830T123600Z'

const UNRESERVED = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

interface Vector {
  readonly method?: string
  readonly path?: string
  readonly query?: readonly (readonly [string, string])[]
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly body?: string
  readonly signature: string
}

const VANILLA = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'

const VECTORS: Readonly<Record<string, Vector>> = {
  'get-header-key-duplicate': {
    headers: { 'my-header1': ['value2', 'value2', 'value1'] },
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  },
  'get-header-value-order': {
    headers: { 'my-header1': ['value4', 'value1', 'value3', 'value2'] },
    signature: '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
  },
  'get-header-value-trim': {
    headers: { 'my-header1': [' value1'], 'my-header2': [' "a   b   c"'] },
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  'get-relative': { path: '/example/..', signature: VANILLA },
  'get-relative-relative': { path: '/example1/example2/../..', signature: VANILLA },
  'get-slash': { path: '//', signature: VANILLA },
  'get-slash-dot-slash': { path: '/./', signature: VANILLA },
  'get-slash-pointless-dot': {
    path: '/./example',
    signature: 'ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5',
  },
  'get-slashes': {
    path: '//example//',
    signature: '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84',
  },
  'get-space': {
    path: '/example space/',
    signature: '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741',
  },
  'get-unreserved': {
    path: `/${UNRESERVED}`,
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  },
  'get-vanilla': { signature: VANILLA },
  'get-vanilla-empty-query-key': {
    query: [['Param1', 'value1']],
    signature: 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  },
  'get-vanilla-query-order-key': {
    query: [
      ['Param1', 'value2'],
      ['Param1', 'Value1'],
    ],
    signature: 'eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1',
  },
  'get-vanilla-query-order-key-case': {
    query: [
      ['Param2', 'value2'],
      ['Param1', 'value1'],
    ],
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  'get-vanilla-query-order-value': {
    query: [
      ['Param1', 'value2'],
      ['Param1', 'value1'],
    ],
    signature: '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
  },
  'get-vanilla-query-unreserved': {
    query: [[UNRESERVED, UNRESERVED]],
    signature: '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  },
  'get-vanilla-utf8-query': {
    query: [['ሴ', 'bar']],
    signature: '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  },
  'post-header-key-sort': {
    method: 'POST',
    headers: { 'my-header1': ['value1'] },
    signature: 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  },
  'post-header-value-case': {
    method: 'POST',
    headers: { 'my-header1': ['VALUE1'] },
    signature: 'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
  },
  'post-vanilla': {
    method: 'POST',
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  'post-vanilla-query': {
    method: 'POST',
    query: [['Param1', 'value1']],
    signature: '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  },
  'post-x-www-form-urlencoded': {
    method: 'POST',
    headers: { 'content-type': ['application/x-www-form-urlencoded'] },
    body: 'Param1=value1',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
}

describe("AWS's published signatures come out the same", () => {
  test.each(Object.entries(VECTORS))('%s', (_, vector) => {
    const { method = 'GET', path = '/', query = [], body = '', headers = {} } = vector
    const all = { ...headers, host: ['example.amazonaws.com'], 'x-amz-date': [TIME] }
    const canonical = canonicalRequest({
      method,
      path,
      query,
      headers: new Map(Object.entries(all)),
      signedHeaders: Object.keys(all).sort(),
      payloadHash: sha256Hex(body),
    })
    const signature = signatureOf(SECRET, stringToSign(canonical, TIME, SCOPE), SCOPE)
    expect(signature.toString('hex')).toBe(vector.signature)
  })
})
