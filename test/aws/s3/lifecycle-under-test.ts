import type { LifecycleRule, S3 } from '@aws-sdk/client-s3'
import { systemClock } from '../../../src/core/clock.ts'
import { until } from '../../trials/trial-region.ts'
import { s3UnderTest } from './s3-under-test.ts'

export const DAY_MS = 86_400_000

/** A rule by which what is put at the end of a bucket goes at once: a run that has taken it has seen everything before it. */
const SENTINEL: LifecycleRule = {
  ID: 'sentinel',
  Status: 'Enabled',
  Filter: { Prefix: '\u{10ffff}' },
  Expiration: { Date: new Date('2020-01-01T00:00:00Z') },
}

/** A region whose clock is put forward by days, and lifecycle runs that a test can wait for. */
export function lifecycleUnderTest() {
  const region = s3UnderTest()
  const exists = async (s3: S3, Bucket: string, Key: string) => {
    const { KeyCount = 0 } = await s3.listObjectsV2({ Bucket, Prefix: Key })
    return KeyCount > 0
  }
  /** Signs by the region's clock, whatever the client learns of the time from answers. */
  const sdk = () => {
    const s3 = region.sdk()
    Object.defineProperty(s3.config, 'systemClockOffset', {
      get: () => region.clock.now().getTime() - systemClock.now().getTime(),
      set: () => undefined,
      configurable: true,
    })
    return s3
  }
  let sentinels = 0
  return {
    ...region,
    sdk,
    forward: (days: number) => region.pass(days * DAY_MS),
    rules: async (Bucket: string, ...Rules: Partial<LifecycleRule>[]) => {
      const complete = Rules.map((rule) => ({ Status: 'Enabled' as const, Filter: {}, ...rule }))
      await sdk().putBucketLifecycleConfiguration({
        Bucket,
        LifecycleConfiguration: { Rules: [...complete, SENTINEL] },
      })
    },
    /** Resolves when a whole run has passed that began after this call. */
    run: async (Bucket: string) => {
      const s3 = sdk()
      const Key = `\u{10ffff}${sentinels++}`
      await s3.putObject({ Bucket, Key, Body: '' })
      const { Rules } = await s3.getBucketLifecycleConfiguration({ Bucket })
      // Other rules begin another run.
      const again = Rules!.map((rule) =>
        rule.ID === SENTINEL.ID
          ? { ...rule, Expiration: { Date: new Date(Date.UTC(2000, 0, 1 + sentinels)) } }
          : rule,
      )
      await s3.putBucketLifecycleConfiguration({
        Bucket,
        LifecycleConfiguration: { Rules: again },
      })
      await until(
        'the lifecycle run has ended',
        60_000,
        async () => !(await exists(s3, Bucket, Key)),
      )
    },
    keys: async (Bucket: string) => {
      const { Contents = [] } = await sdk().listObjectsV2({ Bucket })
      return Contents.map(({ Key }) => Key!)
    },
    /** As `key:version` or `key:marker`, newest first under each key, without sentinels. */
    versions: async (Bucket: string) => {
      const { Versions = [], DeleteMarkers = [] } = await sdk().listObjectVersions({
        Bucket,
        Prefix: '',
      })
      const all = [
        ...Versions.map((version) => ({ ...version, kind: 'version' })),
        ...DeleteMarkers.map((marker) => ({ ...marker, kind: 'marker' })),
      ].filter(({ Key }) => !Key!.startsWith('\u{10ffff}'))
      return all.map(({ Key, VersionId, IsLatest, kind }) => ({ Key, VersionId, IsLatest, kind }))
    },
  }
}
