import type { TypedLine } from '../../../runbook/runbook.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { act, awsIn, check, type FailoverFacts } from './by-hand.ts'
import type { Ready } from './readiness.ts'
import { type RegionFailure, recoveryRegion } from './tools.ts'

export type Scaled = {
  readonly services: readonly {
    readonly service: string
    readonly before: number
    readonly tasks: number
  }[]
}

const STABLE_WITHIN_MS = 900_000
const POLL_MS = 100

/** Brings every service of the recovery region to the tasks that it needs, side by side, and waits until they run. */
export async function scaleServices(
  { workload }: RegionFailure,
  ready: Ready,
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<Scaled> {
  const { services } = await recoveryRegion(tools, workload)
  const scaled = await Promise.all(
    ready.services.map(async ({ cluster, service, desiredCount, tasks }) => {
      const name = { cluster, service }
      await services.keepDesiredCount(name, tasks)
      await services.waitUntilStable(name, {
        deadlineMs: STABLE_WITHIN_MS,
        everyMs: POLL_MS,
        signal,
      })
      return { service, before: desiredCount, tasks }
    }),
  )
  return { services: scaled }
}

export function scaleServicesByHand({ services, region }: FailoverFacts): TypedLine[] {
  return services.flatMap(({ cluster, service, tasks }) => [
    act(
      `bring '${service}' to ${tasks} tasks`,
      awsIn(
        ...([region, 'ecs update-service'] as const),
        { cluster, service, 'desired-count': tasks },
        'service.desiredCount',
      ),
    ),
    check(
      'they run',
      `within 900 says ${tasks} ${awsIn(region, 'ecs describe-services', { cluster, services: service }, 'services[0].runningCount')}`,
    ),
  ])
}
