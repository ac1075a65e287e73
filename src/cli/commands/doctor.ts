import { Command } from 'commander'
import { ERRORS } from '../../core/errors.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'

const MARKS = { ok: '✔', warning: '!', failed: '✘' } as const

/** `lifeboat doctor`: whether this machine and this home are fit, and how to mend what is not. */
export function doctorCommand(around: Surroundings): Command {
  const command = new Command('doctor')
    .description('check this machine and this home, and say how to mend what is wrong')
    .action(
      action(around, async (invocation) => {
        const { examine } = await import('../examination.ts')
        const { output, home } = invocation
        const findings = await examine(invocation)
        const failed = findings.find((finding) => finding.state === 'failed')
        const lines = findings.flatMap(({ state, what, detail, fix }) => [
          `${MARKS[state]} ${what}: ${detail}`,
          ...(fix ? [`  fix: ${fix}`] : []),
        ])
        output.result({ home: home.folder, fit: !failed, findings }, lines.join('\n'))
        if (failed) process.exitCode = failed.code ? ERRORS[failed.code].exit : 1
      }),
    )
  return withExitCodes(command, ['PostgresMissing', 'FolderNotUsable', 'StateUnreachable'])
}
