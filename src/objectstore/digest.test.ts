import { expect, test } from 'vitest'
import { type DigestName, newDigest } from './digest.ts'

/** Source: the check values of the CRC catalogue, RFC 1321 and FIPS 180 for "123456789". */
const CHECKS: [DigestName, string][] = [
  ['md5', '25f9e794323b453885f5181f1b624d0b'],
  ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ['sha256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ['crc32', 'cbf43926'],
  ['crc32c', 'e3069283'],
  ['crc64nvme', 'ae8b14860a799888'],
]

test.each(CHECKS)('%s is the published one, however the bytes are cut', (name, expected) => {
  const bytes = Buffer.from('123456789')
  for (let cut = 0; cut <= bytes.length; cut++) {
    const digest = newDigest(name)
    digest.update(bytes.subarray(0, cut))
    digest.update(bytes.subarray(cut))
    expect(digest.digest().toString('hex')).toBe(expected)
  }
})

test.each(CHECKS.map(([name]) => name))(
  '%s of long bytes is that of their single bytes',
  (name) => {
    const bytes = Buffer.from(Array.from({ length: 1003 }, (_, at) => (at * at) >> 3))
    const [whole, single] = [newDigest(name), newDigest(name)]
    whole.update(bytes)
    for (let at = 0; at < bytes.length; at++) single.update(bytes.subarray(at, at + 1))
    expect(whole.digest()).toEqual(single.digest())
  },
)
