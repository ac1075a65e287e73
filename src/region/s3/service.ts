import { assert } from '../../core/assert.ts'
import type { Operation } from '../protocol/model.ts'
import { s3Model } from '../protocol/models/s3.ts'
import { bindingsOf } from '../protocol/rest/bindings.ts'
import { readRestInput } from '../protocol/rest-xml/read-input.ts'
import { writeRestOutput } from '../protocol/rest-xml/write-output.ts'
import type { StreamReply, StreamService } from '../protocol/stream-service.ts'
import type { VerifiedStream } from '../protocol/verified-stream.ts'
import { abortMultipartUpload } from './actions/abort-multipart-upload.ts'
import { getBucketAcl, putBucketAcl } from './actions/bucket-acl.ts'
import { bucketSettingActions } from './actions/bucket-settings.ts'
import { getBucketVersioning, putBucketVersioning } from './actions/bucket-versioning.ts'
import { deleteBucket, getBucketLocation, headBucket, listBuckets } from './actions/buckets.ts'
import { completeMultipartUpload } from './actions/complete-multipart-upload.ts'
import { copyObject } from './actions/copy-object.ts'
import { createBucket } from './actions/create-bucket.ts'
import { createMultipartUpload } from './actions/create-multipart-upload.ts'
import { deleteObject } from './actions/delete-object.ts'
import { deleteObjects } from './actions/delete-objects.ts'
import { getBucketPolicyStatus } from './actions/get-bucket-policy-status.ts'
import { getObject, headObject } from './actions/get-object.ts'
import { getObjectAttributes } from './actions/get-object-attributes.ts'
import { listMultipartUploads } from './actions/list-multipart-uploads.ts'
import { listObjectVersions } from './actions/list-object-versions.ts'
import { listObjects, listObjectsV2 } from './actions/list-objects.ts'
import { listParts } from './actions/list-parts.ts'
import { getObjectAcl, putObjectAcl } from './actions/object-acl.ts'
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from './actions/object-retention.ts'
import {
  deleteObjectTagging,
  getObjectTagging,
  putObjectTagging,
} from './actions/object-tagging.ts'
import { postObject } from './actions/post-object.ts'
import { putObject } from './actions/put-object.ts'
import { uploadPart } from './actions/upload-part.ts'
import { uploadPartCopy } from './actions/upload-part-copy.ts'
import { type Address, addressOf } from './address.ts'
import { verifyWholeBody } from './checksums.ts'
import { corsHeaders, corsOfRefusal, preflight } from './cors.ts'
import { S3Fault } from './faults.ts'
import { commonHeaders, refusal } from './refusal.ts'
import { REPLICA_HEADER } from './replication/manifest.ts'
import { receiveReplica } from './replication/receive-replica.ts'
import { routeOf } from './route.ts'
import type { S3 } from './s3.ts'
import type { S3Extra, S3Request } from './s3-request.ts'
import { asStoreFault } from './store-faults.ts'

/** Takes an input decoded by the model; what it returns is encoded by the model. */
export type Action = (s3: S3, input: never, request: S3Request) => Promise<object>

const ACTIONS: Readonly<Record<string, Action>> = {
  ...bucketSettingActions,
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateBucket: createBucket,
  CreateMultipartUpload: createMultipartUpload,
  DeleteBucket: deleteBucket,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  DeleteObjectTagging: deleteObjectTagging,
  GetBucketAcl: getBucketAcl,
  GetBucketLocation: getBucketLocation,
  GetBucketPolicyStatus: getBucketPolicyStatus,
  GetBucketVersioning: getBucketVersioning,
  GetObject: getObject,
  GetObjectAcl: getObjectAcl,
  GetObjectAttributes: getObjectAttributes,
  GetObjectLegalHold: getObjectLegalHold,
  GetObjectRetention: getObjectRetention,
  GetObjectTagging: getObjectTagging,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBuckets: listBuckets,
  ListMultipartUploads: listMultipartUploads,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListParts: listParts,
  PutBucketAcl: putBucketAcl,
  PutBucketVersioning: putBucketVersioning,
  PutObject: putObject,
  PutObjectAcl: putObjectAcl,
  PutObjectLegalHold: putObjectLegalHold,
  PutObjectRetention: putObjectRetention,
  PutObjectTagging: putObjectTagging,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
}

/** Largest body that is no object's content: 1000 keys to delete, 10 000 parts to complete. In bytes. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024

/** Amazon S3: general purpose buckets, without events and inventory. */
export function s3Service(s3: S3): StreamService {
  for (const name of Object.keys(ACTIONS)) assert(s3Model.operationByName.has(name), name)
  return {
    name: s3Model.name,
    isOpen: true,
    answer: (request, requestId) => answerWithCors(s3, request, requestId),
    refuse: (fault, head, requestId) => {
      const reply = refusal(fault, head, requestId)
      return { ...reply, headers: { ...reply.headers, ...corsOfRefusal(s3.store, head) } }
    },
  }
}

async function answerWithCors(s3: S3, request: VerifiedStream, requestId: string) {
  const { method, headers, path } = request
  const reply = await answer(s3, request, requestId)
  if (method === 'OPTIONS' || !headers.has('origin')) return reply
  const { bucket } = addressOf(headers.get('host') ?? '', path)
  const cors = corsHeaders(s3.store.findBucket(bucket ?? ''), headers, method)
  return { ...reply, headers: { ...reply.headers, ...cors } }
}

async function answer(s3: S3, request: VerifiedStream, requestId: string): Promise<StreamReply> {
  const { method, query, headers } = request
  const address = addressOf(headers.get('host') ?? '', request.path)
  if (method === 'OPTIONS') {
    return preflight(s3.store.findBucket(address.bucket ?? ''), headers, requestId)
  }
  if (headers.has(REPLICA_HEADER)) return await replica(s3, address, request, requestId)
  if (isForm(method, address, query)) {
    return await postedForm(s3, address.bucket ?? '', request, requestId)
  }
  const operation = routeOf({ method, address, query, headers })
  const run = Object.hasOwn(ACTIONS, operation.name) ? ACTIONS[operation.name] : undefined
  if (!run) {
    throw new S3Fault('NotImplemented', `${operation.name} is not available in an embedded region.`)
  }
  const body = readsStream(operation) ? undefined : await document(operation, request)
  const labels = {
    ...(address.bucket === undefined ? {} : { Bucket: address.bucket }),
    ...(address.key === undefined ? {} : { Key: address.key }),
  }
  const input = readRestInput(operation, { labels, query, headers, body })
  try {
    const result = await run(s3, input as never, request)
    if (method !== 'GET' && method !== 'HEAD') s3.replication.wake()
    return reply(operation, result, requestId)
  } catch (error) {
    throw asStoreFault(error)
  }
}

/** A browser's form goes to the bucket itself. */
function isForm(method: string, { bucket, key }: Address, query: ReadonlyMap<string, string>) {
  return method === 'POST' && bucket !== undefined && key === undefined && query.size === 0
}

async function postedForm(s3: S3, bucket: string, request: VerifiedStream, requestId: string) {
  try {
    const posted = await postObject(s3, bucket, request, requestId)
    s3.replication.wake()
    return posted
  } catch (error) {
    throw asStoreFault(error)
  }
}

async function replica(s3: S3, address: Address, request: VerifiedStream, requestId: string) {
  try {
    return await receiveReplica(s3, address, request, requestId)
  } catch (error) {
    throw asStoreFault(error)
  }
}

function reply(operation: Operation, result: S3Extra & object, requestId: string): StreamReply {
  const written = writeRestOutput(operation, result, s3Model.xmlNamespace ?? '')
  const status = result.httpStatus ?? operation.http?.status ?? 200
  const body = result.httpBody ?? written.body
  const headers: Record<string, string> = {
    ...commonHeaders(requestId),
    ...written.headers,
    ...result.httpHeaders,
  }
  if (typeof body === 'string' && status !== 204 && operation.http?.method !== 'HEAD') {
    headers['content-length'] = `${Buffer.byteLength(body)}`
  }
  return { status, headers, body }
}

function readsStream({ input }: Operation): boolean {
  return bindingsOf(input).payload?.schema.isBlobSchema() ?? false
}

/** A body that is read as a whole, and what its headers claim of it. @throws S3Fault `MaxMessageLengthExceeded` */
async function document(operation: Operation, request: VerifiedStream): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request.body) {
    length += piece.length
    if (length > MAX_DOCUMENT_BYTES) {
      throw new S3Fault('MaxMessageLengthExceeded', 'Your request was too big.')
    }
    pieces.push(piece)
  }
  const body = Buffer.concat(pieces)
  // There, checksum headers speak of the object that the parts make.
  if (operation.name !== 'CompleteMultipartUpload') {
    verifyWholeBody(body, request.headers, request.trailers)
  }
  return body
}
