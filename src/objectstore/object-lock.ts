import { LifeboatError } from '../core/errors.ts'
import type { ObjectVersion, Retention, VersionRecord } from './object-version.ts'

/** @throws LifeboatError `ObjectLocked` when the version may not be deleted */
export function refuseIfLocked(
  record: VersionRecord,
  o: { now: Date; bypassGovernance?: boolean | undefined },
): void {
  const { retention, hasLegalHold } = record
  if (hasLegalHold) throw locked('it has a legal hold')
  if (!retention || retention.untilMs <= o.now.getTime()) return
  if (retention.mode === 'governance' && o.bypassGovernance) return
  throw locked(`it is retained until ${new Date(retention.untilMs).toISOString()}`)
}

/** Whether a version may not be deleted now, but by who bypasses its governance. */
export function isLocked({ retention, hasLegalHold }: ObjectVersion, now: Date): boolean {
  return hasLegalHold || (retention !== undefined && retention.until > now)
}

/**
 * A retention may always be made longer. To shorten, weaken or remove it, it must be governance and the caller must be allowed
 * to bypass that.
 *
 * @throws LifeboatError `ObjectLocked`
 */
export function refuseIfWeakened(
  { retention: before }: VersionRecord,
  after: Retention | null,
  o: { now: Date; bypassGovernance?: boolean | undefined },
): void {
  if (!before || before.untilMs <= o.now.getTime()) return
  if (before.mode === 'governance' && o.bypassGovernance) return
  const isShorter = !after || after.until.getTime() < before.untilMs
  const isWeaker = before.mode === 'compliance' && after?.mode !== 'compliance'
  if (isShorter || isWeaker) {
    throw locked(`it is retained until ${new Date(before.untilMs).toISOString()}`)
  }
}

function locked(reason: string): LifeboatError {
  return new LifeboatError('ObjectLocked', `the version is locked: ${reason}`)
}
