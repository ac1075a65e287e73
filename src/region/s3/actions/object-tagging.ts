import type {
  DeleteObjectTaggingCommandInput,
  GetObjectTaggingCommandInput,
  PutObjectTaggingCommandInput,
} from '../../protocol/models/s3.ts'
import { requestTagContext } from '../access-context.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { checkedTags, tagSet } from '../tags.ts'
import { readableVersion, versionMembers } from '../versions.ts'

type Input = GetObjectTaggingCommandInput | DeleteObjectTaggingCommandInput

/** PutObjectTagging: in place of the tags that the version had. Source: S3 API Reference, PutObjectTagging. */
export async function putObjectTagging(
  s3: S3,
  input: PutObjectTaggingCommandInput,
  request: S3Request,
) {
  const tags = checkedTags(input.Tagging?.TagSet ?? [], 'object')
  const context = requestTagContext(tags)
  const { bucket, version } = found(s3, input, request, 'PutObject', context)
  await bucket.update(version.key, version.versionId, {
    tags,
    outbox: s3.replication.ofChange(bucket),
  })
  return versionMembers(bucket, version)
}

/** GetObjectTagging. Source: S3 API Reference, GetObjectTagging. */
export async function getObjectTagging(s3: S3, input: Input, request: S3Request) {
  const { bucket, version } = found(s3, input, request, 'GetObject')
  return { TagSet: tagSet(version.tags), ...versionMembers(bucket, version) }
}

/** DeleteObjectTagging. Source: S3 API Reference, DeleteObjectTagging. */
export async function deleteObjectTagging(s3: S3, input: Input, request: S3Request) {
  const { bucket, version } = found(s3, input, request, 'DeleteObject')
  await bucket.update(version.key, version.versionId, {
    tags: {},
    outbox: s3.replication.ofChange(bucket),
  })
  return versionMembers(bucket, version)
}

function found(
  s3: S3,
  { Bucket, Key: key = '', VersionId: versionId }: Input,
  request: S3Request,
  verb: string,
  context: ReturnType<typeof requestTagContext> = {},
) {
  const action = `${verb}${versionId === undefined ? '' : 'Version'}Tagging`
  const bucket = s3.bucket(request, action, { bucket: Bucket, key, versionId, context })
  return { bucket, version: readableVersion(s3, request, { bucket, key, versionId }) }
}
