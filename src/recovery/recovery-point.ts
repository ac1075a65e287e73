/**
 * The moment to go back to, and how it was found.
 */
import { LifeboatError } from '../core/errors.ts'
import type { Suspect } from './damage.ts'

/** RestoreTime travels with milliseconds; PostgreSQL commits in microseconds. */
const RESOLUTION_MS = 1

export type RecoveryPoint = {
  /** What the restore is asked for; ISO 8601, whole milliseconds. */
  readonly time: string
  readonly how: 'operator' | 'suspect transaction' | 'vanished object' | 'last good check'
  readonly certainty: 'exact' | 'bounded' | 'as told'
  readonly explanation: string
  /** When the damage was committed, by the database's clock: one moment, or between two. */
  readonly damagedAt: Bounds
}

/** A moment that is known (`from` equals `to`), or lies between two; null is an open end. */
export type Bounds = {
  readonly from: string | null
  readonly to: string | null
}

export interface RecoveryEvidence {
  /** `--to`: what a person says. */
  readonly told?: string
  readonly suspect?: Suspect
  /** When the first object vanished to which a row points, where nothing is wrong but that. */
  readonly vanished?: { readonly key: string; readonly bucket: string; readonly at: string }
  readonly lastGoodAt?: string
  readonly firstBadAt?: string
}

/**
 * Just before the suspect's commit, or before the first object vanished; else the last good check; `told` overrides all.
 * Database and buckets go back to this one moment. Where both were damaged it is the database's: an older version of an object
 * can still be brought back at that point, but good rows of the time in between could not.
 *
 * @throws LifeboatError `RecoveryPointUnknown` when there is nothing to go by
 */
export function chooseRecoveryPoint(evidence: RecoveryEvidence): RecoveryPoint {
  const { told, suspect, vanished, lastGoodAt, firstBadAt } = evidence
  const committedAt = suspect?.transaction.committedAt
  const damagedAt: Bounds = committedAt
    ? { from: committedAt, to: committedAt }
    : { from: lastGoodAt ?? null, to: firstBadAt ?? null }

  if (told !== undefined) {
    return {
      time: new Date(told).toISOString(),
      how: 'operator',
      certainty: 'as told',
      explanation: `named with --to${committedAt ? `; the suspect committed at ${committedAt}` : ''}`,
      damagedAt,
    }
  }
  if (suspect && committedAt) {
    return {
      time: floorBefore(committedAt),
      how: 'suspect transaction',
      certainty: 'exact',
      explanation: `just before transaction ${suspect.transaction.ids[0]} committed at ${committedAt}: ${suspect.because}`,
      damagedAt,
    }
  }
  if (vanished && !suspect) {
    return {
      time: floorBefore(vanished.at),
      how: 'vanished object',
      certainty: 'exact',
      explanation: `just before '${vanished.key}' of bucket '${vanished.bucket}' vanished at ${vanished.at}`,
      damagedAt: { from: vanished.at, to: vanished.at },
    }
  }
  if (lastGoodAt) {
    const why = suspect
      ? 'the server does not track commit times, so the moment of the damage is only bounded'
      : 'no transaction stands out, so the moment of the damage is only bounded'
    return {
      time: floorTo(lastGoodAt),
      how: 'last good check',
      certainty: 'bounded',
      explanation: `every check passed at ${lastGoodAt}; ${why}`,
      damagedAt,
    }
  }
  throw new LifeboatError(
    'RecoveryPointUnknown',
    'no moment is known at which every check passed',
    { hint: 'Name a moment before the damage with --to 2026-01-15T10:30:00Z.' },
  )
}

/** The last whole millisecond before `time`: a commit at that very moment is not included. */
function floorBefore(time: string): string {
  const floored = floorTo(time)
  const isWhole = !/\.\d{3}\d*[1-9]\d*Z$/.test(time)
  return isWhole ? new Date(Date.parse(floored) - RESOLUTION_MS).toISOString() : floored
}

function floorTo(time: string): string {
  const ms = Date.parse(time)
  return new Date(ms - (ms % RESOLUTION_MS)).toISOString()
}
