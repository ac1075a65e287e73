import { derivedName, EXECUTION_TAG, type RecoveryTools } from '../data-corruption/tools.ts'
import type { Promoted } from '../region-failure/promote.ts'
import { switchRules } from './objects-home.ts'
import { type Failback, mirroredTools } from './tools.ts'

/** What stands in the recovery region again. JSON. */
export type StandbyAgain = {
  readonly standby: string
  readonly rules: number
  /** What the workload file has to say from now on. */
  readonly workloadFile: { readonly instance: string; readonly standby: string }
}

const WITHIN_MS = 24 * 3_600_000

/** Makes the recovery region what it was before: a replica, copies of secrets, rules that replicate, services at rest. */
export async function standbyAgain(
  input: Failback,
  home: Promoted,
  tools: RecoveryTools,
  step: { execution: string; signal: AbortSignal; progress: (message: string) => void },
): Promise<StandbyAgain> {
  const { workload, failover } = input
  const { region: away } = await mirroredTools(tools, input)
  const standby = derivedName(workload.database.instance, 'standby', step.execution)
  const { attributes } = await away.rds.getInstance(failover.promoted.instance)
  const { instanceClass, kmsKey, parameterGroup } = attributes
  await away.databaseReplicas.create({
    source: home.arn,
    target: standby,
    attributes: {
      ...(instanceClass !== undefined && { instanceClass }),
      ...(kmsKey !== undefined && { kmsKey }),
      ...(parameterGroup !== undefined && { parameterGroup }),
    },
    tags: {},
    mark: { key: EXECUTION_TAG, value: step.execution },
  })
  for (const { cluster, service, desiredCount } of failover.ready.services) {
    await away.services.restoreDesiredCount({ cluster, service }, step.execution)
    await away.services.keepDesiredCount({ cluster, service }, desiredCount)
  }
  const { secret, adminSecret } = workload.database
  for (const name of new Set([secret, adminSecret])) {
    await tools.region.secrets.replicate(name, away.region, true)
  }
  const { rules } = await switchRules(input, tools, true)
  await away.rds.waitUntil(standby, (one) => one?.status === 'available', {
    deadlineMs: WITHIN_MS,
    signal: step.signal,
    onPoll: (one) => step.progress(`'${standby}' is ${one?.status ?? 'not there yet'}`),
  })
  return { standby, rules, workloadFile: { instance: home.instance, standby } }
}
