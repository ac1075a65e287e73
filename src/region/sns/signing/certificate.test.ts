import { execFileSync } from 'node:child_process'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { selfSignedCertificate } from './certificate.ts'
import * as der from './der.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

function certificate(more: Partial<Parameters<typeof selfSignedCertificate>[0]> = {}) {
  return selfSignedCertificate({
    commonName: 'sns of ap-southeast-1',
    publicKey,
    privateKey,
    serial: Buffer.from('ff'.repeat(16), 'hex'),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2060-01-01T00:00:00Z'),
    ...more,
  })
}

describe('a certificate is read as it was meant', () => {
  test('by Node', () => {
    const read = new X509Certificate(certificate())
    expect(read.subject).toBe('CN=sns of ap-southeast-1')
    expect(read.issuer).toBe(read.subject)
    expect(read.serialNumber).toBe('FF'.repeat(16))
    expect([read.validFrom, read.validTo].map((text) => new Date(text).toISOString())).toEqual([
      '2026-01-01T00:00:00.000Z',
      '2060-01-01T00:00:00.000Z',
    ])
    expect(read.ca).toBe(false)
    expect(read.verify(publicKey)).toBe(true)
    expect(read.publicKey.equals(publicKey)).toBe(true)
    expect(read.checkPrivateKey(privateKey)).toBe(true)
  })

  test('and its signature is over what it says', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
    expect(new X509Certificate(certificate()).verify(other.publicKey)).toBe(false)
    const forged = certificate({ privateKey: other.privateKey })
    expect(new X509Certificate(forged).verify(publicKey)).toBe(false)
  })

  const hasOpenssl = (() => {
    try {
      execFileSync('openssl', ['version'], { stdio: 'ignore' })
      return true
    } catch (error) {
      if (error instanceof Error) return false
      throw error
    }
  })()
  test.skipIf(!hasOpenssl)(`by openssl${hasOpenssl ? '' : ' (skipped: needs openssl)'}`, () => {
    const run = (...args: string[]) =>
      execFileSync('openssl', args, { input: certificate(), encoding: 'utf8' })
    const text = run('x509', '-noout', '-text')
    expect(text).toMatch(/Version: 3/)
    expect(text).toMatch(/X509v3 Basic Constraints: critical\s+CA:FALSE/)
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/)
    expect(text).toMatch(/Signature Algorithm: sha256WithRSAEncryption/)
    const key = createPublicKey(run('x509', '-noout', '-pubkey'))
    expect(
      key.equals(
        createPublicKey(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
      ),
    ).toBe(true)
  })
})

// Known encodings. Source: ITU-T X.690, and RFC 5280 for times.
test.each([
  ['a small integer', der.integer(Buffer.of(5)), '020105'],
  ['an integer without leading zeros', der.integer(Buffer.of(0, 0, 1)), '020101'],
  ['an integer that must not be negative', der.integer(Buffer.of(0x80)), '02020080'],
  ['zero', der.integer(Buffer.of(0, 0)), '020100'],
  [
    'an object identifier with a long arc',
    der.objectIdentifier('1.2.840.113549'),
    '06062a864886f70d',
  ],
  [
    'a time up to 2049',
    der.time(new Date('2049-12-31T23:59:59Z')),
    `170d${Buffer.from('491231235959Z').toString('hex')}`,
  ],
  [
    'a time from 2050',
    der.time(new Date('2050-01-01T00:00:00Z')),
    `180f${Buffer.from('20500101000000Z').toString('hex')}`,
  ],
  ['a long value', der.octetString(Buffer.alloc(128)).subarray(0, 3), '048180'],
  ['a longer value', der.octetString(Buffer.alloc(256)).subarray(0, 4), '04820100'],
])('%s', (_, encoded, hex) => {
  expect(encoded.toString('hex')).toBe(hex)
})
