import { Command } from 'commander'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'

interface DemoOptions {
  readonly yes?: boolean
  readonly keep?: boolean
}

/** `lifeboat demo`: a disaster from beginning to end on this machine, and what the recovery cost. */
export function demoCommand(around: Surroundings): Command {
  const command = new Command('demo')
    .description('damage a shop and recover it, on this machine, in a home of its own')
    .option('--yes', 'open every gate without asking')
    .option('--keep', 'leave the region running, to look around')
    .addHelpText(
      'after',
      '\nIts home is a temporary folder, whatever --home says, and is removed at the end and on Ctrl-C.\nWithout a terminal, or with --json, it asks nothing.',
    )
    .action(action(around, (invocation, options: DemoOptions) => play(invocation, options)))
  return withExitCodes(command, [
    'PostgresMissing',
    'PostgresFailed',
    'DiskFull',
    'StepFailed',
    'ExecutionCanceled',
  ])
}

async function play(invocation: Invocation, options: DemoOptions): Promise<void> {
  const { output, clock, signal } = invocation
  const { Stage } = await import('../demo/stage.ts')
  const { Scenes } = await import('../demo/scenes.ts')
  const { rehearse } = await import('../demo/rehearsal.ts')
  const { describeBill } = await import('../demo/bill.ts')

  const startedAtMs = clock.monotonicMs()
  const stage = await Stage.set(clock)
  let hasWorked = false
  try {
    const outcome = await rehearse(invocation, stage, new Scenes(output, clock, signal), options)
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
