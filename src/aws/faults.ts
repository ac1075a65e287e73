import { type ErrorCode, LifeboatError } from '../core/errors.ts'

/**
 * What became of a call that did not return an answer of success.
 *
 * refused    AWS looked at it and said no; nothing has changed
 * throttled  AWS did not look at it; the same call may be sent again
 * notSent    no connection came about, so nothing can have changed
 * unknown    it was sent, and no usable answer came back: the effect must be read back (I4)
 */
export type CallFate = 'refused' | 'throttled' | 'notSent' | 'unknown'

const CREDENTIAL_CODES =
  /^(AccessDenied|AuthFailure|ExpiredToken|IncompleteSignature|InvalidClientTokenId|InvalidSignature|MissingAuthenticationToken|NotAuthorized|OptInRequired|RequestExpired|RequestTimeTooSkewed|SignatureDoesNotMatch|UnrecognizedClient|CredentialsProvider|TokenProvider)/
const NOT_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/

/** The part of an SDK exception that this module reads. */
interface SdkException {
  name?: string
  code?: string
  message?: string
  Code?: string
  Error?: { Code?: string }
  $metadata?: { httpStatusCode?: number }
  cause?: { code?: string }
  errors?: { code?: string }[]
}

export function fateOf(error: unknown): CallFate {
  const { name = '', $metadata, ...rest } = exceptionOf(error)
  const status = $metadata?.httpStatusCode
  if (/Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/.test(codeOf(error)))
    return 'throttled'
  if (status !== undefined && status >= 400 && status < 500) return 'refused'
  if (status !== undefined && status >= 200) return 'unknown'
  if (CREDENTIAL_CODES.test(name)) return 'refused'
  const systemCodes = [rest.code, rest.cause?.code, ...(rest.errors ?? []).map((one) => one.code)]
  if (systemCodes.some((code) => code !== undefined && NOT_SENT.test(code))) return 'notSent'
  return 'unknown'
}

/** AWS's own code of a refusal, as AWS documents it: `DBInstanceNotFound`. Reads through our errors. */
export function awsCodeOf(error: unknown): string | undefined {
  const exception = error instanceof LifeboatError ? error.cause : error
  return exception === undefined ? undefined : codeOf(exception)
}

/**
 * An AWS refusal as our error, with AWS's code and words in its message.
 *
 * @param what  the call in words, with the thing it is about: `restore 'shop-db' to 'shop-db-2'`
 */
export function refusal(what: string, error: unknown): LifeboatError {
  const code = codeOf(error)
  const words = exceptionOf(error).message ?? 'no reason given'
  return new LifeboatError(ourCode(code, error), `could not ${what}: ${code}: ${words}`, {
    ...hintFor(code),
    cause: error,
  })
}

/** A call for which no answer came, after everything that may be tried was tried. */
export function unreachable(what: string, region: string, error: unknown): LifeboatError {
  const exception = exceptionOf(error)
  const reason = exception.code ?? exception.errors?.[0]?.code ?? exception.name ?? 'no answer'
  return new LifeboatError(
    'RegionUnreachable',
    `could not ${what}: region '${region}' does not answer (${reason})`,
    { hint: 'Check AWS_ENDPOINT_URL and the network, then try again.', cause: error },
  )
}

function ourCode(code: string, error: unknown): ErrorCode {
  const status = exceptionOf(error).$metadata?.httpStatusCode
  if (CREDENTIAL_CODES.test(code) || status === 401) return 'CredentialsRefused'
  if (/NotFound(Fault|Exception)?$|^NoSuch/.test(code)) return 'ResourceNotFound'
  return 'CallRefused'
}

function hintFor(code: string): { hint?: string } {
  if (/^(ExpiredToken|RequestExpired|CredentialsProvider|TokenProvider)/.test(code))
    return { hint: 'Sign in to AWS again.' }
  if (/^RequestTimeTooSkewed/.test(code)) return { hint: "Set this machine's clock." }
  if (/^AccessDenied|NotAuthorized/.test(code))
    return { hint: 'Give the credentials in use the permission that is named.' }
  if (CREDENTIAL_CODES.test(code))
    return { hint: 'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.' }
  return {}
}

function codeOf(error: unknown): string {
  const { name, Code, Error: body } = exceptionOf(error)
  return body?.Code ?? Code ?? name ?? 'Unknown'
}

function exceptionOf(error: unknown): SdkException {
  return typeof error === 'object' && error !== null ? (error as SdkException) : {}
}
