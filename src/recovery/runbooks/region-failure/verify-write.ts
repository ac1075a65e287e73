import { LifeboatError } from '../../../core/errors.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import type { Promoted } from './promote.ts'
import type { Ready } from './readiness.ts'
import {
  asAdministratorOf,
  type RegionFailure,
  recoveryRegion,
  tried,
  writeAsCustomer,
} from './tools.ts'

export type VerifiedWrite = {
  /** Of the answer; null where the workload has no address that writes: then the database itself was written to. */
  readonly httpStatus: number | null
  readonly verifiedAt: string
  /** Services whose tasks had to be replaced before they found the new database. */
  readonly replaced: readonly string[]
}

const WITHIN_MS = 300_000
const POLL_MS = 50
/** Programs that read their secret once only find the new database when they are started anew. */
const REPLACE_AFTER_MS = 15_000

/** Writes in the recovery region as a customer does, before customers are sent there. */
export async function verifyWrite(
  input: RegionFailure,
  { records }: Ready,
  promoted: Promoted,
  tools: RecoveryTools,
  step: { startedAt: Date; signal: AbortSignal; progress: (message: string) => void },
): Promise<VerifiedWrite> {
  const { workload } = input
  const { clock } = tools
  const address = records?.recoveryAddress ?? workload.publicName?.recovery
  if (!workload.http || address === undefined) {
    await writeToDatabase(input, promoted, tools)
    return { httpStatus: null, verifiedAt: clock.now().toISOString(), replaced: [] }
  }
  const begunMs = clock.monotonicMs()
  let replaced: string[] = []
  step.progress(`writing to ${address} as a customer does`)
  for (;;) {
    const done = await tried(tools, () => writeAsCustomer(tools, workload, address))
    if ('answer' in done) {
      return { httpStatus: done.answer, verifiedAt: clock.now().toISOString(), replaced }
    }
    step.progress(done.failure)
    const passedMs = clock.monotonicMs() - begunMs
    if (passedMs > WITHIN_MS) {
      throw new LifeboatError(
        'SwitchNotProven',
        `the workload takes no writes at ${address}: ${done.failure}`,
        {
          hint: 'Look at the logs of its services in the recovery region, then retry.',
        },
      )
    }
    if (passedMs > REPLACE_AFTER_MS && replaced.length === 0) {
      replaced = await replaceTasks(input, tools, step.startedAt)
    }
    await clock.sleep(POLL_MS, step.signal)
  }
}

async function replaceTasks(
  { workload }: RegionFailure,
  tools: RecoveryTools,
  startedAt: Date,
): Promise<string[]> {
  const { services } = await recoveryRegion(tools, workload)
  for (const { cluster, service } of workload.services) {
    await services.forceNewDeployment({ cluster, service }, startedAt)
  }
  return workload.services.map(({ service }) => service)
}

/** In a table of our own, so that nothing of the workload's is touched. */
async function writeToDatabase(
  { workload }: RegionFailure,
  { endpoint }: Promoted,
  tools: RecoveryTools,
): Promise<void> {
  await asAdministratorOf(tools, workload, endpoint, async (database) => {
    await database.query('create schema if not exists lifeboat')
    await database.query(
      `create table if not exists lifeboat.verified_writes (
         id bigint generated always as identity primary key, at timestamptz not null default clock_timestamp())`,
    )
    await database.query('insert into lifeboat.verified_writes default values')
  })
}
