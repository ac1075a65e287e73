import { missingGrants, unfence } from '../../fence.ts'
import { listWriteGrants } from '../../grants.ts'
import type { Identified } from './identify.ts'
import { removeInstance } from './restore.ts'
import { undoRestoreObjects } from './restore-objects.ts'
import {
  asAdministrator,
  type DataCorruption,
  derivedName,
  EXECUTION_TAG,
  type RecoveryTools,
} from './tools.ts'

/**
 * Takes back what steps had begun when the execution was canceled: a step that failed or was killed half-way has
 * no output by which its own undo could know. Safe to call again, and after everything was undone already.
 *
 * Instances are deleted by their ARN, and only when they carry this execution's tag (I15).
 */
export async function leaveNothingBehind(
  input: DataCorruption,
  identified: Identified,
  tools: RecoveryTools,
  execution: string,
  signal: AbortSignal,
): Promise<void> {
  const { source, grants } = identified
  if (await isHalfDone('restore-objects', tools, execution)) {
    await undoRestoreObjects(input, identified, tools, { execution, signal })
  }
  await asAdministrator(tools, input.workload, source.endpoint, async (database) => {
    const missing = missingGrants(grants, await listWriteGrants(database))
    if (missing.length > 0) await unfence(database, missing)
  })
  for (const role of ['restored', 'control']) {
    const name = derivedName(source.instance, role, execution)
    const instance = await tools.region.rds.findInstance(name)
    if (instance?.tags[EXECUTION_TAG] !== execution) continue
    await removeInstance(instance.arn, tools, signal)
  }
}

/** Whether a step began and did not end well, so that its own undo is not called. */
async function isHalfDone(step: string, tools: RecoveryTools, execution: string): Promise<boolean> {
  const { steps } = await tools.journal(execution)
  const last = steps.find(({ name }) => name === step)?.attempts.at(-1)
  return last !== undefined && (!last.endedAt || !!last.error)
}
