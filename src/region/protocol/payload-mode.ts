import { Fault } from './fault.ts'

/** How the body of a streamed request is protected, as its `x-amz-content-sha256` says. */
export type PayloadMode =
  | { readonly kind: 'hashed'; readonly sha256: string }
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'chunked'; readonly isSigned: boolean; readonly hasTrailer: boolean }

const CHUNKED: Readonly<Record<string, PayloadMode>> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { kind: 'chunked', isSigned: true, hasTrailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': {
    kind: 'chunked',
    isSigned: true,
    hasTrailer: true,
  },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { kind: 'chunked', isSigned: false, hasTrailer: true },
}

/**
 * Reads the payload mode.
 *
 * Source: S3 API Reference, "Authenticating Requests: Using the Authorization Header".
 *
 * @param text  undefined when neither the headers nor a presigned URL have one
 * @throws Fault `InvalidRequest`, `InvalidArgument`
 */
export function parsePayloadMode(text: string | undefined, isPresigned: boolean): PayloadMode {
  if (text === undefined) {
    if (isPresigned) return { kind: 'unsigned' }
    throw bodyFault(
      'InvalidRequest',
      'Missing required header for this request: x-amz-content-sha256',
    )
  }
  if (text === 'UNSIGNED-PAYLOAD') return { kind: 'unsigned' }
  if (/^[0-9a-f]{64}$/.test(text)) return { kind: 'hashed', sha256: text }
  const mode = Object.hasOwn(CHUNKED, text) ? CHUNKED[text] : undefined
  if (mode && !isPresigned) return mode
  throw bodyFault(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, ' +
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
  )
}

/** Refusals of a body. Source: S3 API Reference, "Error responses". */
const BODY_FAULTS = {
  IncompleteBody: 400,
  InvalidArgument: 400,
  InvalidChunkSizeError: 403,
  InvalidRequest: 400,
  MalformedTrailerError: 400,
  MissingContentLength: 411,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
} as const

export function bodyFault(wireCode: keyof typeof BODY_FAULTS, message: string): Fault {
  return new Fault(wireCode, message, { wireCode, httpStatus: BODY_FAULTS[wireCode] })
}
