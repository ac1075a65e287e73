import { Command } from 'commander'
import { ERRORS } from '../../core/errors.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { LiveLine } from '../live-line.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

/** `lifeboat status`: is the workload well, what could be lost, and what needs somebody. */
export function statusCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('status'))
    .description('is the workload well, to when can it be restored, what needs somebody')
    .option('--exit-code', 'end with an exit code of its own when the workload is not well')
    .action(
      action(around, async (invocation, options: WorkloadOption & { exitCode?: boolean }) => {
        const { withExecutive } = await import('../executive.ts')
        const { withRegion } = await import('../workload-region.ts')
        const { statusOf, whereaboutsOf } = await import('../../recovery/recovery.ts')
        const { lastRecovery } = await import('../last-recovery.ts')
        const { describeStatus } = await import('../status-view.ts')
        const { output, clock } = invocation
        const live = new LiveLine(output, clock)
        const status = await withRegion(invocation, options, ({ workload, reach }) =>
          withExecutive(invocation, { isLong: false }, async ({ database, executions }) => {
            const where = await whereaboutsOf(workload, executions)
            const region = await reach(where.workload.region)
            return statusOf(
              workload,
              where,
              { region, reach, database, clock },
              {
                last: await lastRecovery(executions, workload),
                onProgress: (what) => live.show(what),
              },
            )
          }),
        ).finally(() => live.clear())
        output.result(status, describeStatus(status))
        if (options.exitCode) process.exitCode = EXIT[status.state]
      }),
    )
  return withExitCodes(command, [
    'WorkloadFileInvalid',
    'WorkloadFileNotFound',
    'StateUnreachable',
    'RestoreNotVerified',
    'DatabaseUnreachable',
  ])
}

const EXIT = {
  passed: 0,
  failed: ERRORS.RestoreNotVerified.exit,
  unknown: ERRORS.DatabaseUnreachable.exit,
} as const
