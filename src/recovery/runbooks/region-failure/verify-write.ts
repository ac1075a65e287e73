import { LifeboatError } from '../../../core/errors.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import type { Workload } from '../../workload.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { act, awsIn, check, type FailoverFacts, logInThere, psql, quoted } from './by-hand.ts'
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
const WRITES_TABLE = `create table if not exists lifeboat.verified_writes (id bigint generated always as identity primary key, at timestamptz not null default clock_timestamp())`

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
    await database.query(WRITES_TABLE)
    await database.query('insert into lifeboat.verified_writes default values')
  })
}

export function verifyWriteByHand(facts: FailoverFacts): TypedLine[] {
  const { workload, region, services, records } = facts
  const address = records?.recoveryAddress ?? workload.publicName?.recovery
  const database = [
    ...logInThere(facts, workload.database.adminSecret),
    act(
      'a place for writes of ours',
      psql(`create schema if not exists lifeboat; ${WRITES_TABLE}`),
    ),
    check(
      'the database takes a write',
      psql('insert into lifeboat.verified_writes default values'),
    ),
  ]
  const write = writeByHand(workload, address)
  if (write === null || address === undefined) return database
  const anew = services.map(({ cluster, service }) =>
    awsIn(
      ...([region, 'ecs update-service'] as const),
      { cluster, service, 'force-new-deployment': true },
      'service.desiredCount',
    ),
  )
  return [
    ...database,
    act(
      'a program that reads its secret once has to start anew',
      [`within 15 ${write}`, ...(anew.length > 0 ? [`{ ${anew.join('; ')}; }`] : [])].join(' || '),
    ),
    check(`a customer's write succeeds at ${address}`, `within 300 ${write}`),
  ]
}

/** A write as a customer makes one: at an address, or through the name. Null where the workload has none. */
export function writeByHand({ http }: Workload, address?: string): string | null {
  if (!http) return null
  const { hostname, port, protocol } = new URL(http.url)
  const at = port || (protocol === 'https:' ? '443' : '80')
  const to = address === undefined ? `"$(address ${hostname})"` : quoted(address)
  const options = [
    `--connect-to ${hostname}:${at}:${to}:${at}`,
    ...(http.body === undefined
      ? []
      : [`-H 'content-type: application/json' --data ${quoted(http.body)}`]),
  ]
  const seconds = Math.ceil(http.timeoutSeconds)
  return `curl -fsS -o /dev/null --max-time ${seconds} -X ${http.method} ${options.join(' ')} ${quoted(http.url)}`
}
