import { Argument, Command } from 'commander'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'

interface DemoOptions {
  readonly yes?: boolean
  readonly keep?: boolean
  readonly strategy?: string
}

/** `lifeboat demo`: a disaster from beginning to end on this machine, and what the recovery cost. */
export function demoCommand(around: Surroundings): Command {
  const command = new Command('demo')
    .description(
      'bring a disaster over a shop and recover it, on this machine, in a home of its own',
    )
    .addArgument(
      new Argument('[disaster]', 'damaged data, or a region that dies')
        .choices(['data', 'region'])
        .default('data'),
    )
    .option('--yes', 'open every gate without asking')
    .option('--keep', 'leave the region running, to look around')
    .option(
      '--strategy <name>',
      'of the region demo: backup-and-restore, pilot-light, warm-standby or active-active',
    )
    .addHelpText(
      'after',
      '\nIts home is a temporary folder, whatever --home says, and is removed at the end and on Ctrl-C.\nWithout a terminal, or with --json, it asks nothing.',
    )
    .action(
      action(around, (invocation, options: DemoOptions, disaster = 'data') =>
        play(invocation, options, disaster),
      ),
    )
  return withExitCodes(command, [
    'PostgresMissing',
    'PostgresFailed',
    'DiskFull',
    'StepFailed',
    'ExecutionCanceled',
  ])
}

async function play(invocation: Invocation, options: DemoOptions, disaster: string): Promise<void> {
  const { output, clock, signal } = invocation
  const { Stage } = await import('../demo/stage.ts')
  const { Scenes } = await import('../demo/scenes.ts')
  const { rehearse } = await import('../demo/rehearsal.ts')
  const { rehearseRegionFailure } = await import('../demo/region-rehearsal.ts')
  const { describeBill } = await import('../demo/bill.ts')

  const startedAtMs = clock.monotonicMs()
  const stage = await Stage.set(clock)
  let hasWorked = false
  try {
    const scenes = new Scenes(output, clock, signal)
    const rehearsal = disaster === 'region' ? rehearseRegionFailure : rehearse
    const outcome = await rehearsal(invocation, stage, scenes, options)
    hasWorked = true
    const demoSeconds = Math.round(clock.monotonicMs() - startedAtMs) / 1_000
    const report = { ...outcome, demoSeconds }
    output.result(report, describeBill(report))
  } finally {
    const keep = hasWorked && options.keep === true
    if (signal.aborted) output.say('putting everything away')
    const left = await stage.clear({ keep, atOnce: signal.aborted })
    for (const problem of left) output.say(`left behind: ${problem}`)
    const hasFailed = !hasWorked && !signal.aborted
    if (hasFailed) stage.keepLogs()
    if (!keep) stage.remove({ everything: signal.aborted })
    if (hasFailed) output.say(`what everybody logged is in ${stage.logs}`)
  }
}
