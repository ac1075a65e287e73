import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { backupCommand } from './commands/backup.ts'
import { costCommand } from './commands/cost.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { executionCommand } from './commands/execution.ts'
import { explainCommand } from './commands/explain.ts'
import { objectsCommand } from './commands/objects.ts'
import { policyCommand } from './commands/policy.ts'
import { regionCommand } from './commands/region.ts'
import { restoreCommand } from './commands/restore.ts'
import { runbookCommand } from './commands/runbook.ts'
import { statusCommand } from './commands/status.ts'
import { watchCommand } from './commands/watch.ts'
import { workloadCommand } from './commands/workload.ts'
import type { Surroundings } from './invocation.ts'

/**
 * Everything that can be typed after `lifeboat`.
 *
 * Commands import what they work with only when they run, so that `--help` answers at once.
 */
export function commandLine(around: Surroundings): Command {
  const program = new Command('lifeboat')
    .description('Backup and disaster recovery for PostgreSQL on AWS, rehearsed on this machine.')
    .version(version(), '-V, --version')
    .option(
      '--home <folder>',
      'where state and data live (LIFEBOAT_HOME; default: XDG state folder)',
    )
    .option('--json', 'print one JSON object on stdout and nothing else')
    .helpCommand('help [command]', 'show what a command takes')

  program.commandsGroup('See it work:')
  program.addCommand(demoCommand(around))
  program.commandsGroup('A workload:')
  program.addCommand(statusCommand(around))
  program.addCommand(watchCommand(around))
  program.addCommand(backupCommand(around))
  program.addCommand(restoreCommand(around))
  program.addCommand(objectsCommand(around))
  program.addCommand(runbookCommand(around))
  program.addCommand(executionCommand(around))
  program.addCommand(policyCommand(around))
  program.addCommand(costCommand(around))
  program.addCommand(workloadCommand(around))
  program.commandsGroup('This machine:')
  program.addCommand(regionCommand(around))
  program.addCommand(doctorCommand(around))
  program.commandsGroup('Help:')
  program.addCommand(explainCommand(around))

  for (const command of everyCommand(program)) settle(command)
  return program
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)]
}

/** commander would print errors and exit by itself; `main` does both, in one form for all failures. */
function settle(command: Command): void {
  command
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
}

function version(): string {
  const url = new URL('../../package.json', import.meta.url)
  const compiled = new URL('../../../package.json', import.meta.url)
  const file = import.meta.url.includes('/dist/') ? compiled : url
  return JSON.parse(readFileSync(file, 'utf8')).version
}
