import { describe, expect, test } from 'vitest'
import { addressOf } from './address.ts'
import { routeOf } from './route.ts'

const COPY = { 'x-amz-copy-source': 'a/b' }

describe('routeOf', () => {
  test.each([
    ['GET /', 'ListBuckets'],
    ['GET /?x-id=ListBuckets', 'ListBuckets'],
    ['GET /b', 'ListObjects'],
    ['GET /b?list-type=2&prefix=a', 'ListObjectsV2'],
    ['GET /b?versions', 'ListObjectVersions'],
    ['GET /b?uploads&prefix=a', 'ListMultipartUploads'],
    ['GET /b?location', 'GetBucketLocation'],
    ['GET /b?versioning', 'GetBucketVersioning'],
    ['PUT /b', 'CreateBucket'],
    ['PUT /b?versioning', 'PutBucketVersioning'],
    ['PUT /b?policy', 'PutBucketPolicy'],
    ['DELETE /b', 'DeleteBucket'],
    ['DELETE /b?policy', 'DeleteBucketPolicy'],
    ['HEAD /b', 'HeadBucket'],
    ['POST /b?delete', 'DeleteObjects'],
    ['GET /b?analytics&id=1', 'GetBucketAnalyticsConfiguration'],
    ['GET /b?analytics', 'ListBucketAnalyticsConfigurations'],
    ['GET /b/k', 'GetObject'],
    ['GET /b/k?versionId=1&x-id=GetObject', 'GetObject'],
    ['GET /b/k?partNumber=1', 'GetObject'],
    ['GET /b/k?uploadId=1', 'ListParts'],
    ['GET /b/k?tagging', 'GetObjectTagging'],
    ['GET /b/k?attributes', 'GetObjectAttributes'],
    ['HEAD /b/k', 'HeadObject'],
    ['PUT /b/k?x-id=PutObject', 'PutObject'],
    ['PUT /b/k?partNumber=1&uploadId=2', 'UploadPart'],
    ['PUT /b/k?retention', 'PutObjectRetention'],
    ['POST /b/k?uploads', 'CreateMultipartUpload'],
    ['POST /b/k?uploadId=1', 'CompleteMultipartUpload'],
    ['DELETE /b/k', 'DeleteObject'],
    ['DELETE /b/k?uploadId=1', 'AbortMultipartUpload'],
    ['DELETE /b/k?tagging&versionId=1', 'DeleteObjectTagging'],
  ])('%s is %s', (request, name) => {
    expect(route(request)).toBe(name)
  })

  test('tells copies by their header', () => {
    expect(route('PUT /b/k', COPY)).toBe('CopyObject')
    expect(route('PUT /b/k?partNumber=1&uploadId=2', COPY)).toBe('UploadPartCopy')
  })

  test.each([
    'PUT /',
    'POST /b',
    'POST /b/k',
    'PATCH /b/k',
    'PUT /b?delete',
    'PUT /b?uploads',
    'DELETE /b?versioning',
    'DELETE /b/k?acl',
    'PUT /b/k?uploads',
  ])('%s is not allowed', (request) => {
    expect(() => route(request)).toThrow(expect.objectContaining({ wireCode: 'MethodNotAllowed' }))
  })
})

function route(request: string, headers: Record<string, string> = {}): string {
  const [method = '', target = ''] = request.split(' ')
  const [path = '', query] = target.split('?')
  return routeOf({
    method,
    address: addressOf('127.0.0.1', path),
    query: new Map(new URLSearchParams(query)),
    headers: new Map(Object.entries(headers)),
  }).name
}
