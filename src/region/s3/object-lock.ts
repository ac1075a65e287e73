import type { Bucket } from '../../objectstore/bucket.ts'
import type { ObjectVersion, Retention } from '../../objectstore/object-version.ts'
import type { PutOptions } from '../../objectstore/put-options.ts'
import type { DefaultRetention, ObjectLockConfiguration } from '../protocol/models/s3.ts'
import { S3Fault } from './faults.ts'

/** The name of the bucket setting. */
export const OBJECT_LOCK = 'object-lock'

const DAY_MS = 86_400_000

/** @throws S3Fault `InvalidRequest` when the bucket has no object lock */
export function checkHasObjectLock(bucket: Bucket): void {
  if (bucket.setting(OBJECT_LOCK) !== undefined) return
  throw new S3Fault('InvalidRequest', 'Bucket is missing Object Lock Configuration')
}

/**
 * What a new version is locked with: what the request asks for, else the bucket's default.
 *
 * @param now  by the store's lock clock. Unlike AWS: a lock may end later than its date, by the time that the machine was off
 * @throws S3Fault `InvalidRequest`, `InvalidArgument`
 */
export function lockOf(
  bucket: Bucket,
  input: {
    ObjectLockMode?: string | undefined
    ObjectLockRetainUntilDate?: Date | undefined
    ObjectLockLegalHoldStatus?: string | undefined
  },
  now: Date,
): Pick<PutOptions, 'retention' | 'hasLegalHold'> {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = input
  const hold = input.ObjectLockLegalHoldStatus
  if (mode !== undefined || until !== undefined || hold !== undefined) checkHasObjectLock(bucket)
  if ((mode === undefined) !== (until === undefined)) {
    throw new S3Fault(
      'InvalidArgument',
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
    )
  }
  const retention = mode && until ? retentionOf(mode, until, now) : defaultRetention(bucket, now)
  return {
    ...(retention ? { retention } : {}),
    ...(hold === undefined ? {} : { hasLegalHold: isHeld(hold) }),
  }
}

/** @throws S3Fault `InvalidArgument`, `MalformedXML` */
export function retentionOf(mode: string, until: Date, now: Date): Retention {
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') {
    throw new S3Fault('InvalidArgument', 'Unknown wormMode directive.')
  }
  if (until.getTime() <= now.getTime()) {
    throw new S3Fault('InvalidArgument', 'The retain until date must be in the future!')
  }
  return { mode: mode === 'GOVERNANCE' ? 'governance' : 'compliance', until }
}

/** @throws S3Fault `InvalidArgument` */
function isHeld(status: string): boolean {
  if (status === 'ON' || status === 'OFF') return status === 'ON'
  throw new S3Fault('InvalidArgument', 'Legal Hold must be either of ON or OFF')
}

/** The lock of a version, in the members of GetObject's and HeadObject's output. */
export function lockMembers({ retention, hasLegalHold }: ObjectVersion): object {
  return {
    ...(retention
      ? {
          ObjectLockMode: retention.mode.toUpperCase(),
          ObjectLockRetainUntilDate: retention.until,
        }
      : {}),
    ...(hasLegalHold ? { ObjectLockLegalHoldStatus: 'ON' } : {}),
  }
}

function defaultRetention(bucket: Bucket, now: Date): Retention | undefined {
  const configuration = bucket.setting<ObjectLockConfiguration>(OBJECT_LOCK)
  const rule: DefaultRetention | undefined = configuration?.Rule?.DefaultRetention
  if (!rule?.Mode) return undefined
  const days = rule.Days ?? (rule.Years ?? 0) * 365
  return retentionOf(rule.Mode, new Date(now.getTime() + days * DAY_MS), now)
}
