import type { Name } from './name.ts'
import type { RecordSet } from './record-set.ts'
import type { Zone } from './zone.ts'

/** What the choice among sets depends on, beside the zone. */
export interface Circumstances {
  /** Whether a health check is healthy now; one that is not known is. */
  isHealthy(healthCheck: string): boolean
  /** A whole number from 0 to below the limit. */
  random(limit: number): number
}

/** Aliases may stand behind aliases; no more than so many. */
const MAX_ALIASES = 8
const MAX_VALUES = 8

/**
 * The sets that answer for a group of one name and type: one, or several of a multivalue group.
 *
 * Source: Route 53 Developer Guide, "How Amazon Route 53 chooses records when health checking is configured".
 */
export function chooseSets(
  group: readonly RecordSet[],
  zone: Zone,
  now: Circumstances,
): readonly RecordSet[] {
  const isHealthy = (set: RecordSet) => isSetHealthy(set, zone, now)
  switch (group[0]?.routing.kind) {
    case undefined:
      return []
    case 'simple':
      return group
    case 'failover':
      return [failoverChoice(group, isHealthy)]
    case 'weighted':
      return [weightedChoice(group, isHealthy, now)]
    case 'multivalue':
      return someOf(orAll(group.filter(isHealthy), group), now)
  }
}

/** The records that a set stands for, through aliases: none when a target has none. */
export function contentOf(
  set: RecordSet,
  zone: Zone,
  now: Circumstances,
  depth = 0,
): readonly { readonly ttlSeconds: number; readonly rdata: readonly Buffer[] }[] {
  if (set.content.kind === 'records') return [set.content]
  if (depth === MAX_ALIASES) return []
  const chosen = chooseSets(zone.sets(set.content.target, set.type), zone, now)
  return chosen.flatMap((target) => contentOf(target, zone, now, depth + 1))
}

/** Its own check and, where it inherits, that of at least one set behind the alias must be healthy. */
function isSetHealthy(set: RecordSet, zone: Zone, now: Circumstances, depth = 0): boolean {
  if (set.healthCheck !== undefined && !now.isHealthy(set.healthCheck)) return false
  const { content } = set
  if (content.kind === 'records' || !content.inheritsHealth) return true
  if (depth === MAX_ALIASES) return false
  const targets: readonly RecordSet[] = zone.sets(content.target as Name, set.type)
  return targets.some((target) => isSetHealthy(target, zone, now, depth + 1))
}

/** When both are ill, or there is no other, the primary one; without one the secondary one. */
function failoverChoice(
  group: readonly RecordSet[],
  isHealthy: (set: RecordSet) => boolean,
): RecordSet {
  const byRole = (role: string) =>
    group.find(({ routing }) => routing.kind === 'failover' && routing.role === role)
  const [primary, secondary] = [byRole('primary'), byRole('secondary')]
  if (!primary || !secondary) return primary ?? secondary ?? group[0]!
  return !isHealthy(primary) && isHealthy(secondary) ? secondary : primary
}

/**
 * Sets without weight are considered when no healthy set has one. When none is healthy, all are taken to be. When none has
 * a weight, all have the same.
 */
function weightedChoice(
  group: readonly RecordSet[],
  isHealthy: (set: RecordSet) => boolean,
  now: Circumstances,
): RecordSet {
  const candidates = orAll(group.filter(isHealthy), group)
  const weighty = orAll(
    candidates.filter((set) => weightOf(set) > 0),
    candidates,
  )
  const weights = weighty.map((set) => Math.max(weightOf(set), Number(weightOf(weighty[0]!) === 0)))
  let left = now.random(weights.reduce((sum, weight) => sum + weight, 0))
  const index = weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
  return weighty[index]!
}

function weightOf({ routing }: RecordSet): number {
  return routing.kind === 'weighted' ? routing.weight : 0
}

function orAll<T>(some: readonly T[], all: readonly T[]): readonly T[] {
  return some.length > 0 ? some : all
}

/** So many of them, each as likely as the others, in any order. */
function someOf<T>(all: readonly T[], now: Circumstances): T[] {
  const left = [...all]
  const taken: T[] = []
  while (left.length > 0 && taken.length < MAX_VALUES) {
    taken.push(...left.splice(now.random(left.length), 1))
  }
  return taken
}
