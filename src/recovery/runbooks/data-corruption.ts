import { noUndo, runbook } from '../../runbook/runbook.ts'
import { document } from './data-corruption/document.ts'
import { identify } from './data-corruption/identify.ts'
import { leaveNothingBehind } from './data-corruption/leave-nothing-behind.ts'
import { countLostWrites, protect } from './data-corruption/protect.ts'
import { rearm } from './data-corruption/re-arm.ts'
import { removeInstance, restore, restoreControl } from './data-corruption/restore.ts'
import { restoreObjects, undoRestoreObjects } from './data-corruption/restore-objects.ts'
import { costOfPuttingBack, putRowsBack, salvageRows } from './data-corruption/salvage-rows.ts'
import { allowWrites, costOfStopping, stopWrites } from './data-corruption/stop-writes.ts'
import { costOfSwitching, switchConsumers } from './data-corruption/switch-consumers.ts'
import type { DataCorruption, RecoveryTools } from './data-corruption/tools.ts'
import { verify } from './data-corruption/verify.ts'
import { verifyObjects } from './data-corruption/verify-objects.ts'

/** An AWS restore may take hours; everything else is a matter of minutes. */
const HOURS = 4 * 3600

/**
 * A database that was damaged by an operator or a program goes back to the moment before, beside the damaged
 * one, and its buckets with it; consumers follow once everything is proven; good rows that were written since are put back,
 * with the objects to which they point.
 *
 *   identify ─ stop-writes ┬ restore ─────────┬ verify ─────────┬ re-arm ─ switch ┬ salvage ─ put-back ─ put-objects-back ─ count-loss ┐
 *             (harm gate)  ├ restore-control ─┘        │        │       (one-way) └ protect ───────────────────────────────────────────┼ document
 *                          └ restore-objects ─ verify-objects ──┘                                                                      │
 *                                                      └ retire-control ───────────────────────────────────────────────────────────────┘
 */
export const dataCorruption = runbook<DataCorruption, RecoveryTools>('data-corruption', {
  title: 'Recover a database from data corruption',
  description:
    'Goes back to the moment before the damage on a new instance, proves it, moves the consumers and puts good rows back.',
})
  .step('identify', {
    title: 'Identify the damage and the moment before it',
    after: [],
    phase: 'decide',
    deadlineSeconds: 600,
    onDeadline: 'ask',
    run: ({ input, tools }) => identify(input, tools),
    // It changes nothing itself; but it knows what every later step may have begun and not ended.
    undo: ({ input, output, tools, execution, signal }) =>
      leaveNothingBehind(input, output, tools, execution.id, signal),
  })
  .step('stop-writes', {
    title: 'Stop writes to the damaged database',
    phase: 'execute',
    gate: {
      kind: 'harm',
      cost: ({ input, done, tools }) => costOfStopping(input, done.identify, tools),
    },
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, done, tools }) => stopWrites(input, done.identify, tools),
    undo: ({ input, done, tools, output }) => allowWrites(input, done.identify, output, tools),
  })
  .step('restore', {
    title: 'Restore to a new instance',
    phase: 'execute',
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      restore(input, done.identify, tools, { execution: execution.id, signal, progress }),
    undo: ({ output, tools, signal }) => removeInstance(output.arn, tools, signal),
  })
  .step('restore-control', {
    title: 'Restore a damaged copy, on which the checks must fail',
    after: ['stop-writes'],
    phase: 'verify',
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      restoreControl(input, done.identify, tools, { execution: execution.id, signal, progress }),
    undo: ({ output, tools, signal }) => removeInstance(output.arn, tools, signal),
  })
  .step('restore-objects', {
    title: 'Bring the buckets back to the same moment',
    after: ['stop-writes'],
    phase: 'execute',
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      restoreObjects(input, done.identify, tools, { execution: execution.id, signal, progress }),
    undo: ({ input, done, tools, execution, signal }) =>
      undoRestoreObjects(input, done.identify, tools, { execution: execution.id, signal }),
  })
  .step('verify', {
    title: 'Verify the restored data, and the checks themselves',
    after: ['restore', 'restore-control'],
    phase: 'verify',
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, progress }) =>
      verify(input, done.identify, done.restore, done['restore-control'], tools, progress),
    undo: noUndo('what it damages is rolled back, on the copy'),
  })
  .step('verify-objects', {
    title: 'Verify that rows and objects are of one moment',
    after: ['restore', 'restore-objects'],
    phase: 'verify',
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal, progress }) =>
      verifyObjects(input, done.identify, done.restore, tools, { signal, progress }),
    undo: noUndo('undoing restore-objects takes it back, too'),
  })
  .step('re-arm', {
    title: 'Give the new instance back what a restore loses',
    after: ['verify', 'verify-objects'],
    phase: 'execute',
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal, progress }) =>
      rearm(input, done.identify, done.restore, tools, { signal, progress }),
    undo: noUndo('it only changes the instance that undoing the restore deletes'),
  })
  .step('switch', {
    title: 'Move the consumers to the new instance',
    phase: 'execute',
    gate: {
      kind: 'oneWay',
      cost: ({ input, done, tools }) => costOfSwitching(input, done.identify, done.restore, tools),
    },
    deadlineSeconds: 600,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      switchConsumers(input, done.identify, done.restore, tools, {
        execution: execution.id,
        signal,
        progress,
      }),
    undo: noUndo('consumers have written to the new instance: there is only forward'),
  })
  .step('retire-control', {
    title: 'Delete the damaged copy',
    after: ['verify'],
    phase: 'execute',
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: async ({ done, tools, signal }) => {
      const { instance, arn } = done['restore-control']
      await removeInstance(arn, tools, signal)
      return { deleted: instance }
    },
    undo: noUndo('nobody needs the damaged copy'),
  })
  .step('salvage', {
    title: 'Find good rows that only the old instance has',
    after: ['switch'],
    phase: 'execute',
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      salvageRows(input, done.identify, done.restore, tools, {
        execution: execution.id,
        signal,
        progress,
      }),
    undo: noUndo('it only writes files'),
  })
  .step('put-back', {
    title: 'Put the good rows back',
    phase: 'execute',
    gate: { kind: 'harm', cost: async ({ done }) => costOfPuttingBack(done.salvage) },
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      putRowsBack(input, done.identify, done.restore, done.salvage, tools, {
        execution: execution.id,
        signal,
        progress,
      }),
    undo: noUndo('there is only forward after the switch'),
  })
  .step('put-objects-back', {
    title: 'Bring back the objects to which those rows point',
    phase: 'execute',
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal, progress }) =>
      verifyObjects(input, done.identify, done.restore, tools, { signal, progress }),
    undo: noUndo('there is only forward after the switch'),
  })
  .step('count-loss', {
    title: 'Count acknowledged writes that are gone',
    phase: 'verify',
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: ({ input, done, tools }) => countLostWrites(input, done.restore, tools),
    undo: noUndo('it only reads'),
  })
  .step('protect', {
    title: 'Wait until the new instance is protected itself',
    after: ['switch'],
    phase: 'execute',
    deadlineSeconds: 7200,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal, progress }) =>
      protect(
        input,
        done.identify,
        done.restore,
        done['stop-writes'].grants,
        new Date(done.switch.switchedAt),
        tools,
        { signal, progress },
      ),
    undo: noUndo('protection is never taken back'),
  })
  .step('document', {
    title: 'Write the incident document',
    after: ['count-loss', 'protect', 'retire-control'],
    phase: 'execute',
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution }) => document(input, { ...done }, tools, execution.id),
    undo: noUndo('it only writes a file'),
  })
  .build()
