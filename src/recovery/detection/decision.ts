/**
 * What to do about what is seen, while nobody can see everything (I6).
 */

/** healthy and failing were seen; unknown was not seen, and counts for neither. */
export type SignalState = 'healthy' | 'failing' | 'unknown'

/**
 * What a signal is about.
 *
 * write        a write through the public name, as a customer makes one
 * read         a read the same way
 * api          the AWS APIs of the region
 * health-check  Route 53's own checkers
 * alarm        a CloudWatch alarm, in another region than that which is watched
 * external     somebody else's monitoring, told by webhook
 * replica      a read replica in another region: whether it still hears from its source
 * own-network  something far away that has nothing to do with the workload
 */
export type SignalKind =
  | 'write'
  | 'read'
  | 'api'
  | 'health-check'
  | 'alarm'
  | 'external'
  | 'replica'
  | 'own-network'

/** JSON. */
export type Signal = {
  readonly name: string
  readonly kind: SignalKind
  /** Who has looked. Two signals of one source are one witness. */
  readonly source: string
  readonly state: SignalState
  /** Since when it is in this state; ISO 8601. */
  readonly since: string
  /** Why, in words, unless it is healthy. */
  readonly reason?: string
}

/**
 * nothing            the workload takes writes
 * freeze             it does, and the region's APIs are dead: change nothing, be ready
 * recover-in-region  it takes no writes, and the region is there: another database there is nearer than another region
 * fail-over          it takes no writes, and the region is not there, say two who do not depend on each other
 * unknown            not enough is seen
 */
export type Verdict = 'nothing' | 'freeze' | 'recover-in-region' | 'fail-over' | 'unknown'

/** JSON. */
export type Decision = {
  readonly verdict: Verdict
  readonly because: string
  /** The signals by which it was decided. */
  readonly failing: readonly string[]
  readonly healthy: readonly string[]
}

/** Independent witnesses of an outage, one of them of a failing write. */
const WITNESSES = 2
/** Kinds that say that the workload is not there, each from a place of its own. */
const WITNESS_KINDS: readonly SignalKind[] = [
  'write',
  'health-check',
  'alarm',
  'external',
  'replica',
]

/** Source: the decisions that a failover needs before it may harm anybody (I6). */
export function decide(signals: readonly Signal[]): Decision {
  const all = (kind: SignalKind, state: SignalState) =>
    signals.filter((signal) => signal.kind === kind && signal.state === state)
  const failing = signals.filter(({ state }) => state === 'failing')
  const healthy = signals.filter(({ state }) => state === 'healthy')
  const decision = (verdict: Verdict, because: string): Decision => {
    return { verdict, because, failing: namesOf(failing), healthy: namesOf(healthy) }
  }

  if (all('own-network', 'failing').length > 0 && all('own-network', 'healthy').length === 0) {
    return decision('unknown', 'Lifeboat itself is cut off: what it cannot reach may be well')
  }
  if (all('write', 'healthy').length > 0) {
    return all('api', 'failing').length > 0
      ? decision('freeze', 'writes succeed: only the control plane of the region is away')
      : decision('nothing', 'writes succeed')
  }
  const writes = all('write', 'failing')
  if (writes.length === 0) return decision('unknown', 'no write was tried')

  const witnesses = new Set(
    failing.filter(({ kind }) => WITNESS_KINDS.includes(kind)).map(({ source }) => source),
  )
  if (witnesses.size < WITNESSES) {
    return decision('unknown', `only ${[...witnesses].join()} says that writes fail`)
  }
  if (all('read', 'healthy').length > 0 && all('api', 'failing').length === 0) {
    return decision(
      'recover-in-region',
      'reads succeed and the region answers: the database is ill',
    )
  }
  return decision('fail-over', `${witnesses.size} witnesses say that writes fail`)
}

function namesOf(signals: readonly Signal[]): string[] {
  return signals.map(({ name }) => name)
}
