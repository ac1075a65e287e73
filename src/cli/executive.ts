import type { RegionClient } from '../aws/region-client.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import {
  lockOf,
  type NotificationSurroundings,
  notifierOf,
  planOf,
  RUNBOOKS,
  recoveryTools,
} from '../recovery/recovery.ts'
import type { DataCorruption } from '../recovery/runbooks/data-corruption/tools.ts'
import type { ExecutionsApi } from '../runbook/execution.ts'
import { Executions } from '../runbook/executions.ts'
import type { Json } from '../runbook/runbook.ts'
import { StateDatabase } from '../runbook/state-database.ts'
import { type AwsAccess, awsAccess, regionClient } from './aws-access.ts'
import type { Invocation } from './invocation.ts'
import { operator } from './operator.ts'
import { openState } from './state-cluster.ts'

const READY_WITHIN_MS = 10_000
const OWNS_WITHIN_MS = 10_000

/** Lifeboat's own state and what runs on it, in this process. Close it. */
export interface Executive {
  readonly database: StateDatabase
  readonly executions: ExecutionsApi
  readonly telling: NotificationSurroundings
  /** Tells people what has happened until now, and waits for it a little. */
  notified(): Promise<void>
  /** Leaves executions that run here as they are, for `lifeboat execution resume`. */
  close(): Promise<void>
}

/** What a process is going to do with the executive. */
export interface ExecutiveUse {
  /** It runs executions, or watches, and so lives longer than a process that only looks. */
  readonly isLong: boolean
  /** How steps reach a region; by default as `awsAccess` finds out, when a step first needs it. */
  readonly access?: AwsAccess
}

/** Opens the state of the home and what executes runbooks on it. */
export async function openExecutive(
  invocation: Invocation,
  { isLong, access }: ExecutiveUse,
): Promise<Executive> {
  const { clock } = invocation
  const patienceMs = isLong ? OWNS_WITHIN_MS : 0
  const state = await openState({ ...invocation, patienceMs })
  const database = await openDatabase(state.databaseUrl, invocation)
  const regions = new Map<string, RegionClient>()
  let found: Promise<AwsAccess> | undefined
  const howToReach = () => {
    found ??= access ? Promise.resolve(access) : awsAccess(invocation)
    return found
  }
  const reach = async (name: string) => {
    const how = await howToReach()
    const region = regions.get(name) ?? regionClient(how, name, invocation)
    regions.set(name, region)
    return region
  }
  const find = async (input: Json) => {
    const { workload } = input as DataCorruption
    if (!workload.lock) return undefined
    const { documents } = await reach(workload.lock.region)
    return lockOf(workload, { documents, clock, random: systemRandom })
  }
  const tools = async (input: Json) => {
    const { workload } = input as DataCorruption
    const region = await reach(workload.region)
    const { nameServer } = await howToReach()
    const { environment } = invocation
    const around = { region, reach, database, nameServer, environment, clock, random: systemRandom }
    return recoveryTools(around, (execution) => executions.get(execution))
  }
  const executions: Executions = await Executions.open({
    ...{
      database,
      runbooks: RUNBOOKS,
      plan: planOf,
      tools,
      clock,
      onExecute: (id) => notifier.follow(id),
    },
    lock: { find, user: operator(invocation.environment) },
  })
  const environment = (name: string) => invocation.environment[name]
  const telling = { database, reach, clock, environment }
  const notifier = notifierOf(telling, executions, (line) => invocation.output.say(line))
  const close = async () => {
    await notifier.close()
    await executions.close()
    for (const region of regions.values()) region.close()
    await database.close()
    await state.close()
  }
  return { database, executions, telling, notified: () => notifier.close(), close }
}

/** Opens an executive for the length of `work`. */
export async function withExecutive<Result>(
  invocation: Invocation,
  use: ExecutiveUse,
  work: (executive: Executive) => Promise<Result>,
): Promise<Result> {
  const executive = await openExecutive(invocation, use)
  try {
    return await work(executive)
  } finally {
    await executive.close()
  }
}

/** Another process may have started the server a moment ago. */
async function openDatabase(url: string, { clock, signal }: Invocation): Promise<StateDatabase> {
  const end = clock.monotonicMs() + READY_WITHIN_MS
  for (;;) {
    try {
      return await StateDatabase.open(url)
    } catch (error) {
      const isUnreachable = error instanceof LifeboatError && error.code === 'StateUnreachable'
      if (!isUnreachable || clock.monotonicMs() > end) throw error
      await clock.sleep(100, signal)
    }
  }
}
