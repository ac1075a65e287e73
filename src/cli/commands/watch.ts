import { Command } from 'commander'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { portNumber } from '../port-number.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

export interface WatchOptions extends WorkloadOption {
  /** False with `--no-start`. */
  readonly start: boolean
  readonly yes?: boolean
  readonly writeLedger?: boolean
  readonly once?: boolean
  readonly witnessPort?: number
}

/** `lifeboat watch`: runs the checks in the foreground, and the runbook when one turns red. */
export function watchCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('watch'))
    .description('run the checks of a workload; when one turns red, run data-corruption')
    .option('--no-start', 'only report')
    .option('--yes', "open the runbook's gates without asking")
    .option('--once', 'end after the first recovery, or with --no-start when a check is red')
    .option(
      '--write-ledger',
      'also write a number a second to the database (schema lifeboat), to count data loss by',
    )
    .option(
      '--witness-port <port>',
      'hear the witnesses of the workload file there, on 127.0.0.1',
      portNumber,
    )
    .action(
      action(around, async (invocation, options: WatchOptions) => {
        const { watchWorkload } = await import('../watch-workload.ts')
        await watchWorkload(invocation, options)
      }),
    )
  return withExitCodes(command, [
    'WorkloadFileInvalid',
    'WorkloadFileNotFound',
    'PortTaken',
    'RegionUnreachable',
    'StateUnreachable',
    'ApprovalRequired',
    'StepFailed',
    'ExecutionCanceled',
    'RestoreNotVerified',
  ])
}
