import { Command } from 'commander'
import { LifeboatError } from '../../core/errors.ts'
import type { Workload } from '../../recovery/recovery.ts'
import type { Execution, ExecutionsApi } from '../../runbook/execution.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

interface UpdateOptions extends WorkloadOption {
  readonly execution?: string
  readonly dryRun?: boolean
}

/** `lifeboat workload …`: the workload file. */
export function workloadCommand(around: Surroundings): Command {
  const update = withWorkload(new Command('update'))
    .description('name in the workload file the database that a recovery has made')
    .option('--execution <id>', 'which recovery; default: the newest one of the workload')
    .option('--dry-run', 'tell what would be changed, and change nothing')
    .action(action(around, (invocation, options: UpdateOptions) => run(invocation, options)))
  return new Command('workload')
    .description('the workload file')
    .addCommand(
      withExitCodes(update, [
        'InvalidUsage',
        'FolderNotUsable',
        'WorkloadFileInvalid',
        'WorkloadFileNotFound',
        'ExecutionNotFound',
        'StateUnreachable',
      ]),
    )
}

async function run(invocation: Invocation, options: UpdateOptions): Promise<void> {
  const { withExecutive } = await import('../executive.ts')
  const { readWorkload } = await import('../../recovery/recovery.ts')
  const { namesAfter, updateWorkloadFile } = await import('../../recovery/workload-edit.ts')
  const { output } = invocation
  const { workload: path, dryRun = false } = options
  const workload = await readWorkload(path)
  const execution = await withExecutive(invocation, { isLong: false }, ({ executions }) =>
    recoveryOf(executions, workload, options.execution),
  )
  const { database } = (execution.input as { workload: Workload }).workload
  const after = namesAfter(execution) ?? database
  const changes = await updateWorkloadFile(path, { before: database, after }, { dryRun })
  const lines = changes.map(({ place, key, from, to }) => `${place} ${key}: ${from} -> ${to}`)
  const nothing = `${path} names the database as '${execution.id}' has left it`
  const text = lines.length === 0 ? nothing : lines.join('\n')
  output.result({ execution: execution.id, changes, dryRun }, text)
}

async function recoveryOf(
  executions: ExecutionsApi,
  { name }: Workload,
  id: string | undefined,
): Promise<Execution> {
  if (id !== undefined) return await executions.get(id)
  const { lastCompleted } = await import('../../recovery/whereabouts.ts')
  const newest = await lastCompleted(executions, name)
  if (newest) return newest
  throw new LifeboatError('ExecutionNotFound', `no recovery of '${name}' was completed here`, {
    hint: 'Name one with --execution: lifeboat execution list.',
  })
}
