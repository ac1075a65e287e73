import { createSign, type KeyObject } from 'node:crypto'
import * as der from './der.ts'

/** Source: RFC 8017, RFC 5280, ITU-T X.520. */
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11'
const COMMON_NAME = '2.5.4.3'
const KEY_USAGE = '2.5.29.15'
const BASIC_CONSTRAINTS = '2.5.29.19'
/** The first bit of a key usage, of a byte of which seven do not count. */
const DIGITAL_SIGNATURE = der.bitString(Buffer.of(0x80), 7)
const VERSION_3 = Buffer.of(2)

/**
 * A certificate that signs itself, in PEM: that an RSA key belongs to a name, and is for signatures only.
 *
 * Source: RFC 5280, "Certificate and Certificate Extensions Profile".
 *
 * @param o.serial  16 bytes, random
 */
export function selfSignedCertificate(o: {
  commonName: string
  publicKey: KeyObject
  privateKey: KeyObject
  serial: Buffer
  notBefore: Date
  notAfter: Date
}): string {
  const algorithm = der.sequence(der.objectIdentifier(SHA256_WITH_RSA), der.nothing())
  const name = der.sequence(
    der.set(der.sequence(der.objectIdentifier(COMMON_NAME), der.utf8String(o.commonName))),
  )
  const certificate = der.sequence(
    der.tagged(0, der.integer(VERSION_3)),
    der.integer(o.serial),
    algorithm,
    name,
    der.sequence(der.time(o.notBefore), der.time(o.notAfter)),
    name,
    o.publicKey.export({ type: 'spki', format: 'der' }),
    der.tagged(
      3,
      der.sequence(
        // No authority: what it signs are no certificates.
        extension(BASIC_CONSTRAINTS, der.sequence()),
        extension(KEY_USAGE, DIGITAL_SIGNATURE),
      ),
    ),
  )
  const signature = createSign('RSA-SHA256').update(certificate).sign(o.privateKey)
  return pem(der.sequence(certificate, algorithm, der.bitString(signature)))
}

/** A critical one: who does not understand it must not trust the certificate. */
function extension(id: string, content: Buffer): Buffer {
  return der.sequence(der.objectIdentifier(id), der.boolean(true), der.octetString(content))
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
