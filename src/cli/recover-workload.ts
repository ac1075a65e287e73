import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LifeboatError } from '../core/errors.ts'
import {
  failbackInput,
  findOpenFailover,
  inputOf,
  refuseElsewhere,
  type Workload,
} from '../recovery/recovery.ts'
import { writeLedgerFile } from '../recovery/write-ledger.ts'
import type { Execution, ExecutionsApi } from '../runbook/execution.ts'
import { followToRest } from './follow-to-rest.ts'
import type { Home } from './home.ts'
import type { Invocation } from './invocation.ts'

/** Where `lifeboat watch --write-ledger` records the writes of a workload that were acknowledged. */
export function ledgerPath(home: Home, workload: Workload): string {
  return join(home.folder, 'write-ledgers', `${workload.name}.jsonl`)
}

/** What this machine keeps of a workload: where its incidents go, and what was written meanwhile, if it was watched here. */
export function keptHere(home: Home, workload: Workload) {
  const ledger = ledgerPath(home, workload)
  return {
    incidentFolder: home.incidents,
    ...(existsSync(ledger) && { ledger: writeLedgerFile(ledger, workload) }),
  }
}

/** What a person may say of a recovery beside the workload file. */
export interface RecoveryOptions {
  readonly to?: string
  readonly acceptDataLoss?: string
  readonly witness?: string
  readonly attestFence?: string
  /** Of a failback: the execution of the failover; the newest one of the workload by default. */
  readonly failover?: string
  readonly yes?: boolean
  readonly takeOver?: string
}

/**
 * Runs a runbook on a workload in this process, shows it, and returns it when it has ended.
 *
 * @throws LifeboatError as `followToRest`, and `ExecutionAlreadyRunning`, `ExecutionLocked`, `InvalidTime`, `WorkloadAway`
 */
export async function recoverWorkload(
  o: {
    executions: ExecutionsApi
    workload: Workload
    runbook: string
    invocation: Invocation
  },
  options: RecoveryOptions,
): Promise<Execution> {
  const { executions, workload, invocation } = o
  const { home, output } = invocation
  const kept = keptHere(home, workload)
  if (o.runbook !== 'failback') await refuseElsewhere(workload, executions)
  const input =
    o.runbook === 'failback'
      ? failbackInput(await findFailover(executions, workload, options.failover), kept)
      : inputOf(o.runbook, { ...options, ...kept, workload })
  if (!workload.lock) {
    output.say('only this machine is guarded against a second execution: the workload has no lock')
  }
  const { takeOver } = options
  const own = { owns: workload.name, ...(takeOver !== undefined && { takeOver }) }
  const id = await executions.start(o.runbook, { ...input }, own)
  output.say(`execution ${id}`)
  return followToRest(executions, id, invocation, options)
}

/** @throws LifeboatError `ExecutionNotFound` */
async function findFailover(
  executions: ExecutionsApi,
  { name }: Workload,
  id: string | undefined,
): Promise<Execution> {
  if (id !== undefined) return await executions.get(id)
  const found = await findOpenFailover(executions, name)
  if (found) return found
  throw new LifeboatError('ExecutionNotFound', `'${name}' has not failed over`, {
    hint: 'Name the execution of the failover with --failover.',
  })
}
