import type { ObjectVersion } from '../../objectstore/object-version.ts'
import { Fault } from '../protocol/fault.ts'
import { parseForm } from '../protocol/form.ts'
import type { S3Request } from './s3-request.ts'

type Context = Record<string, string | readonly string[]>

/** Headers that are condition keys by their own name. Source: Service Authorization Reference, Amazon S3. */
const HEADER_KEYS = [
  'x-amz-acl',
  'x-amz-content-sha256',
  'x-amz-copy-source',
  'x-amz-grant-full-control',
  'x-amz-grant-read',
  'x-amz-grant-read-acp',
  'x-amz-grant-write',
  'x-amz-grant-write-acp',
  'x-amz-metadata-directive',
  'x-amz-object-ownership',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
  'if-match',
  'if-none-match',
]

/** Headers whose condition keys are called otherwise. */
const OTHER_KEYS: readonly (readonly [header: string, key: string])[] = [
  ['x-amz-object-lock-mode', 's3:object-lock-mode'],
  ['x-amz-object-lock-retain-until-date', 's3:object-lock-retain-until-date'],
  ['x-amz-object-lock-legal-hold', 's3:object-lock-legal-hold'],
  ['user-agent', 'aws:UserAgent'],
  ['referer', 'aws:Referer'],
]

const DAY_MS = 86_400_000

/** The condition keys that a request's own headers and signature make. */
export function requestContext(
  { headers, authentication }: Pick<S3Request, 'headers' | 'authentication'>,
  now: Date,
): Context {
  const context: Context = {}
  for (const name of HEADER_KEYS) {
    const value = headers.get(name)
    if (value !== undefined) context[`s3:${name}`] = value
  }
  for (const [name, key] of OTHER_KEYS) {
    const value = headers.get(name)
    if (value !== undefined) context[key] = value
  }
  const until = new Date(headers.get('x-amz-object-lock-retain-until-date') ?? Number.NaN)
  if (!Number.isNaN(until.getTime())) {
    const days = Math.ceil((until.getTime() - now.getTime()) / DAY_MS)
    context['s3:object-lock-remaining-retention-days'] = `${days}`
  }
  const tags = tagsIn(headers.get('x-amz-tagging'))
  if (authentication) {
    context['s3:authType'] = authentication.type
    context['s3:signatureversion'] = authentication.version
    const { signedAt } = authentication
    if (signedAt) {
      context['s3:signatureAge'] = `${Math.max(0, now.getTime() - signedAt.getTime())}`
    }
  }
  return { ...context, ...requestTagContext(tags) }
}

/** The condition keys that the tags of a request make. */
export function requestTagContext(tags: Readonly<Record<string, string>>): Context {
  const keys = Object.keys(tags)
  const values = Object.entries(tags).map(([key, value]) => [`s3:RequestObjectTag/${key}`, value])
  return {
    ...Object.fromEntries(values),
    ...(keys.length > 0 ? { 's3:RequestObjectTagKeys': keys } : {}),
  }
}

/** The condition keys that the tags of an object make, for the actions that know them. */
export function existingTagContext(action: string, version: ObjectVersion | undefined): Context {
  if (!version || !KNOWS_EXISTING_TAGS.test(action)) return {}
  const tags = Object.entries(version.tags)
  return Object.fromEntries(tags.map(([key, value]) => [`s3:ExistingObjectTag/${key}`, value]))
}

const KNOWS_EXISTING_TAGS =
  /^GetObject(Version)?(Attributes)?$|^(Get|Put|Delete)Object(Version)?(Acl|Tagging)$/

/** What is no list of tags makes no condition keys; the action refuses it. */
function tagsIn(header: string | undefined): Record<string, string> {
  if (header === undefined) return {}
  try {
    return Object.fromEntries(parseForm(header))
  } catch (error) {
    if (error instanceof Fault) return {}
    throw error
  }
}
