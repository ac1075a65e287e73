import type { Name } from '../../dns/name.ts'
import { isWithin } from '../../dns/name.ts'
import { groupProblems } from './group-rules.ts'
import { displayName } from './names.ts'
import type { RecordChange } from './record-change.ts'
import { isSameSet, valueProblems } from './record-values.ts'
import type { SetRecord, ZoneRecord } from './records.ts'

const MAX_SETS = 10_000

/** What a batch does to a zone, or why it does nothing. */
export type Outcome =
  | { readonly problems: readonly string[] }
  | {
      readonly problems?: undefined
      readonly put: readonly SetRecord[]
      readonly removed: readonly SetRecord[]
      readonly names: readonly Name[]
      readonly setCount: number
    }

/**
 * Carries out a batch on what a zone has, as a whole or not at all. What must hold of sets together must hold at the end: so a
 * primary and a secondary set can change places in one batch.
 *
 * @param setsAt  what the zone has at a name now
 */
export function carryOut(
  zone: ZoneRecord,
  changes: readonly RecordChange[],
  setsAt: (name: Name) => readonly SetRecord[],
): Outcome {
  const repeated = repetitions(changes)
  if (repeated.length > 0) return { problems: repeated }

  const before = new Map<Name, ReadonlyMap<string, SetRecord>>()
  const after = new Map<Name, Map<string, SetRecord>>()
  const at = (name: Name) => {
    const known = after.get(name)
    if (known) return known
    const sets = new Map(setsAt(name).map((set) => [keyOf(set), set]))
    before.set(name, new Map(sets))
    after.set(name, sets)
    return sets
  }
  const problems = changes.flatMap((change) => carryOutOne(zone, change, at(change.set.name)))
  if (problems.length > 0) return { problems }

  const names = [...after.keys()]
  const problemsTogether = groupProblems(zone, changes, (name) => [...at(name).values()])
  if (problemsTogether.length > 0) return { problems: problemsTogether }

  const removed = names.flatMap((name) =>
    [...before.get(name)!].filter(([key]) => !at(name).has(key)).map(([, set]) => set),
  )
  const put = names.flatMap((name) =>
    [...at(name)].filter(([key, set]) => before.get(name)!.get(key) !== set).map(([, set]) => set),
  )
  const added = put.filter((set) => !before.get(set.name)!.has(keyOf(set))).length
  const setCount = zone.setCount + added - removed.length
  if (setCount > MAX_SETS) return { problems: [`Number of records limit of ${MAX_SETS} exceeded.`] }
  return { put, removed, names, setCount }
}

/** The problems of one change by itself; without any, its effect is in `sets`. */
function carryOutOne(
  zone: ZoneRecord,
  { action, set, aliasZoneId }: RecordChange,
  sets: Map<string, SetRecord>,
): string[] {
  if (!isWithin(set.name, zone.name)) {
    return [
      `RRSet with DNS name ${displayName(set.name)} is not permitted in zone ${displayName(zone.name)}`,
    ]
  }
  const what = `resource record set [${described(set)}]`
  const existing = sets.get(keyOf(set))
  if (action === 'DELETE') {
    if (!existing) return [`Tried to delete ${what} but it was not found`]
    if (valueProblems(set).length > 0 || !isSameSet(existing, set)) {
      return [`Tried to delete ${what} but the values provided do not match the current values`]
    }
    sets.delete(keyOf(set))
    return []
  }
  if (action === 'CREATE' && existing) return [`Tried to create ${what} but it already exists`]
  const problems = valueProblems(set)
  if (set.alias && (aliasZoneId !== zone.id || !isWithin(set.alias.name, zone.name))) {
    // Unlike AWS: aliases stand for other records of their zone alone, as there is nothing else that they could stand for.
    problems.push(
      `Tried to create an alias that targets ${displayName(set.alias.name)}, type ${set.type} in zone ${aliasZoneId}, but the alias target name does not lie within the target zone`,
    )
  }
  if (problems.length === 0) sets.set(keyOf(set), set)
  return problems
}

/** A set may be deleted and made anew in one batch; all else that changes one twice is a mistake. */
function repetitions(changes: readonly RecordChange[]): string[] {
  const actions = new Map<string, string[]>()
  for (const { action, set } of changes) {
    const key = `${set.name} ${keyOf(set)}`
    actions.set(key, [...(actions.get(key) ?? []), action])
  }
  const wrong = changes.filter(({ set }) => {
    const all = actions.get(`${set.name} ${keyOf(set)}`)!.join(' ')
    return all.includes(' ') && all !== 'DELETE CREATE' && all !== 'DELETE UPSERT'
  })
  const sets = new Set(wrong.map(({ set }) => `${set.type} ${displayName(set.name)}`))
  return [...sets].map(
    (set) => `The request contains an invalid set of changes for a resource record set '${set}'`,
  )
}

function described({ name, type, setIdentifier }: SetRecord): string {
  const identifier = setIdentifier === undefined ? '' : `, set-identifier='${setIdentifier}'`
  return `name='${displayName(name)}', type='${type}'${identifier}`
}

function keyOf({ type, setIdentifier }: SetRecord): string {
  return `${type} ${setIdentifier ?? ''}`
}
