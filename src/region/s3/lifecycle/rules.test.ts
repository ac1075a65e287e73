import { expect, test } from 'vitest'
import type { Bucket } from '../../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type { LifecycleRule } from '../../protocol/models/s3.ts'
import { DAY_MS, LifecycleRules } from './rules.ts'

const created = new Date('2024-01-15T10:30:00Z')

function rules(...list: Partial<LifecycleRule>[]): LifecycleRules {
  const Rules = list.map((rule) => ({ ID: 'r', Status: 'Enabled', Filter: {}, ...rule }))
  const bucket = { setting: () => ({ Rules }) } as unknown as Bucket
  return LifecycleRules.of(bucket, DAY_MS)!
}

function version(o: Partial<ObjectVersion> = {}): ObjectVersion {
  return {
    ...{ key: 'logs/a', versionId: 'v', isLatest: true, isDeleteMarker: false, sizeBytes: 100 },
    ...{ etag: '', modifiedAt: created, attributes: {}, tags: {}, hasLegalHold: false },
    ...o,
  }
}

test("adds the days and goes on to the next midnight, as in AWS's example", () => {
  const due = rules({ Expiration: { Days: 3 } }).expiry(version())
  expect(due?.at.toISOString()).toBe('2024-01-19T00:00:00.000Z')
})

test('counts the days of a noncurrent version from the one that came in front of it', () => {
  const due = rules({ NoncurrentVersionExpiration: { NoncurrentDays: 3 } }).noncurrentExpiry(
    version({ modifiedAt: new Date('2024-01-01T10:30:00Z') }),
    { since: created, newerCount: 0 },
  )
  expect(due?.at.toISOString()).toBe('2024-01-19T00:00:00.000Z')
})

test('keeps as many noncurrent versions as a rule says, however old', () => {
  const keeping = rules({
    NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 2 },
  })
  const due = (newerCount: number) =>
    keeping.noncurrentExpiry(version(), { since: created, newerCount })
  expect([0, 1, 2].map((count) => due(count)?.at.toISOString())).toEqual([
    undefined,
    undefined,
    '2024-01-17T00:00:00.000Z',
  ])
})

test('takes the rule that is due first, and says which', () => {
  const several = rules(
    { ID: 'late', Expiration: { Days: 9 } },
    { ID: 'soon', Expiration: { Days: 2 } },
    { ID: 'off', Status: 'Disabled', Expiration: { Days: 1 } },
  )
  expect(several.expiry(version())?.ruleId).toBe('soon')
})

test.each<[string, Partial<LifecycleRule>, Partial<ObjectVersion>, boolean]>([
  ['a prefix', { Filter: { Prefix: 'logs/' } }, {}, true],
  ['another prefix', { Filter: { Prefix: 'log/' } }, {}, false],
  ['the prefix of the first form', { Prefix: 'x', Filter: undefined as never }, {}, false],
  ['a tag', { Filter: { Tag: { Key: 'k', Value: 'v' } } }, { tags: { k: 'v', l: 'w' } }, true],
  [
    'a tag of another value',
    { Filter: { Tag: { Key: 'k', Value: 'v' } } },
    { tags: { k: 'w' } },
    false,
  ],
  ['more than its size', { Filter: { ObjectSizeGreaterThan: 100 } }, {}, false],
  ['less than a size above it', { Filter: { ObjectSizeLessThan: 101 } }, {}, true],
  [
    'all of several',
    {
      Filter: {
        And: { Prefix: 'logs', Tags: [{ Key: 'k', Value: 'v' }], ObjectSizeLessThan: 101 },
      },
    },
    { tags: { k: 'v' } },
    true,
  ],
  [
    'all but one of several',
    {
      Filter: {
        And: { Prefix: 'logs', Tags: [{ Key: 'k', Value: 'v' }], ObjectSizeLessThan: 100 },
      },
    },
    { tags: { k: 'v' } },
    false,
  ],
])('a filter by %s', (_, rule, about, isMeant) => {
  const due = rules({ Expiration: { Days: 1 }, ...rule }).expiry(version(about))
  expect(due !== undefined).toBe(isMeant)
})

test('a delete marker expires at once or by its age, and never by a size', () => {
  const marker = version({ isDeleteMarker: true, sizeBytes: 0 })
  const at = (rule: Partial<LifecycleRule>) => rules(rule).markerExpiry(marker)?.at.toISOString()
  expect(at({ Expiration: { ExpiredObjectDeleteMarker: true } })).toBe(created.toISOString())
  expect(at({ Expiration: { Days: 1 } })).toBe('2024-01-17T00:00:00.000Z')
  expect(at({ Expiration: { ExpiredObjectDeleteMarker: false } })).toBeUndefined()
  expect(at({ Expiration: { Days: 1 }, Filter: { ObjectSizeLessThan: 5 } })).toBeUndefined()
})
