import type { Name } from '../../dns/name.ts'
import { displayName } from './names.ts'
import type { RecordChange } from './record-change.ts'
import type { SetRecord, ZoneRecord } from './records.ts'

/** Source: Route 53 Developer Guide, "Quotas on records". */
const MAX_GROUP = 100

type SetsAt = (name: Name) => readonly SetRecord[]

/**
 * What would not hold of sets together after a batch, in the words of `InvalidChangeBatch`.
 *
 * @param setsAt  what the zone would have at a name
 */
export function groupProblems(
  zone: ZoneRecord,
  changes: readonly RecordChange[],
  setsAt: SetsAt,
): string[] {
  const made = changes.filter(({ action }) => action !== 'DELETE').map(({ set }) => set)
  const problems = [
    ...made.flatMap((set) => [
      ...placeProblems(zone, set, setsAt(set.name)),
      ...routingProblems(set, groupOf(set, setsAt)),
      ...aliasProblems(zone, set, setsAt),
    ]),
    ...apexProblems(zone, changes, setsAt),
  ]
  return [...new Set(problems)]
}

function placeProblems(
  zone: ZoneRecord,
  { name, type }: SetRecord,
  sets: readonly SetRecord[],
): string[] {
  const [shown, apex] = [displayName(name), displayName(zone.name)]
  const what = `RRSet of type ${type} with DNS name ${shown}`
  if (type === 'CNAME' && name === zone.name)
    return [`${what} is not permitted at apex in zone ${apex}`]
  if (type === 'SOA' && name !== zone.name)
    return [`${what} is not permitted but at apex in zone ${apex}`]
  if (type === 'NS' && name.startsWith('\\052.')) {
    return [`${what} is not permitted: an asterisk cannot stand for name servers in zone ${apex}`]
  }
  if (type === 'CNAME' && sets.some((other) => other.type !== 'CNAME')) {
    return [
      `${what} is not permitted as it conflicts with other records with the same DNS name in zone ${apex}`,
    ]
  }
  if (type !== 'CNAME' && sets.some((other) => other.type === 'CNAME')) {
    return [
      `${what} is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone ${apex}`,
    ]
  }
  return []
}

/** Sets of one name and type are routed in one way. */
function routingProblems(set: SetRecord, group: readonly SetRecord[]): string[] {
  const others = group.filter((other) => other.setIdentifier !== set.setIdentifier)
  const identity = `RRSet with DNS name ${displayName(set.name)}, type ${set.type}`
  const identified = `${identity}, SetIdentifier ${set.setIdentifier}`
  const alike = 'with the same name and type'
  if (group.length > MAX_GROUP)
    return [`${identified} cannot be created: more than ${MAX_GROUP} RRSets ${alike}.`]
  if (set.setIdentifier === undefined) {
    return others.length > 0
      ? [`${identity} cannot be created as other RRSets exist ${alike}.`]
      : []
  }
  if (set.failover !== undefined) {
    const marked = `${identified}, and marked as ${set.failover.toLowerCase()}`
    if (others.some(({ failover }) => failover === undefined)) {
      return [`${marked} cannot be created because a non-failover RRSet ${alike} already exists.`]
    }
    if (others.some(({ failover }) => failover === set.failover)) {
      return [
        `${marked} cannot be created because a failover RRSet with the same name, type and failover already exists.`,
      ]
    }
    return set.failover === 'PRIMARY' && !set.alias && set.healthCheckId === undefined
      ? [
          'A non-alias primary ResourceRecordSet must have an associated health check. No changes made.',
        ]
      : []
  }
  if (set.weight !== undefined) {
    if (others.some(({ weight }) => weight === undefined)) {
      return [`${identified} cannot be created as a non-weighted set exists ${alike}.`]
    }
    const isSameTtl = ({ ttl }: SetRecord) =>
      ttl === undefined || set.ttl === undefined || ttl === set.ttl
    return others.every(isSameTtl)
      ? []
      : [`${identified} cannot be created as weighted sets must contain the same TTL.`]
  }
  return others.some(({ isMultiValue }) => !isMultiValue)
    ? [
        `${identified} cannot be created because a non multivalue answer RRSet ${alike} already exists.`,
      ]
    : []
}

/** An alias must stand for something, and at last for something that is none. */
function aliasProblems(zone: ZoneRecord, set: SetRecord, setsAt: SetsAt): string[] {
  if (!set.alias) return []
  const tried = `Tried to create an alias that targets ${displayName(set.alias.name)}, type ${set.type} in zone ${zone.id}`
  if (set.type === 'NS' || set.type === 'SOA')
    return [`${tried}, but there are no aliases of that type`]
  const targets = setsAt(set.alias.name).filter(({ type }) => type === set.type)
  if (targets.length === 0) return [`${tried}, but that target was not found`]
  return isReached(set, targets, setsAt, new Set())
    ? [`${tried}, but that leads back to itself`]
    : []
}

function isReached(
  set: SetRecord,
  targets: readonly SetRecord[],
  setsAt: SetsAt,
  seen: Set<SetRecord>,
): boolean {
  return targets.some((target) => {
    if (target.name === set.name && target.type === set.type) return true
    if (!target.alias || seen.has(target)) return false
    seen.add(target)
    const next = setsAt(target.alias.name).filter(({ type }) => type === set.type)
    return isReached(set, next, setsAt, seen)
  })
}

function apexProblems(
  zone: ZoneRecord,
  changes: readonly RecordChange[],
  setsAt: SetsAt,
): string[] {
  if (!changes.some(({ set }) => set.name === zone.name)) return []
  const has = (type: string) => setsAt(zone.name).some((set) => set.type === type && !set.alias)
  return [
    ...(has('NS') ? [] : ['A HostedZone must contain at least one NS record for the zone itself.']),
    ...(has('SOA') ? [] : ['A HostedZone must contain exactly one SOA record.']),
  ]
}

function groupOf({ name, type }: SetRecord, setsAt: SetsAt): readonly SetRecord[] {
  return setsAt(name).filter((set) => set.type === type)
}
