import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type { Due, LifecycleRules } from './rules.ts'

/** What is to be done with a version: hide it behind a delete marker, or remove it for good. */
export interface Expired {
  readonly version: ObjectVersion
  readonly kind: 'current' | 'noncurrent' | 'marker'
}

/**
 * Follows the versions of one key as they are listed, newest first, and says which have expired. Only what the next version needs
 * is kept, however many there are.
 */
export class KeyHistory {
  #newer: ObjectVersion | undefined
  #marker: ObjectVersion | undefined
  #noncurrent = 0
  /** Whether any version stays that is not the current one. */
  #isOlderLeft = false

  constructor(
    readonly key: string,
    private readonly rules: LifecycleRules,
    private readonly o: {
      now: Date
      isHeld: (version: ObjectVersion, kind: Expired['kind']) => boolean
    },
  ) {}

  next(version: ObjectVersion): Expired | undefined {
    const newer = this.#newer
    this.#newer = version
    if (!newer) return this.#current(version)
    const about = { since: newer.modifiedAt, newerCount: this.#noncurrent }
    this.#noncurrent += 1
    if (this.#isDue(this.rules.noncurrentExpiry(version, about), version, 'noncurrent')) {
      return { version, kind: 'noncurrent' }
    }
    this.#isOlderLeft = true
    return undefined
  }

  /** When there are no more: the delete marker that is left alone. */
  end(): Expired | undefined {
    const version = this.#marker
    if (!version || this.#isOlderLeft) return undefined
    return this.#isDue(this.rules.markerExpiry(version), version, 'marker')
      ? { version, kind: 'marker' }
      : undefined
  }

  #current(version: ObjectVersion): Expired | undefined {
    if (version.isDeleteMarker) {
      this.#marker = version
      return undefined
    }
    return this.#isDue(this.rules.expiry(version), version, 'current')
      ? { version, kind: 'current' }
      : undefined
  }

  #isDue(due: Due | undefined, version: ObjectVersion, kind: Expired['kind']): boolean {
    return due !== undefined && due.at <= this.o.now && !this.o.isHeld(version, kind)
  }
}
