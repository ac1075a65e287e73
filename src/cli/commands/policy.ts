import { Command } from 'commander'
import { LifeboatError } from '../../core/errors.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

/** `lifeboat policy [COMMAND…]`: what Lifeboat's own credentials have to be allowed. */
export function policyCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('policy'))
    .description('the least IAM policy that Lifeboat itself needs for a command, or for all')
    .argument('[command...]', 'as it is typed: backup create')
    .option('--bucket <name>', 'of `objects`; default: those of the workload file')
    .action(
      action(
        around,
        async ({ output }, options: WorkloadOption & { bucket?: string }, ...typed) => {
          const { COMMANDS_WITH_RIGHTS, policyOf, readWorkload } = await import(
            '../../recovery/recovery.ts'
          )
          const workload = await readWorkload(options.workload)
          const wanted = typed.flat().join(' ')
          const commands = COMMANDS_WITH_RIGHTS.filter(
            (name) => wanted === '' || name === wanted || name.startsWith(`${wanted} `),
          )
          if (commands.length === 0) {
            throw new LifeboatError('InvalidUsage', `'${wanted}' asks nothing of AWS`, {
              hint: `Choose one of: ${COMMANDS_WITH_RIGHTS.join(', ')}.`,
            })
          }
          const policy = policyOf(workload, commands, options.bucket)
          output.result(policy, JSON.stringify(policy, null, 2))
        },
      ),
    )
  return withExitCodes(command, ['WorkloadFileInvalid', 'WorkloadFileNotFound'])
}
