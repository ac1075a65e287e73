import type {
  DeleteBucketCommandInput,
  GetBucketLocationCommandInput,
  HeadBucketCommandInput,
  ListBucketsCommandInput,
} from '../../protocol/models/s3.ts'
import { s3Model } from '../../protocol/models/s3.ts'
import { xmlElement } from '../../protocol/xml.ts'
import { S3Fault } from '../faults.ts'
import { continuationToken, pageSize, parseContinuationToken } from '../listing.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'

/** HeadBucket: whether it is there, and where, which those are told too who may not use it. Source: S3 API Reference, HeadBucket. */
export async function headBucket(s3: S3, input: HeadBucketCommandInput, request: S3Request) {
  if (!s3.mayAlso(request, 'ListBucket', { bucket: input.Bucket })) {
    const headers = { 'x-amz-bucket-region': s3.o.region }
    throw new S3Fault('AccessDenied', 'Access Denied', { headers })
  }
  return { BucketRegion: s3.o.region, AccessPointAlias: false }
}

/** ListBuckets of all regions, by name. Source: S3 API Reference, ListBuckets. */
export async function listBuckets(s3: S3, input: ListBucketsCommandInput, request: S3Request) {
  s3.authorize(request, 'ListAllMyBuckets', {})
  const { Prefix: prefix, BucketRegion: region } = input
  const after = parseContinuationToken<string>(input.ContinuationToken) ?? ''
  const limit = pageSize(input.MaxBuckets, { name: 'max-buckets', min: 1, max: 10_000 })
  const found = (await s3.directory.list()).flatMap(({ createdAtMs, ...entry }) =>
    createdAtMs === undefined ||
    entry.name <= after ||
    !entry.name.startsWith(prefix ?? '') ||
    (region ?? entry.region) !== entry.region
      ? []
      : { ...entry, createdAt: new Date(createdAtMs) },
  )
  const page = found.slice(0, limit)
  const isNew = [prefix, region, input.ContinuationToken, input.MaxBuckets].some(
    (parameter) => parameter !== undefined,
  )
  return {
    Owner: s3.owner(),
    ...(prefix === undefined ? {} : { Prefix: prefix }),
    Buckets: page.map((entry) => ({
      Name: entry.name,
      CreationDate: entry.createdAt,
      // The older form of the action, without parameters, does not tell it.
      ...(isNew ? { BucketRegion: entry.region } : {}),
    })),
    ...(found.length > page.length
      ? { ContinuationToken: continuationToken(page.at(-1)?.name) }
      : {}),
  }
}

/** DeleteBucket that is empty. Source: S3 API Reference, DeleteBucket. */
export async function deleteBucket(s3: S3, input: DeleteBucketCommandInput, request: S3Request) {
  const { name } = s3.bucket(request, 'DeleteBucket', { bucket: input.Bucket })
  await s3.directory.delete(name)
  return {}
}

/** GetBucketLocation; of `us-east-1` it is empty. Source: S3 API Reference, GetBucketLocation. */
export async function getBucketLocation(
  s3: S3,
  input: GetBucketLocationCommandInput,
  request: S3Request,
) {
  s3.bucket(request, 'GetBucketLocation', { bucket: input.Bucket })
  const region = s3.o.region === 'us-east-1' ? '' : s3.o.region
  const attributes = { xmlns: s3Model.xmlNamespace ?? '' }
  return { httpBody: xmlElement('LocationConstraint', region, attributes) }
}
