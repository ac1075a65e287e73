import { Command } from 'commander'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { LiveLine } from '../live-line.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

interface RestoreOptions extends WorkloadOption {
  readonly to: string
  readonly as: string
}

/** `lifeboat restore --to TIME|latest --as NAME`: a new instance; consumers stay where they are. */
export function restoreCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('restore'))
    .description(
      "restore the workload's database to a new DB instance; consumers stay where they are",
    )
    .requiredOption('--to <time>', 'ISO 8601 with a zone, or latest')
    .requiredOption('--as <name>', "the new DB instance's identifier")
    .action(
      action(around, async (invocation, options: RestoreOptions) => {
        const { output, clock, signal } = invocation
        const { withRegion } = await import('../workload-region.ts')
        const { restore, parseTime } = await import('../../recovery/recovery.ts')
        const to = options.to === 'latest' ? 'latest' : parseTime(options.to)
        const live = new LiveLine(output, clock)
        const { identifier, status, endpoint } = await withRegion(
          invocation,
          options,
          ({ workload, region }) =>
            restore({
              workload,
              region,
              clock,
              signal,
              to,
              as: options.as,
              onProgress: (message, fraction) => live.show(message, fraction),
            }),
        ).finally(() => live.clear())
        const place = endpoint ? `${endpoint.host}:${endpoint.port}` : null
        output.result(
          { instance: identifier, status, endpoint: place },
          `DB instance ${identifier} is ${status} at ${place}`,
        )
      }),
    )
  return withExitCodes(command, [
    'InvalidTime',
    'WorkloadFileInvalid',
    'WorkloadFileNotFound',
    'RecoveryPointUnreachable',
    'RegionUnreachable',
    'CallRefused',
    'CredentialsRefused',
    'ResourceNotFound',
    'StepDeadlineExceeded',
  ])
}
