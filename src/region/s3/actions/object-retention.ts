import type {
  GetObjectLegalHoldCommandInput,
  GetObjectRetentionCommandInput,
  PutObjectLegalHoldCommandInput,
  PutObjectRetentionCommandInput,
} from '../../protocol/models/s3.ts'
import { malformedXml } from '../../protocol/xml-reader.ts'
import { S3Fault } from '../faults.ts'
import { checkHasObjectLock, retentionOf } from '../object-lock.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { readableVersion } from '../versions.ts'

interface Input {
  readonly Bucket: string | undefined
  readonly Key: string | undefined
  readonly VersionId?: string | undefined
}

/** PutObjectRetention; an empty one takes it away. Source: S3 API Reference, PutObjectRetention. */
export async function putObjectRetention(
  s3: S3,
  input: PutObjectRetentionCommandInput,
  request: S3Request,
) {
  const { bucket, version } = locked(s3, input, request, 'PutObjectRetention')
  const { Mode, RetainUntilDate } = input.Retention ?? {}
  if ((Mode === undefined) !== (RetainUntilDate === undefined)) throw malformedXml()
  if (Mode !== undefined && !['GOVERNANCE', 'COMPLIANCE'].includes(Mode)) throw malformedXml()
  const isBypassing = input.BypassGovernanceRetention === true
  if (isBypassing) {
    s3.bucket(request, 'BypassGovernanceRetention', { bucket: input.Bucket, key: input.Key })
  }
  await bucket.update(version.key, version.versionId, {
    retention:
      Mode && RetainUntilDate ? retentionOf(Mode, RetainUntilDate, s3.store.lockTime()) : null,
    bypassGovernance: isBypassing,
    outbox: s3.replication.ofChange(bucket),
  })
  return {}
}

/** GetObjectRetention. Source: S3 API Reference, GetObjectRetention. */
export async function getObjectRetention(
  s3: S3,
  input: GetObjectRetentionCommandInput,
  request: S3Request,
) {
  const { version } = locked(s3, input, request, 'GetObjectRetention')
  if (!version.retention) throw noConfiguration()
  const { mode, until } = version.retention
  return { Retention: { Mode: mode.toUpperCase(), RetainUntilDate: until } }
}

/** PutObjectLegalHold. Source: S3 API Reference, PutObjectLegalHold. */
export async function putObjectLegalHold(
  s3: S3,
  input: PutObjectLegalHoldCommandInput,
  request: S3Request,
) {
  const { bucket, version } = locked(s3, input, request, 'PutObjectLegalHold')
  const { Status: status } = input.LegalHold ?? {}
  if (status !== 'ON' && status !== 'OFF') throw malformedXml()
  await bucket.update(version.key, version.versionId, {
    hasLegalHold: status === 'ON',
    outbox: s3.replication.ofChange(bucket),
  })
  return {}
}

/** GetObjectLegalHold. Source: S3 API Reference, GetObjectLegalHold. */
export async function getObjectLegalHold(
  s3: S3,
  input: GetObjectLegalHoldCommandInput,
  request: S3Request,
) {
  const { version } = locked(s3, input, request, 'GetObjectLegalHold')
  return { LegalHold: { Status: version.hasLegalHold ? 'ON' : 'OFF' } }
}

function locked(s3: S3, input: Input, request: S3Request, action: string) {
  const { Key: key = '', VersionId: versionId } = input
  const bucket = s3.bucket(request, action, { bucket: input.Bucket, key, versionId })
  checkHasObjectLock(bucket)
  return { bucket, version: readableVersion(s3, request, { bucket, key, versionId }) }
}

function noConfiguration() {
  return new S3Fault(
    'NoSuchObjectLockConfiguration',
    'The specified object does not have a ObjectLock configuration',
  )
}
