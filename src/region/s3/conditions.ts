import type { ObjectVersion } from '../../objectstore/object-version.ts'
import { S3Fault } from './faults.ts'

/** The conditions of a read, from the headers of a request or, for copies, of their own. */
export interface ReadConditions {
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
  readonly ifModifiedSince?: Date | undefined
  readonly ifUnmodifiedSince?: Date | undefined
}

/**
 * Checks the conditions of a read. An ETag that matches outweighs a time that does not.
 *
 * Source: S3 API Reference, GetObject and CopyObject; RFC 9110, section 13.2.2.
 *
 * @throws S3Fault `PreconditionFailed`; `NotModified`, which a copy does not know
 */
export function checkReadConditions(
  { etag, modifiedAt }: ObjectVersion,
  conditions: ReadConditions,
  { isCopy = false } = {},
): void {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions
  const modified = Math.floor(modifiedAt.getTime() / 1000)
  const seconds = (time: Date) => Math.floor(time.getTime() / 1000)
  if (ifMatch !== undefined) {
    if (!isEtagIn(ifMatch, etag)) throw preconditionFailed('If-Match')
  } else if (ifUnmodifiedSince && modified > seconds(ifUnmodifiedSince)) {
    throw preconditionFailed('If-Unmodified-Since')
  }
  const isKnown =
    ifNoneMatch !== undefined
      ? isEtagIn(ifNoneMatch, etag)
      : ifModifiedSince !== undefined && modified <= seconds(ifModifiedSince)
  if (!isKnown) return
  if (isCopy) {
    throw preconditionFailed(ifNoneMatch !== undefined ? 'If-None-Match' : 'If-Modified-Since')
  }
  throw new S3Fault('NotModified', 'Not Modified', {
    headers: { etag: `"${etag}"`, 'last-modified': modifiedAt.toUTCString() },
  })
}

/** The condition of a write. @throws S3Fault `NotImplemented` */
export function writePrecondition(input: {
  IfMatch?: string | undefined
  IfNoneMatch?: string | undefined
}): { precondition?: { ifNoneMatch?: '*'; ifMatch?: string } } {
  const { IfMatch, IfNoneMatch } = input
  if (IfNoneMatch !== undefined && (IfNoneMatch !== '*' || IfMatch !== undefined)) {
    throw new S3Fault(
      'NotImplemented',
      'A header you provided implies functionality that is not implemented',
      { elements: { Header: 'If-None-Match' } },
    )
  }
  if (IfNoneMatch === '*') return { precondition: { ifNoneMatch: '*' } }
  return IfMatch === undefined ? {} : { precondition: { ifMatch: unquoted(IfMatch) } }
}

export function preconditionFailed(condition: string): S3Fault {
  return new S3Fault(
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    { elements: { Condition: condition } },
  )
}

/** An ETag without its quotes, which clients send or leave out. */
export function unquoted(etag: string): string {
  return etag.trim().replace(/^"(.*)"$/, '$1')
}

function isEtagIn(list: string, etag: string): boolean {
  return list.split(',').some((item) => ['*', etag].includes(unquoted(item)))
}
