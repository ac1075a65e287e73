import { LifeboatError } from '../../core/errors.ts'
import { isGlobalProcess } from '../home-programs.ts'

/**
 * What is wrong with one process of a home, because somebody has asked for it. Without a member nothing is.
 *
 * isKilled     it is dead, and stays so
 * isFrozen     nothing of its process group runs
 * slowMs       answers of its API, and what it exchanges with other regions, come so much later
 * isApiDown    nobody reaches its API; databases, tasks and replication go on
 * isReplicationHalted  nothing is replicated out of it nor into it; its API answers
 */
export interface Outage {
  readonly isKilled?: true
  readonly isFrozen?: true
  readonly slowMs?: number
  readonly isApiDown?: true
  readonly isReplicationHalted?: true
}

/** All outages of a home. */
export interface Outages {
  readonly byName: Readonly<Record<string, Outage>>
  /** Pairs of regions between which nothing passes. */
  readonly partitions: readonly (readonly [string, string])[]
}

export const NO_OUTAGES: Outages = { byName: {}, partitions: [] }

/** What may be asked for. */
export type OutageOrder =
  | { readonly kind: 'kill' | 'freeze' | 'api-only' | 'replication-only' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'partition'; readonly from: string }

const LONGEST_SLOW_MS = 60_000
const DNS_HINT = 'Give it --kill or --freeze.'

/**
 * The outages with one more. Those of a process add up, but one that is killed or frozen has no other: who does not run cannot
 * be slow.
 *
 * @throws LifeboatError `InvalidUsage`
 */
export function withOutage(outages: Outages, name: string, order: OutageOrder): Outages {
  checkOrder(name, order)
  const before = outages.byName[name] ?? {}
  if (order.kind === 'partition') {
    refuseBesideEnd(name, before)
    refuseBesideEnd(order.from, outages.byName[order.from] ?? {})
    if (isPartitioned(outages, name, order.from)) return outages
    return { ...outages, partitions: [...outages.partitions, [name, order.from]] }
  }
  const isEnd = order.kind === 'kill' || order.kind === 'freeze'
  const others = outagesOf(outages, name).filter((words) => words !== wordsOf(order))
  if (isEnd && others.length > 0) {
    const words = order.kind === 'kill' ? 'killed' : 'frozen'
    throw refused(name, `'${name}' cannot be ${words} beside what is wrong: ${others.join(', ')}`)
  }
  if (!isEnd) refuseBesideEnd(name, before)
  const after = { ...before, ...memberOf(order) }
  return { ...outages, byName: { ...outages.byName, [name]: after } }
}

/** The outages without any that a process takes part in. */
export function withoutOutage(outages: Outages, name: string): Outages {
  const { [name]: _, ...byName } = outages.byName
  return { byName, partitions: outages.partitions.filter((pair) => !pair.includes(name)) }
}

/** A process's outages in words, for people. */
export function outagesOf(outages: Outages, name: string): string[] {
  const { isKilled, isFrozen, slowMs, isApiDown, isReplicationHalted } = outages.byName[name] ?? {}
  const others = outages.partitions
    .filter((pair) => pair.includes(name))
    .map(([a, b]) => (a === name ? b : a))
  return [
    ...(isKilled ? [wordsOf({ kind: 'kill' })] : []),
    ...(isFrozen ? [wordsOf({ kind: 'freeze' })] : []),
    ...(isApiDown ? [wordsOf({ kind: 'api-only' })] : []),
    ...(isReplicationHalted ? [wordsOf({ kind: 'replication-only' })] : []),
    ...(slowMs === undefined ? [] : [wordsOf({ kind: 'slow', ms: slowMs })]),
    ...others.map((from) => wordsOf({ kind: 'partition', from })),
  ]
}

/** Something that goes to a process of the home through its gateway. */
export interface Journey {
  /** The region that sends it; undefined for a client. */
  readonly from?: string | undefined
  readonly to: string
  /** Whether it carries what one region replicates to another; else it is for the API. */
  readonly isReplication: boolean
}

/** Whether something may pass. */
export function mayPass(outages: Outages, { from, to, isReplication }: Journey): boolean {
  if (from !== undefined && isPartitioned(outages, from, to)) return false
  const at = (name: string | undefined) => outages.byName[name ?? ''] ?? {}
  if (!isReplication) return !at(to).isApiDown
  return !at(to).isReplicationHalted && !at(from).isReplicationHalted
}

/** How much later it comes, in milliseconds. */
export function delayOf({ byName }: Outages, { from, to }: Journey): number {
  const ends = new Set(from === undefined ? [to] : [from, to])
  return [...ends].reduce((sum, name) => sum + (byName[name]?.slowMs ?? 0), 0)
}

function isPartitioned({ partitions }: Outages, one: string, other: string): boolean {
  return partitions.some((pair) => pair.includes(one) && pair.includes(other) && one !== other)
}

function memberOf(order: Exclude<OutageOrder, { kind: 'partition' }>): Outage {
  switch (order.kind) {
    case 'kill':
      return { isKilled: true }
    case 'freeze':
      return { isFrozen: true }
    case 'slow':
      return { slowMs: order.ms }
    case 'api-only':
      return { isApiDown: true }
    default:
      return { isReplicationHalted: true }
  }
}

function wordsOf(order: OutageOrder): string {
  switch (order.kind) {
    case 'kill':
      return 'killed'
    case 'freeze':
      return 'frozen'
    case 'slow':
      return `${order.ms} ms slow`
    case 'api-only':
      return 'its API is down'
    case 'replication-only':
      return 'its replication is halted'
    default:
      return `cut off from ${order.from}`
  }
}

function checkOrder(name: string, order: OutageOrder): void {
  if (
    order.kind === 'slow' &&
    !(Number.isInteger(order.ms) && order.ms > 0 && order.ms <= LONGEST_SLOW_MS)
  ) {
    throw new LifeboatError('InvalidUsage', `${order.ms} ms is no delay for an outage`, {
      hint: `Give a whole number of milliseconds up to ${LONGEST_SLOW_MS}.`,
    })
  }
  if (order.kind === 'partition' && order.from === name) {
    throw new LifeboatError('InvalidUsage', `'${name}' cannot be cut off from itself`, {
      hint: 'Name another region with --partition-from.',
    })
  }
  const names = order.kind === 'partition' ? [name, order.from] : [name]
  const once = names.find(isGlobalProcess)
  const isForRegions = order.kind === 'partition' || order.kind === 'replication-only'
  if (once !== undefined && isForRegions) {
    throw new LifeboatError('InvalidUsage', `'${once}' replicates nothing to other regions`, {
      hint: once === 'dns' ? DNS_HINT : 'Give it --kill, --freeze, --slow or --api-only.',
    })
  }
  if (once === 'dns' && (order.kind === 'slow' || order.kind === 'api-only')) {
    throw new LifeboatError('InvalidUsage', "'dns' has no API", {
      hint: DNS_HINT,
    })
  }
}

function refuseBesideEnd(name: string, { isKilled, isFrozen }: Outage): void {
  if (!isKilled && !isFrozen) return
  throw refused(name, `'${name}' is ${isKilled ? 'killed' : 'frozen'} already`)
}

function refused(name: string, what: string): LifeboatError {
  return new LifeboatError('InvalidUsage', what, {
    hint: `Lift that first: lifeboat region outage ${name} --lift.`,
  })
}
