import type { Buckets } from '../../aws/buckets.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Bucket } from '../workload.ts'

/** How long a small object took from a bucket to its replica. JSON. */
export type CanaryTravel = {
  /** When S3 had acknowledged it; ISO 8601. */
  readonly writtenAt: string
  /** From then until it was seen over there; null when it was not seen in time, or not written. */
  readonly seconds: number | null
  readonly reason?: string
}

const LOOK_EVERY_MS = 250
/** S3 promises most objects within minutes; a canary that takes longer is news at any rate. */
const WAITS_FOR_MS = 50_000

/** The key of a canary: in the first part of the bucket that is protected, so that a rule for that takes it along. */
export function canaryKey({ prefixes }: Bucket): string {
  return `${prefixes[0] ?? ''}lifeboat-canary.json`
}

/**
 * Sends a canary and waits for it. It destroys the versions of itself that it has put there, on both sides; those of
 * another Lifeboat are left alone.
 */
export async function sendCanary(o: {
  bucket: Bucket & { readonly replica: NonNullable<Bucket['replica']> }
  source: Buckets
  replica: Buckets
  clock: Clock
  signal?: AbortSignal
}): Promise<CanaryTravel> {
  const { bucket, source, replica, clock, signal } = o
  const key = canaryKey(bucket)
  try {
    const text = JSON.stringify({ lifeboat: 'canary', writtenAt: clock.now().toISOString() })
    const { versionId } = await source.putText(bucket.bucket, key, text)
    const writtenAt = clock.now().toISOString()
    const startedMs = clock.monotonicMs()
    const waited = () => clock.monotonicMs() - startedMs
    let seconds: number | null = null
    while (seconds === null && waited() < WAITS_FOR_MS) {
      if (await replica.exists(bucket.replica.bucket, key, versionId)) seconds = waited() / 1_000
      else await clock.sleep(LOOK_EVERY_MS, signal)
    }
    if (seconds === null) {
      // It stays, so that it can be seen what has become of it.
      return { writtenAt, seconds, reason: `it had not arrived after ${WAITS_FOR_MS / 1_000} s` }
    }
    await source.destroyVersion(bucket.bucket, key, versionId)
    await replica.destroyVersion(bucket.replica.bucket, key, versionId)
    return { writtenAt, seconds }
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error
    return { writtenAt: clock.now().toISOString(), seconds: null, reason: error.message }
  }
}
