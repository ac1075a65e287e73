import { Command } from 'commander'
import type { RecoveryReport } from '../../recovery/recovery.ts'
import type { Runbook } from '../../runbook/runbook.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'
import { table } from '../output.ts'
import type { RecoveryOptions } from '../recover-workload.ts'
import { describeRunbook, findRunbook, runbookAsJson } from '../runbook-view.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'
import { exportCommand } from './runbook-export.ts'

/** `lifeboat runbook …`: what can be done about a disaster, before and while it is done. */
export function runbookCommand(around: Surroundings): Command {
  return new Command('runbook')
    .description('look at runbooks and run them')
    .addCommand(listCommand(around))
    .addCommand(showCommand(around))
    .addCommand(runCommand(around))
    .addCommand(exportCommand(around))
}

function listCommand(around: Surroundings): Command {
  const command = new Command('list').description('every runbook').action(
    action(around, async ({ output }) => {
      const runbooks = await allRunbooks()
      const rows = runbooks.map(({ name, description }) => [name, description])
      output.result({ runbooks: runbooks.map(runbookAsJson) }, table(['runbook', ''], rows))
    }),
  )
  return withExitCodes(command, [])
}

function showCommand(around: Surroundings): Command {
  const command = new Command('show')
    .description('the steps of a runbook, its gates, and what each undo does')
    .argument('<name>')
    .action(
      action(around, async ({ output }, _options, name = '') => {
        const runbook = findRunbook(await allRunbooks(), name)
        output.result(runbookAsJson(runbook), describeRunbook(runbook))
      }),
    )
  return withExitCodes(command, ['RunbookNotFound'])
}

interface RunOptions extends WorkloadOption, RecoveryOptions {
  readonly dryRun?: boolean
}

function runCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('run'))
    .description('run a runbook on a workload; asks at its gates')
    .argument('<name>')
    .option('--to <time>', 'a moment before the damage, ISO 8601 with a zone; default: found out')
    .option(
      '--accept-data-loss <duration>',
      'promote although more would be lost than the RPO, up to so much',
    )
    .option('--witness <what>', 'what somebody else sees of the outage: an independent witness')
    .option('--attest-fence <how>', 'how you know that the old database takes no writes')
    .option(
      '--failover <execution>',
      'of a failback: the failover to take back; default: the newest',
    )
    .option('--dry-run', 'only show what would be done')
    .option('--yes', 'open every gate without asking')
    .option('--take-over <why>', 'take the lock away from an execution of another Lifeboat')
    .action(
      action(around, async (invocation, options: RunOptions, name = '') => {
        const runbook = findRunbook(await allRunbooks(), name)
        if (options.dryRun) await dryRun(invocation, options, runbook)
        else await run(invocation, options, runbook)
      }),
    )
  return withExitCodes(command, CODES)
}

async function dryRun(
  { output }: Invocation,
  { workload: file }: RunOptions,
  typed: Runbook,
): Promise<void> {
  const { planOf, readWorkload } = await import('../../recovery/recovery.ts')
  const workload = await readWorkload(file)
  const runbook = planOf(typed, { workload })
  const title = `would run on ${workload.name}: DB instance ${workload.database.instance} in ${workload.region}`
  const text = [title, describeRunbook(runbook), '', 'nothing was changed'].join('\n')
  output.result({ dryRun: true, workload: workload.name, ...runbookAsJson(runbook) }, text)
}

async function run(invocation: Invocation, options: RunOptions, runbook: Runbook): Promise<void> {
  const { recoverWorkload } = await import('../recover-workload.ts')
  const { withExecutive } = await import('../executive.ts')
  const { readWorkload, summary } = await import('../../recovery/recovery.ts')
  const { describeReport } = await import('../report-view.ts')
  const workload = await readWorkload(options.workload)
  const { listUpdates } = await import('../../recovery/recovery.ts')
  const { describeNotified } = await import('../update-view.ts')
  await withExecutive(invocation, { isLong: true }, async ({ executions, database, notified }) => {
    const order = { executions, workload, runbook: runbook.name, invocation }
    const report = summary(await recoverWorkload(order, options))
    await notified()
    const told = describeNotified(await listUpdates(database, report.execution))
    invocation.output.result(
      report,
      [describeReport(report), ...nextOf(report), ...told].join('\n'),
    )
  })
}

/** At home again, or restored, the database has another name than in the workload file. */
function nextOf({ status, runbook, restored }: RecoveryReport): string[] {
  const isRenamed = status === 'completed' && restored && runbook !== 'region-failure'
  return isRenamed
    ? [`  next           lifeboat workload update, which names '${restored.instance}'`]
    : []
}

async function allRunbooks(): Promise<readonly Runbook[]> {
  return (await import('../../recovery/recovery.ts')).RUNBOOKS
}

const CODES = [
  'InvalidTime',
  'WorkloadAway',
  'InvalidDuration',
  'WorkloadFileInvalid',
  'WorkloadFileNotFound',
  'RunbookNotFound',
  'ExecutionNotFound',
  'RecoveryRegionNotReady',
  'ExecutionAlreadyRunning',
  'ExecutionLocked',
  'ApprovalRequired',
  'StepFailed',
  'ExecutionCanceled',
  'RegionUnreachable',
  'StateUnreachable',
] as const
