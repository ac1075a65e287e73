import { ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3'
import { LifeboatError } from '../core/errors.ts'
import { compareKeys } from '../core/object-key-order.ts'

/** A version of an object, or a delete marker, as a listing tells of it. */
export interface ListedVersion {
  readonly key: string
  readonly versionId: string
  readonly isDeleteMarker: boolean
  readonly isLatest: boolean
  /** S3 on AWS tells whole seconds. */
  readonly modifiedAt: Date
  /** Empty for a delete marker. */
  readonly etag: string
  readonly sizeBytes: number
  readonly storageClass: string | undefined
}

/** Where the next page of a listing begins. */
export interface PageMarker {
  readonly KeyMarker: string
  readonly VersionIdMarker?: string
}

export interface VersionPage {
  /** In the order in which S3 tells them: by key, and newest first under each key. */
  readonly versions: readonly ListedVersion[]
  readonly next: PageMarker | undefined
}

/**
 * One page of a bucket's versions, of up to a thousand, or of fewer.
 *
 * The page is read by us and not by the SDK: it tells versions and delete markers in two lists, so that which of two
 * came first is lost where both are of the same second, and takes ten times as long.
 */
export async function fetchVersionPage(
  client: S3Client,
  o: {
    bucket: string
    prefix: string
    marker: PageMarker | undefined
    most?: number | undefined
  },
): Promise<VersionPage> {
  let text = ''
  const command = new ListObjectVersionsCommand({
    Bucket: o.bucket,
    Prefix: o.prefix,
    // XML cannot hold every key.
    EncodingType: 'url',
    MaxKeys: o.most,
    ...o.marker,
  })
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const response = result.response as { statusCode: number; body: AsyncIterable<Uint8Array> }
      if (response.statusCode === 200) {
        const chunks: Uint8Array[] = []
        for await (const chunk of response.body) chunks.push(chunk)
        text = Buffer.concat(chunks).toString('utf8')
        Object.assign(response, { body: undefined })
      }
      return result
    },
    { step: 'deserialize', priority: 'low' },
  )
  await client.send(command)
  return parseVersionPage(text)
}

/**
 * Reads a `ListVersionsResult` whose keys are URL-encoded.
 *
 * Source: S3 API Reference, ListObjectVersions. @throws LifeboatError `Unexpected` for anything else
 */
export function parseVersionPage(text: string): VersionPage {
  const root = text.indexOf('<ListVersionsResult')
  if (root < 0) throw unexpected('it is no ListVersionsResult')
  const versions: ListedVersion[] = []
  const find = (open: string, from: number) => {
    const found = text.indexOf(open, from)
    return found < 0 ? Number.POSITIVE_INFINITY : found
  }
  // Each is looked for once and kept: a page without markers is not searched for one again and again.
  let version = find('<Version>', root)
  let marker = find('<DeleteMarker>', root)
  while (version < text.length || marker < text.length) {
    const isDeleteMarker = marker < version
    const start = Math.min(version, marker)
    const end = text.indexOf(isDeleteMarker ? '</DeleteMarker>' : '</Version>', start)
    if (end < 0) throw unexpected('it ends in the middle of an entry')
    versions.push(parseEntry(text.slice(start, end), isDeleteMarker))
    if (isDeleteMarker) marker = find('<DeleteMarker>', end)
    else version = find('<Version>', end)
  }
  if (!isOrdered(versions)) versions.sort(byKeyAndAge)
  if (textOf(text, 'IsTruncated') !== 'true') return { versions, next: undefined }
  const key = textOf(text, 'NextKeyMarker')
  if (!key) throw unexpected('it does not say where the next page begins')
  const versionId = textOf(text, 'NextVersionIdMarker')
  const next = {
    KeyMarker: decodeKey(key),
    ...(versionId ? { VersionIdMarker: plain(versionId) } : {}),
  }
  return { versions, next }
}

function parseEntry(entry: string, isDeleteMarker: boolean): ListedVersion {
  const key = textOf(entry, 'Key')
  const modified = textOf(entry, 'LastModified')
  if (key === undefined || modified === undefined) throw unexpected('an entry lacks key or time')
  return {
    key: decodeKey(key),
    versionId: plain(textOf(entry, 'VersionId') ?? 'null'),
    isDeleteMarker,
    isLatest: textOf(entry, 'IsLatest') === 'true',
    modifiedAt: new Date(modified),
    etag: isDeleteMarker ? '' : plain(textOf(entry, 'ETag') ?? '').replaceAll('"', ''),
    sizeBytes: Number(textOf(entry, 'Size') ?? 0),
    storageClass: isDeleteMarker ? undefined : textOf(entry, 'StorageClass'),
  }
}

/** S3 tells all of a page in one order. Others tell the versions first and the markers behind them. */
function isOrdered(versions: readonly ListedVersion[]): boolean {
  return versions.every(({ key }, i) => i === 0 || compareKeys(versions[i - 1]!.key, key) <= 0)
}

function byKeyAndAge(a: ListedVersion, b: ListedVersion): number {
  const order = compareKeys(a.key, b.key)
  if (order !== 0) return order
  if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1
  return b.modifiedAt.getTime() - a.modifiedAt.getTime()
}

/** The text of the first element of a name that holds nothing else. */
function textOf(text: string, name: string): string | undefined {
  const open = `<${name}>`
  const start = text.indexOf(open)
  if (start < 0) return undefined
  const end = text.indexOf('<', start + open.length)
  return end < 0 ? undefined : text.slice(start + open.length, end)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&#34;': '"',
  '&apos;': "'",
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
}

function plain(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:quot|#34|apos|#39|lt|gt|amp);/g, (entity) => ENTITIES[entity]!)
}

function decodeKey(encoded: string): string {
  const isPlain = !encoded.includes('%') && !encoded.includes('+')
  return isPlain ? encoded : decodeURIComponent(encoded.replaceAll('+', ' '))
}

function unexpected(why: string): LifeboatError {
  return new LifeboatError('Unexpected', `a listing of versions cannot be read: ${why}`)
}
