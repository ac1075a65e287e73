import { createHmac, timingSafeEqual } from 'node:crypto'
import { AuthFault } from './auth-fault.ts'
import { parseForm } from './form.ts'
import { headersByName, type RawHead, splitTarget } from './raw-request.ts'
import type { Caller } from './service.ts'
import type { Verifier } from './sigv4.ts'

/**
 * URLs presigned with Signature Version 2, which `aws s3 presign` and boto3 still make for S3 unless told otherwise.
 * Nothing else of version 2 is accepted, and of such a URL every parameter must be signed.
 *
 * Source: S3 User Guide, "Signing and authenticating REST requests" (query string authentication).
 */
export interface PresignedV2 {
  readonly caller: Caller
  /** Decoded parameters, without those of the signature. */
  readonly query: ReadonlyMap<string, string>
}

const SIGNATURE_PARAMETERS = ['AWSAccessKeyId', 'Expires', 'Signature']

/** Parameters that are part of the signature; any other one could be added by whoever has the URL. */
const SIGNED_PARAMETERS = [
  ...['partNumber', 'uploadId', 'uploads', 'versionId', 'acl', 'tagging', 'torrent'],
  ...['response-cache-control', 'response-content-disposition', 'response-content-encoding'],
  ...['response-content-language', 'response-content-type', 'response-expires'],
]

/** Source: S3 API Reference: seven days, the limit of version 4; of version 2 none is documented. */
const MAX_EXPIRES_SECONDS = 7 * 86_400

export function isPresignedV2({ target }: RawHead): boolean {
  return /[?&]AWSAccessKeyId=/.test(target)
}

/** @throws Fault `AuthFault`, `MalformedQueryString` */
export function verifyPresignedV2(raw: RawHead, { keys, now }: Verifier): PresignedV2 {
  const headers = headersByName(raw.rawHeaders)
  const { path, queryText } = splitTarget(raw.target)
  const query = parseForm(queryText)
  const [accessKeyId = '', expires = '', signature = ''] = SIGNATURE_PARAMETERS.map((name) =>
    query.get(name),
  )
  const parameters = new Map([...query].filter(([name]) => !SIGNATURE_PARAMETERS.includes(name)))
  const others = [...parameters.keys()].filter((name) => !SIGNED_PARAMETERS.includes(name))
  const unsigned = [...headers.keys()].filter((name) => name.startsWith('x-amz-'))
  if (others.length + unsigned.length > 0 || headers.has('authorization')) {
    throw new AuthFault('SignatureDoesNotMatch', 'A parameter or a header is not signed.')
  }
  checkLifetime(expires, now)

  const key = keys.get(accessKeyId)
  const text = [
    raw.method,
    headers.get('content-md5')?.[0] ?? '',
    headers.get('content-type')?.[0] ?? '',
    expires,
    resource(path, parameters),
  ].join('\n')
  const secret = key?.secretAccessKey ?? 'an access key that does not exist has no secret'
  const expected = createHmac('sha1', secret).update(text).digest()
  const claimed = Buffer.from(signature, 'base64')
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
  return { caller: key.caller, query: parameters }
}

function checkLifetime(expires: string, now: Date): void {
  const leftSeconds = Number(expires) - now.getTime() / 1000
  if (!/^\d{1,11}$/.test(expires) || leftSeconds > MAX_EXPIRES_SECONDS) {
    throw new AuthFault('IncompleteSignature', 'Expires must be a time within seven days.')
  }
  if (leftSeconds < 0) throw new AuthFault('RequestExpired', 'Request has expired')
}

/** The path as it was sent, with the signed parameters in order. */
function resource(path: string, parameters: ReadonlyMap<string, string>): string {
  const pairs = [...parameters]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
  return pairs.length > 0 ? `${path}?${pairs.join('&')}` : path
}
