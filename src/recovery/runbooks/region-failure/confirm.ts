import type { TypedLine } from '../../../runbook/runbook.ts'
import { type Decision, decide, type Signal } from '../../detection/decision.ts'
import { gatherSignals, notConfirmed } from '../../detection/signals.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { act, attempt, awsPerhaps, check, type FailoverFacts, logInAt, psql } from './by-hand.ts'
import type { RegionFailure } from './tools.ts'

export type Confirmed = Decision & {
  readonly signals: readonly Signal[]
  /** When the loss of the region was first seen by this execution. */
  readonly seenAt: string
}

/** One look may meet a hiccup: two that agree do not. */
const LOOKS = 2
const BETWEEN_LOOKS_MS = 500

/**
 * Finds out whether the region is lost, by witnesses that do not depend on each other.
 *
 * @throws LifeboatError `FailoverNotConfirmed` naming what each has seen
 */
export async function confirm(
  { workload, witness }: RegionFailure,
  tools: RecoveryTools,
  { signal, progress }: { signal: AbortSignal; progress: (message: string) => void },
): Promise<Confirmed> {
  let seenAt: string | undefined
  for (let look = 1; ; look++) {
    progress(`looking from everywhere, for the ${look === 1 ? 'first' : 'second'} time`)
    const signals = await gatherSignals(tools, workload, witness)
    const decision = decide(signals)
    seenAt ??= tools.clock.now().toISOString()
    if (decision.verdict !== 'fail-over') throw notConfirmed(decision.because, signals)
    if (look === LOOKS) return { ...decision, signals, seenAt }
    await tools.clock.sleep(BETWEEN_LOOKS_MS, signal)
  }
}

/** Two things that do not depend on each other: what this machine sees, and what the replica hears or somebody else says. */
export function confirmByHand(facts: FailoverFacts): TypedLine[] {
  const { workload, primary, source } = facts
  const { instance } = workload.database
  const witness = `[ -n "\${WITNESS:-}" ]`
  return [
    attempt(
      `does the API of ${workload.region} answer?`,
      awsPerhaps(
        ...([workload.region, 'rds describe-db-instances'] as const),
        { 'db-instance-identifier': instance },
        'DBInstances[0].DBInstanceStatus',
      ),
    ),
    act(`log in at '${instance}'`, logInAt(facts, primary)),
    act('does it answer?', `OLD=$(${psql("select 'answers'")} || echo silent); echo "  $OLD"`),
    check(
      "it is silent, or WITNESS says in words what somebody else has seen: WITNESS='…'",
      `eval '[ "$OLD" = silent ] || ${witness}'`,
    ),
    ...(source.kind === 'replica'
      ? [
          act(`log in at '${source.instance}'`, logInAt(facts, source.endpoint)),
          check(
            `'${source.instance}' does not hear from it either`,
            `within 90 says 0 ${psql("select count(*) from pg_stat_wal_receiver where status = 'streaming'")}`,
          ),
        ]
      : [check("somebody else has seen it too: WITNESS='…' says so", witness)]),
  ]
}
