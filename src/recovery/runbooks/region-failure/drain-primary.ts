import type { TypedLine } from '../../../runbook/runbook.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { type FailoverFacts, stopHomeServices } from './by-hand.ts'
import { type RegionFailure, tried } from './tools.ts'

/** What became of the services of the region that was left. JSON. */
export type Drained = {
  readonly stopped: readonly { readonly cluster: string; readonly service: string }[]
  /** Those that ECS did not answer for, and why. */
  readonly unreached: readonly {
    readonly cluster: string
    readonly service: string
    readonly why: string
  }[]
}

const WITHIN_MS = 15_000

/**
 * Stops the services of the region that was left, as far as its ECS answers.
 *
 * A name that leads elsewhere moves nobody who holds a connection: a service that still answers, and be it that it can do
 * nothing, keeps its customers for as long as it lives.
 */
export async function drainPrimary(
  { workload }: Pick<RegionFailure, 'workload'>,
  tools: RecoveryTools,
): Promise<Drained> {
  const outcomes = await Promise.all(
    workload.services.map(async ({ cluster, service }) => {
      const name = { cluster, service }
      const ask = () => tools.region.services.keepDesiredCount(name, 0)
      return { name, done: await tried(tools, ask, WITHIN_MS) }
    }),
  )
  return {
    stopped: outcomes.flatMap(({ name, done }) => ('answer' in done ? [name] : [])),
    unreached: outcomes.flatMap(({ name, done }) =>
      'failure' in done ? [{ ...name, why: done.failure }] : [],
    ),
  }
}

export function drainPrimaryByHand(facts: FailoverFacts): TypedLine[] {
  return stopHomeServices(facts, ': whoever holds a connection to it stays there')
}
