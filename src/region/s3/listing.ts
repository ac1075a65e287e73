import { uriEncode } from '../protocol/canonical-request.ts'
import { S3Fault } from './faults.ts'

/** Source: S3 API Reference, ListObjectsV2. */
const MAX_KEYS = 1000

/** How many entries a page has: as many as asked for, up to `max`. @throws S3Fault `InvalidArgument` */
export function pageSize(
  asked: number | undefined,
  { name = 'max-keys', min = 0, max = MAX_KEYS } = {},
): number {
  if (asked === undefined) return max
  if (Number.isInteger(asked) && asked >= min && asked <= 2 ** 31 - 1) return Math.min(asked, max)
  throw new S3Fault(
    'InvalidArgument',
    `Argument ${name} must be an integer between ${min} and 2147483647`,
    { elements: { ArgumentName: name, ArgumentValue: `${asked}` } },
  )
}

export type KeyWriter = <T extends string | undefined>(key: T) => T

/** What is the same percent-encoded. */
const UNRESERVED = /^[A-Za-z0-9._~/-]*$/

/** How keys are written: as they are, or percent-encoded for those that XML cannot hold. */
export function keyWriter(encodingType: string | undefined): KeyWriter {
  if (encodingType === undefined) return (key) => key
  if (encodingType !== 'url') {
    throw new S3Fault('InvalidArgument', 'Invalid Encoding Method specified in Request', {
      elements: { ArgumentName: 'encoding-type', ArgumentValue: encodingType },
    })
  }
  return ((key) => {
    if (!key || UNRESERVED.test(key)) return key
    return uriEncode(key).replaceAll('%2F', '/')
  }) as KeyWriter
}

export function prefixes(
  names: readonly string[],
  write: (key: string) => string,
): { Prefix: string }[] {
  return names.map((name) => ({ Prefix: write(name) }))
}

/** A place in a listing, as clients hand it back. */
export function continuationToken(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** @throws S3Fault `InvalidArgument` */
export function parseContinuationToken<T>(token: string | undefined): T | undefined {
  if (token === undefined) return undefined
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new S3Fault('InvalidArgument', 'The continuation token provided is incorrect', {
      elements: { ArgumentName: 'continuation-token' },
    })
  }
}
