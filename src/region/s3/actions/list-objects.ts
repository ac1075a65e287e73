import type {
  ListObjectsCommandInput,
  ListObjectsV2CommandInput,
} from '../../protocol/models/s3.ts'
import { listDocument, objectEntry, ownerElement } from '../list-document.ts'
import { continuationToken, keyWriter, pageSize, parseContinuationToken } from '../listing.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'

/** ListObjects, the first version. Source: S3 API Reference, ListObjects. */
export async function listObjects(s3: S3, input: ListObjectsCommandInput, request: S3Request) {
  const { write, page, limit } = await list(s3, input, request, input.Marker)
  const head = {
    Name: input.Bucket,
    Prefix: write(input.Prefix ?? ''),
    Marker: write(input.Marker ?? ''),
    ...nonEmpty({ Delimiter: write(input.Delimiter), EncodingType: input.EncodingType }),
    MaxKeys: limit,
    IsTruncated: page.isTruncated,
    // Without a delimiter the last key is the place to go on from.
    ...(page.isTruncated && input.Delimiter ? { NextMarker: write(page.next) } : {}),
  }
  const form = { write, owner: ownerElement(s3.owner()) }
  const entries = page.objects.map((version) => objectEntry(version, form)).join('')
  return listDocument('ListObjects', head, { entries, write, commonPrefixes: page.commonPrefixes })
}

/** ListObjectsV2. Source: S3 API Reference, ListObjectsV2. */
export async function listObjectsV2(s3: S3, input: ListObjectsV2CommandInput, request: S3Request) {
  const { ContinuationToken: token, StartAfter: startAfter } = input
  const after = parseContinuationToken<string>(token) ?? startAfter
  const { write, page, limit } = await list(s3, input, request, after)
  const head = {
    Name: input.Bucket,
    Prefix: write(input.Prefix ?? ''),
    ...nonEmpty({
      Delimiter: write(input.Delimiter),
      EncodingType: input.EncodingType,
      StartAfter: write(startAfter),
      ContinuationToken: token,
    }),
    MaxKeys: limit,
    KeyCount: page.objects.length + page.commonPrefixes.length,
    IsTruncated: page.isTruncated,
    ...(page.isTruncated ? { NextContinuationToken: continuationToken(page.next) } : {}),
  }
  const form = { write, owner: input.FetchOwner ? ownerElement(s3.owner()) : '' }
  const entries = page.objects.map((version) => objectEntry(version, form)).join('')
  return listDocument('ListObjectsV2', head, {
    entries,
    write,
    commonPrefixes: page.commonPrefixes,
  })
}

async function list(
  s3: S3,
  input: ListObjectsCommandInput | ListObjectsV2CommandInput,
  request: S3Request,
  after: string | undefined,
) {
  const bucket = s3.bucket(request, 'ListBucket', {
    bucket: input.Bucket,
    context: listContext(input),
  })
  const limit = pageSize(input.MaxKeys)
  const write = keyWriter(input.EncodingType)
  const { Prefix: prefix, Delimiter: delimiter } = input
  const page = await bucket.list({ ...nonEmpty({ prefix, delimiter, after }), limit })
  return { write, limit, page }
}

/** The condition keys of a list. Source: Service Authorization Reference, Amazon S3. */
export function listContext(input: {
  Prefix?: string | undefined
  Delimiter?: string | undefined
  MaxKeys?: number | undefined
}): Record<string, string> {
  const { Prefix, Delimiter, MaxKeys } = input
  return {
    's3:prefix': Prefix ?? '',
    ...(Delimiter === undefined ? {} : { 's3:delimiter': Delimiter }),
    ...(MaxKeys === undefined ? {} : { 's3:max-keys': `${MaxKeys}` }),
  }
}

/** Without the members that are undefined or empty. */
export function nonEmpty<T extends Record<string, string | undefined>>(
  value: T,
): { [Name in keyof T]?: string } {
  return Object.fromEntries(Object.entries(value).filter(([, text]) => text)) as {
    [Name in keyof T]?: string
  }
}
