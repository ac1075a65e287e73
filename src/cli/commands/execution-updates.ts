import { Command } from 'commander'
import { LifeboatError } from '../../core/errors.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { operator } from '../operator.ts'

const SUBJECT = 'an execution as `execution list` shows it, or watch-WORKLOAD'

/** `lifeboat execution updates`: what people are told, and who has been. */
export function updatesCommand(around: Surroundings): Command {
  const command = new Command('updates')
    .description('the drafted stakeholder updates, and where they were sent')
    .argument('<id>', SUBJECT)
    .action(
      action(around, async (invocation, _options, id = '') => {
        const { withExecutive } = await import('../executive.ts')
        const { listUpdates } = await import('../../recovery/recovery.ts')
        const { describeUpdates } = await import('../update-view.ts')
        await withExecutive(invocation, { isLong: false }, async ({ database, executions }) => {
          if (!id.startsWith('watch-')) await executions.get(id)
          const updates = await listUpdates(database, id)
          invocation.output.result({ updates }, describeUpdates(updates))
        })
      }),
    )
  return withExitCodes(command, ['ExecutionNotFound', 'StateUnreachable'])
}

interface SendOptions {
  readonly to?: string
  readonly again?: boolean
}

/** `lifeboat execution send`: a person has read an update, and sends it. */
export function sendCommand(around: Surroundings): Command {
  const command = new Command('send')
    .description('send an update to those who have not been told')
    .argument('<id>', SUBJECT)
    .argument('<update>', 'its number, as `execution updates` shows it')
    .option('--to <target>', 'only to this one')
    .option('--again', 'also where nobody knows whether it was sent')
    .action(
      action(around, async (invocation, { to, again }: SendOptions, subject = '', update = '') => {
        const { withExecutive } = await import('../executive.ts')
        const { listUpdates, sendUpdate } = await import('../../recovery/recovery.ts')
        const { describeUpdates } = await import('../update-view.ts')
        await withExecutive(invocation, { isLong: false }, async ({ telling }) => {
          const by = operator(invocation.environment)
          const became = await sendUpdate(telling, {
            ...{ subject, update, by },
            ...(to !== undefined && { target: to }),
            ...(again && { isAgain: true }),
          })
          const bad = [...became].filter(([, { state }]) => state !== 'sent')
          if (bad.length > 0) throw notSent(bad)
          const shown = (await listUpdates(telling.database, subject)).filter(
            ({ id }) => id === update,
          )
          invocation.output.result({ updates: shown }, describeUpdates(shown))
        })
      }),
    )
  return withExitCodes(command, ['UpdateNotFound', 'NotificationNotSent', 'StateUnreachable'])
}

function notSent(bad: readonly (readonly [string, { state: string; reason?: string }])[]) {
  const words = bad.map(([target, { state, reason }]) =>
    state === 'failed'
      ? `'${target}' was not told: ${reason}`
      : `nobody knows whether '${target}' was told: ${reason}`,
  )
  const isUnsure = bad.some(([, { state }]) => state === 'unknown')
  return new LifeboatError('NotificationNotSent', words.join('; '), {
    hint: isUnsure
      ? 'Ask whether it arrived before you send it with --again.'
      : 'Send it again when that is mended.',
  })
}
