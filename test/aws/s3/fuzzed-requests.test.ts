import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../../src/region/protocol/canonical-request.ts'
import { s3Model } from '../../../src/region/protocol/models/s3.ts'
import { bytesOf, type Draft, signed } from '../../security/drafts.ts'
import { basicTime } from '../../security/forgeries.ts'
import { RawConnection } from '../../security/raw-connection.ts'
import { CREDENTIALS, REGION, s3UnderTest } from './s3-under-test.ts'

/** Requests that are signed as they should be and of which everything else is anything. */

const RUNS = Number(process.env.LIFEBOAT_FUZZ ?? 2500)

/** How each operation is addressed: method, path and the parameters that tell it from others. */
const OPERATIONS = [...s3Model.operationByName.values()].flatMap(({ http }) => {
  const [path = '', query = ''] = http?.uri.split('?') ?? []
  const parameters = [...new URLSearchParams(query)].filter(([name]) => name !== 'x-id')
  return http ? [{ method: http.method, isObject: path !== '/', parameters }] : []
})
const OPTIONS = [
  ...['prefix', 'delimiter', 'marker', 'max-keys', 'encoding-type', 'continuation-token'],
  ...['start-after', 'key-marker', 'version-id-marker', 'versionId', 'partNumber', 'uploadId'],
  ...['max-parts', 'part-number-marker', 'max-uploads', 'upload-id-marker', 'fetch-owner'],
  ...['response-content-type', 'id', 'max-buckets', 'bucket-region', 'list-type'],
]
const HEADERS = [
  ...['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'],
  ...['content-md5', 'content-type', 'content-encoding', 'expires', 'x-amz-copy-source'],
  ...['x-amz-copy-source-range', 'x-amz-copy-source-if-match', 'x-amz-metadata-directive'],
  ...['x-amz-tagging', 'x-amz-tagging-directive', 'x-amz-storage-class', 'x-amz-meta-a'],
  ...['x-amz-checksum-algorithm', 'x-amz-checksum-type', 'x-amz-checksum-crc32', 'x-amz-trailer'],
  ...['x-amz-checksum-crc64nvme', 'x-amz-checksum-mode', 'x-amz-sdk-checksum-algorithm'],
  ...['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date', 'x-amz-mp-object-size'],
  ...['x-amz-object-lock-legal-hold', 'x-amz-bypass-governance-retention', 'x-amz-acl'],
  ...['x-amz-server-side-encryption', 'x-amz-object-attributes', 'x-amz-expected-bucket-owner'],
  ...['x-amz-decoded-content-length', 'x-amz-object-ownership', 'x-amz-bucket-object-lock-enabled'],
]
const VALUES = [
  ...['', '0', '1', '-1', '2', '1000', '99999999999999999999', 'true', 'false', 'url', 'ENABLED'],
  ...['*', '"a"', 'bytes=0-1', 'bytes=-1', 'bytes=5-', 'fuzz/k', '/fuzz/k?versionId=null', 'null'],
  ...['CRC32', 'SHA256', 'COMPOSITE', 'FULL_OBJECT', 'AAAAAA==', 'GOVERNANCE', 'COPY', 'REPLACE'],
  ...['2100-01-01T00:00:00Z', 'Wed, 01 Jan 2031 00:00:00 GMT', 'a=1&b=2', 'aws:kms', 'AES256'],
  ...['ETag,Checksum', '__proto__', '000000000000', '/', 'x-amz-checksum-crc32', 'private'],
]
const BODIES = [
  '',
  '{}',
  '<a/>',
  '<Delete><Object><Key>k</Key></Object><Quiet>true</Quiet></Delete>',
  '<Delete><Object><Key></Key></Object></Delete>',
  '<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>',
  '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>',
  '<LifecycleConfiguration><Rule><Status>Enabled</Status><Expiration><Date>2030-01-01</Date></Expiration></Rule></LifecycleConfiguration>',
  '<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2100-01-01T00:00:00Z</RetainUntilDate></Retention>',
  '<LegalHold><Status>ON</Status></LegalHold>',
  '<CORSConfiguration></CORSConfiguration>',
  '<AccessControlPolicy><Owner><ID>a</ID></Owner><AccessControlList><Grant/></AccessControlList></AccessControlPolicy>',
  '<OwnershipControls/>',
  '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule/></ObjectLockConfiguration>',
  '<ReplicationConfiguration><Role>a</Role><Rule><Status>Enabled</Status><Destination><Bucket>b</Bucket></Destination></Rule></ReplicationConfiguration>',
  '<ServerSideEncryptionConfiguration><Rule/></ServerSideEncryptionConfiguration>',
  '<NotificationConfiguration/>',
  '<CreateBucketConfiguration><LocationConstraint>ap-southeast-1</LocationConstraint></CreateBucketConfiguration>',
]

const value = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.string({ unit: 'grapheme-ascii', maxLength: 12 }).map((text) => text.trim()),
)
const request = fc.record({
  operation: fc.constantFrom(...OPERATIONS),
  bucket: fc.constantFrom('/fuzz', '/fuzz', '/fuzz', '/fuzz', '/no', ''),
  key: fc.constantFrom('/k', '/k', '/k', '/absent', '/a%2F%00b', '//', '/'),
  options: fc.uniqueArray(fc.tuple(fc.constantFrom(...OPTIONS), value), {
    maxLength: 2,
    selector: ([name]) => name,
  }),
  headers: fc.uniqueArray(fc.tuple(fc.constantFrom(...HEADERS), value), {
    maxLength: 3,
    selector: ([name]) => name,
  }),
  body: fc.oneof(
    fc.constantFrom(...BODIES),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  ),
  mode: fc.oneof(
    { weight: 9, arbitrary: fc.constant('hash') },
    fc.constantFrom('UNSIGNED-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'),
  ),
})

describe('signed requests of any kind', () => {
  const region = s3UnderTest()
  beforeAll(async () => {
    await region.bucket('fuzz')
    await region.sdk().putObject({ Bucket: 'fuzz', Key: 'k', Body: 'content' })
  })

  test('are answered, and never by a failure of ours', async () => {
    const connection = new RawConnection(region.port())
    await fc.assert(
      fc.asyncProperty(request, async ({ mode, operation, ...o }) => {
        const parts = {
          method: operation.method,
          path: o.bucket + (operation.isObject && o.bucket ? o.key : '') || '/',
          query: [...new Map([...operation.parameters, ...o.options])],
          headers: o.headers,
          body: o.body,
        }
        const payloadHash = mode === 'hash' ? sha256Hex(parts.body) : mode
        const head: [string, string][] = [
          ['Host', 'a'],
          ['X-Amz-Content-Sha256', payloadHash],
        ]
        const draft: Draft = { ...parts, headers: [...head, ...parts.headers] }
        const time = basicTime(new Date())
        const scope = { date: time.slice(0, 8), region: REGION, service: 's3' }
        const signing = { ...CREDENTIALS, scope, time, payloadHash, isPathVerbatim: true }
        // The answer to a HEAD tells of a length that does not come: that connection is not used again.
        const own = parts.method === 'HEAD' ? new RawConnection(region.port()) : connection
        if (parts.method === 'HEAD') draft.headers.push(['Connection', 'close'])
        const reply = await own.send(
          bytesOf(signed(draft, { ...signing, signedHeaders: namesOf(draft) })),
        )
        if (own !== connection) own.close()
        expect(region.errors.splice(0)).toEqual([])
        if (parts.method === 'HEAD') return
        expect(reply?.status).toBeGreaterThanOrEqual(200)
        if (reply?.status !== 501) expect(reply?.status).toBeLessThan(500)
        expect(reply?.body).not.toContain('SignatureDoesNotMatch')
      }),
      { numRuns: RUNS },
    )
    connection.close()
  })
})

function namesOf({ headers }: Draft): string[] {
  return [...headers.map(([name]) => name.toLowerCase()), 'x-amz-date']
    .filter((name) => name !== 'connection')
    .sort()
}
