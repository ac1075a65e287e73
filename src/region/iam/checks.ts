import { IamFault } from '../protocol/models/iam.ts'
import { PolicyError, type PolicyKind } from './policy/document.ts'
import { parsePolicy } from './policy/parse.ts'
import type { Tag } from './records.ts'

/** What several actions check in the same way. Source: IAM API Reference, each action; IAM User Guide, "Quotas". */

const MAX_TAGS = 50
export const MAX_ATTACHED = 10

/** Most characters of a policy, without white space. */
export const POLICY_LIMITS = { user: 2048, role: 10_240, managed: 6144, trust: 2048 } as const

export function invalid(message: string) {
  return new IamFault('ValidationException', message)
}

export function invalidInput(message: string) {
  return new IamFault('InvalidInputException', message)
}

export function limitExceeded(what: string, most: number) {
  return new IamFault('LimitExceededException', `Cannot exceed quota for ${what}: ${most}`)
}

export function checkedName(field: string, name: string | undefined, most = 64): string {
  if (name && name.length <= most && /^[\w+=,.@-]+$/.test(name)) return name
  throw invalid(
    `The specified value for ${field} is invalid. It must contain only alphanumeric characters and/or ` +
      `the following: +=,.@_- and have at most ${most} characters.`,
  )
}

export function checkedPath(path: string | undefined): string {
  if (path === undefined || path === '/') return '/'
  if (path.length <= 512 && /^\/[\x21-\x29\x2b-\x3e\x40-\x7e]+\/$/.test(path)) return path
  throw invalid('The specified value for path is invalid. It must begin and end with / .')
}

export function checkedTags(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] = [],
): Tag[] {
  const checked = tags.map(({ Key = '', Value = '' }): Tag => {
    const isKey = /^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u.test(Key)
    const isValue = /^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u.test(Value)
    if (isKey && isValue && !/^aws:/i.test(Key)) return { Key, Value }
    throw invalidInput(`The tag '${Key}' is not valid.`)
  })
  if (new Set(checked.map(({ Key }) => Key.toLowerCase())).size < checked.length) {
    throw invalidInput('Duplicate tag keys found.')
  }
  if (checked.length > MAX_TAGS) throw limitExceeded('TagsPerResource', MAX_TAGS)
  return checked
}

/** @throws IamFault `MalformedPolicyDocumentException`, `LimitExceededException` */
export function checkedPolicy(
  text: string | undefined,
  kind: PolicyKind,
  { most }: { most: number },
): string {
  const document = text ?? ''
  try {
    parsePolicy(document, kind)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    throw new IamFault('MalformedPolicyDocumentException', error.message)
  }
  if (policyLength(document) > most) throw limitExceeded('PolicySize', most)
  return document
}

/** White space does not count. */
export function policyLength(text: string): number {
  return text.replace(/\s/g, '').length
}

/** Refuses what an embedded region could only pretend to do. */
export function refuseUnsupported(claims: Readonly<Record<string, unknown>>): void {
  for (const [parameter, value] of Object.entries(claims)) {
    if (value === undefined) continue
    throw new IamFault(
      'UnsupportedOperation',
      `${parameter} is not available in an embedded region.`,
    )
  }
}

/** Policies leave IAM encoded as in a URL. Source: RFC 3986. */
export function encodedDocument(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** One page of a list, and the marker of the next. */
export function pageOf<T>(
  all: readonly T[],
  { MaxItems = 100, Marker }: { MaxItems?: number | undefined; Marker?: string | undefined },
): { items: T[]; rest: { IsTruncated: boolean; Marker?: string } } {
  if (!Number.isInteger(MaxItems) || MaxItems < 1 || MaxItems > 1000) {
    throw invalid('MaxItems must be between 1 and 1000.')
  }
  if (Marker !== undefined && !/^after-\d{1,9}$/.test(Marker)) throw invalid('Invalid Marker.')
  const start = Marker === undefined ? 0 : Number(Marker.slice('after-'.length))
  const end = start + MaxItems
  const isTruncated = end < all.length
  return {
    items: all.slice(start, end),
    rest: { IsTruncated: isTruncated, ...(isTruncated ? { Marker: `after-${end}` } : {}) },
  }
}
