import type {
  DeleteBucketCommandInput,
  GetBucketLocationCommandInput,
  HeadBucketCommandInput,
  ListBucketsCommandInput,
} from '../../protocol/models/s3.ts'
import { s3Model } from '../../protocol/models/s3.ts'
import { xmlElement } from '../../protocol/xml.ts'
import { continuationToken, pageSize, parseContinuationToken } from '../listing.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'

/** HeadBucket: whether it is there, and where. Source: S3 API Reference, HeadBucket. */
export async function headBucket(s3: S3, input: HeadBucketCommandInput, request: S3Request) {
  s3.bucket(request, 'ListBucket', { bucket: input.Bucket })
  return { BucketRegion: s3.o.region, AccessPointAlias: false }
}

/** ListBuckets, by name. Source: S3 API Reference, ListBuckets. */
export async function listBuckets(s3: S3, input: ListBucketsCommandInput, request: S3Request) {
  s3.authorize(request, 'ListAllMyBuckets', {})
  const after = parseContinuationToken<string>(input.ContinuationToken) ?? ''
  const limit = pageSize(input.MaxBuckets, { name: 'max-buckets', min: 1, max: 10_000 })
  const isHere = input.BucketRegion === undefined || input.BucketRegion === s3.o.region
  const found = s3.store
    .listBuckets()
    .filter(({ name }) => isHere && name > after && name.startsWith(input.Prefix ?? ''))
  const page = found.slice(0, limit)
  return {
    Owner: s3.owner(),
    ...(input.Prefix === undefined ? {} : { Prefix: input.Prefix }),
    Buckets: page.map(({ name, createdAt }) => ({
      Name: name,
      CreationDate: createdAt,
      BucketRegion: s3.o.region,
    })),
    ...(found.length > page.length
      ? { ContinuationToken: continuationToken(page.at(-1)?.name) }
      : {}),
  }
}

/** DeleteBucket that is empty. Source: S3 API Reference, DeleteBucket. */
export async function deleteBucket(s3: S3, input: DeleteBucketCommandInput, request: S3Request) {
  const { name } = s3.bucket(request, 'DeleteBucket', { bucket: input.Bucket })
  await s3.store.deleteBucket(name)
  await s3.directory.release(name)
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
