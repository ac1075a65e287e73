import { type Decision, decide, type Signal } from '../../detection/decision.ts'
import { gatherSignals, notConfirmed } from '../../detection/signals.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
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
