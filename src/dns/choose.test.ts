import { describe, expect, test } from 'vitest'
import { chooseSets, contentOf } from './choose.ts'
import type { RecordSet, Routing } from './record-set.ts'
import { Zone } from './zone.ts'

const ILL = 'ill'

/** A set whose id is what it gives; the health check `ill` is the one that is not healthy. */
function set(
  id: string,
  routing: Routing,
  { name = 'www.test', healthCheck }: { name?: string; healthCheck?: string } = {},
): RecordSet {
  const content = { kind: 'records' as const, ttlSeconds: 1, rdata: [Buffer.from(id)] }
  return { name, type: 'A', id, routing, healthCheck, content }
}

function alias(
  id: string,
  target: string,
  { inheritsHealth = true, healthCheck }: { inheritsHealth?: boolean; healthCheck?: string } = {},
  routing: Routing = { kind: 'failover', role: 'primary' },
): RecordSet {
  const content = { kind: 'alias' as const, target, inheritsHealth }
  return { name: 'www.test', type: 'A', id, routing, healthCheck, content }
}

const now = (random: (limit: number) => number = () => 0) => ({
  isHealthy: (id: string) => id !== ILL,
  random,
})

/** How often each set is given, over all random numbers that there are. */
function shares(sets: RecordSet[], limit: number): Record<string, number> {
  const zone = Zone.of('test', sets)
  const counts: Record<string, number> = {}
  for (let number = 0; number < limit; number += 1) {
    const random = (asked: number) => {
      expect(asked).toBe(limit)
      return number
    }
    for (const { id } of chooseSets(sets, zone, now(random))) {
      counts[id!] = (counts[id!] ?? 0) + 1
    }
  }
  return counts
}

describe('weighted sets are given', () => {
  const weighted = (id: string, weight: number, healthCheck?: string) =>
    set(id, { kind: 'weighted', weight }, healthCheck ? { healthCheck } : {})

  test('in proportion to their weights', () => {
    expect(shares([weighted('a', 1), weighted('b', 3), weighted('c', 0)], 4)).toEqual({
      a: 1,
      b: 3,
    })
  })

  test('when they are healthy', () => {
    expect(shares([weighted('a', 1, ILL), weighted('b', 3)], 3)).toEqual({ b: 3 })
  })

  test('without a weight, when none with a weight is healthy', () => {
    const sets = [weighted('a', 1, ILL), weighted('b', 0), weighted('c', 0, ILL)]
    expect(shares(sets, 1)).toEqual({ b: 1 })
  })

  test('as if all were healthy, when none is', () => {
    const sets = [weighted('a', 1, ILL), weighted('b', 2, ILL), weighted('c', 0, ILL)]
    expect(shares(sets, 3)).toEqual({ a: 1, b: 2 })
  })

  test('equally, when none has a weight', () => {
    expect(shares([weighted('a', 0), weighted('b', 0)], 2)).toEqual({ a: 1, b: 1 })
  })
})

describe('multivalue sets are given', () => {
  const many = (count: number, healthCheck?: string) =>
    Array.from({ length: count }, (_, index) =>
      set(
        `${healthCheck ?? ''}${index}`,
        { kind: 'multivalue' },
        healthCheck ? { healthCheck } : {},
      ),
    )
  const chosen = (sets: RecordSet[], random?: (limit: number) => number) =>
    chooseSets(sets, Zone.of('test', sets), now(random)).map(({ id }) => id)

  test('up to eight at once, the healthy ones', () => {
    expect(chosen(many(5))).toHaveLength(5)
    expect(chosen([...many(3), ...many(20, ILL)]).sort()).toEqual(['0', '1', '2'])
    const some = chosen(many(20), (limit) => limit - 1)
    expect(new Set(some).size).toBe(8)
    expect(some).not.toEqual(chosen(many(20)))
  })

  test('up to eight of all, when none is healthy', () => {
    expect(chosen(many(3, ILL)).sort()).toEqual(['ill0', 'ill1', 'ill2'])
    expect(chosen(many(20, ILL))).toHaveLength(8)
  })
})

describe('an alias is as healthy as its target', () => {
  const secondary = set('secondary', { kind: 'failover', role: 'secondary' })
  const target = (id: string, healthCheck?: string) =>
    set(
      id,
      { kind: 'weighted', weight: 1 },
      { name: 'target.test', ...(healthCheck && { healthCheck }) },
    )
  const given = (primary: RecordSet, targets: RecordSet[]) => {
    const zone = Zone.of('test', [primary, secondary, ...targets])
    const [chosen] = chooseSets([primary, secondary], zone, now())
    return contentOf(chosen!, zone, now()).map(({ rdata }) => rdata.join())
  }

  test('when at least one set of the target is healthy', () => {
    const primary = alias('primary', 'target.test')
    expect(given(primary, [target('a'), target('b', ILL)])).toEqual(['a'])
    expect(given(primary, [target('a', ILL), target('b', ILL)])).toEqual(['secondary'])
    expect(given(primary, [])).toEqual(['secondary'])
  })

  test('unless it does not inherit: then it is given, whatever its target is', () => {
    const primary = alias('primary', 'target.test', { inheritsHealth: false })
    expect(given(primary, [target('a', ILL)])).toEqual(['a'])
  })

  test('and as its own check, both together', () => {
    const primary = alias('primary', 'target.test', { healthCheck: ILL })
    expect(given(primary, [target('a')])).toEqual(['secondary'])
    const unbound = alias('primary', 'target.test', { inheritsHealth: false, healthCheck: ILL })
    expect(given(unbound, [target('a')])).toEqual(['secondary'])
  })

  test('through other aliases, and in a ring never', () => {
    const simple: Routing = { kind: 'simple' }
    const middle = { ...alias('middle', 'target.test', {}, simple), name: 'middle.test' }
    const primary = alias('primary', 'middle.test')
    expect(given(primary, [middle, target('a')])).toEqual(['a'])
    expect(given(primary, [middle, target('a', ILL)])).toEqual(['secondary'])
    const ring = { ...alias('ring', 'ring.test', {}, simple), name: 'ring.test' }
    expect(given(alias('primary', 'ring.test'), [ring])).toEqual(['secondary'])
    const unbound = alias('primary', 'ring.test', { inheritsHealth: false })
    expect(given(unbound, [ring])).toEqual([])
  })
})
