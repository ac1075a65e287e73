import { createHmac, timingSafeEqual } from 'node:crypto'
import { AuthFault } from './auth-fault.ts'
import { hmac, signingKeyOf } from './canonical-request.ts'
import { Fault } from './fault.ts'
import type { Caller } from './service.ts'
import type { SigningKey, Verifier } from './sigv4.ts'
import type { Authentication } from './verified-stream.ts'

/** Who signed a form, and how. */
export interface SignedForm {
  readonly caller: Caller
  readonly authentication: Authentication
}

/** Stands in for the secret of an unknown key, so that looking one up costs what verifying does. */
const UNKNOWN_SECRET = 'an access key that does not exist has no secret'

/**
 * Verifies the signature of a form that a browser posts, by version 4 or 2: it is of the policy, as it stands in its field.
 * Undefined when nobody signed it.
 *
 * Source: S3 API Reference, "Authenticating Requests in Browser-Based Uploads Using POST".
 *
 * @param fields  by lower-case name
 * @throws AuthFault; Fault `InvalidArgument` for a field that is missing or not well formed
 */
export function verifyForm(
  fields: ReadonlyMap<string, string>,
  verifier: Verifier,
): SignedForm | undefined {
  const isV4 = ['x-amz-signature', 'x-amz-credential', 'x-amz-algorithm'].some((name) =>
    fields.has(name),
  )
  if (isV4) return verifyV4(fields, verifier)
  const isV2 = ['policy', 'signature', 'awsaccesskeyid'].some((name) => fields.has(name))
  return isV2 ? verifyV2(fields, verifier) : undefined
}

function verifyV4(
  fields: ReadonlyMap<string, string>,
  { keys, region, now }: Verifier,
): SignedForm {
  const policy = field(fields, 'policy')
  if (field(fields, 'x-amz-algorithm') !== 'AWS4-HMAC-SHA256') {
    throw invalid('x-amz-algorithm', 'The algorithm must be AWS4-HMAC-SHA256.')
  }
  const credential = /^([^/]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/s3\/aws4_request$/.exec(
    field(fields, 'x-amz-credential'),
  )
  if (!credential) {
    throw invalid('x-amz-credential', 'The credential must be KEY/DATE/REGION/s3/aws4_request.')
  }
  const [, accessKeyId = '', date = '', signedRegion = ''] = credential
  if (signedRegion !== region) {
    throw invalid(
      'x-amz-credential',
      `The region '${signedRegion}' is wrong; expecting '${region}'`,
    )
  }
  const time = field(fields, 'x-amz-date')
  const signedAt = timeOf(time)
  if (!signedAt || !time.startsWith(date)) {
    throw invalid(
      'x-amz-date',
      'The date must be in ISO-8601 basic format, on the day of the credential.',
    )
  }
  const key = keys.get(accessKeyId, fields.get('x-amz-security-token'))
  const scope = { date, region, service: 's3' }
  const secret = key?.secretAccessKey ?? UNKNOWN_SECRET
  const expected = hmac(signingKeyOf(secret, scope), policy)
  const claimed = Buffer.from(field(fields, 'x-amz-signature'), 'hex')
  const caller = proven(key, expected, claimed, now)
  return { caller, authentication: { type: 'POST', version: 'AWS4-HMAC-SHA256', signedAt } }
}

function verifyV2(fields: ReadonlyMap<string, string>, { keys, now }: Verifier): SignedForm {
  const policy = field(fields, 'policy')
  const key = keys.get(field(fields, 'awsaccesskeyid'), fields.get('x-amz-security-token'))
  const secret = key?.secretAccessKey ?? UNKNOWN_SECRET
  const expected = createHmac('sha1', secret).update(policy).digest()
  const claimed = Buffer.from(field(fields, 'signature'), 'base64')
  const caller = proven(key, expected, claimed, now)
  return { caller, authentication: { type: 'POST', version: 'AWS' } }
}

function proven(key: SigningKey | undefined, expected: Buffer, claimed: Buffer, now: Date): Caller {
  const isSame = claimed.length === expected.length && timingSafeEqual(claimed, expected)
  if (!key) {
    throw new AuthFault('InvalidClientTokenId', 'The access key id is not known.')
  }
  if (!isSame) {
    throw new AuthFault(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    )
  }
  if (key.expiresAt && now >= key.expiresAt) {
    throw new AuthFault('ExpiredToken', 'The provided token has expired.')
  }
  return key.caller
}

function field(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name)
  if (value !== undefined && value !== '') return value
  throw invalid(
    name,
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
  )
}

function timeOf(text: string): Date | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? []
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time.getTime()) ? undefined : time
}

function invalid(name: string, message: string): Fault {
  const wireCode = 'InvalidArgument'
  return new Fault(wireCode, `${message} (${name})`, { wireCode, httpStatus: 400 })
}
