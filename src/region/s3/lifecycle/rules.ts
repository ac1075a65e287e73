import type { Bucket } from '../../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type { Upload } from '../../../objectstore/uploads.ts'
import type { LifecycleExpiration, LifecycleRule } from '../../protocol/models/s3.ts'

/** When something is due, and by which rule. */
export interface Due {
  readonly at: Date
  readonly ruleId: string
}

/** What rules look at; an upload has neither tags nor a size. */
interface Subject {
  readonly key: string
  readonly sizeBytes?: number
  readonly tags?: Readonly<Record<string, string>>
}

export const DAY_MS = 86_400_000

/** The name of the bucket setting. */
const LIFECYCLE = 'lifecycle'

/**
 * The enabled rules of a bucket's lifecycle, and what is due by them when. Of several rules the one that is due first counts.
 *
 * Unlike AWS: transitions are kept and told, but all storage classes are stored alike, so that nothing moves.
 *
 * Source: S3 User Guide, "Lifecycle configuration elements" and "How Amazon S3 handles conflicts in lifecycle configurations".
 */
export class LifecycleRules {
  readonly #rules: readonly LifecycleRule[]

  private constructor(
    rules: readonly LifecycleRule[],
    private readonly dayMs: number,
  ) {
    this.#rules = rules.filter(({ Status }) => Status === 'Enabled')
  }

  /**
   * Undefined when the bucket has none.
   *
   * @param dayMs  how long a day is; days begin at multiples of it since 1970
   */
  static of(bucket: Bucket, dayMs: number): LifecycleRules | undefined {
    const configuration = bucket.setting<{ Rules?: LifecycleRule[] }>(LIFECYCLE)
    return configuration?.Rules && new LifecycleRules(configuration.Rules, dayMs)
  }

  /** When a current version that is no delete marker expires. */
  expiry(version: ObjectVersion): Due | undefined {
    return this.#first(version, ({ Expiration }) => this.#expiresAt(Expiration, version.modifiedAt))
  }

  /**
   * When a noncurrent version expires, delete markers among them.
   *
   * @param o.since       when the version in front of it was made
   * @param o.newerCount  how many noncurrent versions are newer
   */
  noncurrentExpiry(
    version: ObjectVersion,
    o: { since: Date; newerCount: number },
  ): Due | undefined {
    return this.#first(version, ({ NoncurrentVersionExpiration: expiration }) => {
      if (expiration?.NoncurrentDays === undefined) return undefined
      if (o.newerCount < (expiration.NewerNoncurrentVersions ?? 0)) return undefined
      return this.#daysAfter(o.since, expiration.NoncurrentDays)
    })
  }

  /** When a delete marker expires behind which no version is left. */
  markerExpiry(marker: ObjectVersion): Due | undefined {
    return this.#first(marker, ({ Expiration }) =>
      Expiration?.ExpiredObjectDeleteMarker
        ? marker.modifiedAt
        : this.#expiresAt(Expiration, marker.modifiedAt),
    )
  }

  /** When an upload in parts is aborted. */
  abort(upload: Upload): Due | undefined {
    return this.#first({ key: upload.key }, ({ AbortIncompleteMultipartUpload: abort }) =>
      abort?.DaysAfterInitiation === undefined
        ? undefined
        : this.#daysAfter(upload.startedAt, abort.DaysAfterInitiation),
    )
  }

  #first(
    subject: Subject & { readonly isDeleteMarker?: boolean },
    dueAt: (rule: LifecycleRule) => Date | undefined,
  ): Due | undefined {
    let first: Due | undefined
    for (const rule of this.#rules) {
      const at = isFor(rule, subject) ? dueAt(rule) : undefined
      if (at && !(first && first.at <= at)) first = { at, ruleId: rule.ID ?? '' }
    }
    return first
  }

  #expiresAt(expiration: LifecycleExpiration | undefined, since: Date): Date | undefined {
    if (expiration?.Date) return expiration.Date
    return expiration?.Days === undefined ? undefined : this.#daysAfter(since, expiration.Days)
  }

  /** So many days later, and then the next midnight. */
  #daysAfter(time: Date, days: number): Date {
    const whole = Math.floor(time.getTime() / this.dayMs)
    return new Date((whole + days + 1) * this.dayMs)
  }
}

function isFor(
  { Filter, Prefix }: LifecycleRule,
  { key, sizeBytes, tags, isDeleteMarker }: Subject & { readonly isDeleteMarker?: boolean },
): boolean {
  const { And } = Filter ?? {}
  const prefix = And?.Prefix ?? Filter?.Prefix ?? Prefix ?? ''
  const wanted = And?.Tags ?? (Filter?.Tag ? [Filter.Tag] : [])
  const above = And?.ObjectSizeGreaterThan ?? Filter?.ObjectSizeGreaterThan
  const below = And?.ObjectSizeLessThan ?? Filter?.ObjectSizeLessThan
  const hasSize = above !== undefined || below !== undefined
  // What has no size of its own is not meant by a size.
  if (hasSize && (sizeBytes === undefined || isDeleteMarker)) return false
  return (
    key.startsWith(prefix) &&
    wanted.every(({ Key = '', Value }) => tags?.[Key] === Value) &&
    (above === undefined || sizeBytes! > above) &&
    (below === undefined || sizeBytes! < below)
  )
}
