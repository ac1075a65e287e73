import { unfence } from '../../fence.ts'
import { isHalfDone } from '../half-done.ts'
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
  await asAdministrator(tools, input.workload, source.endpoint, (database) =>
    unfence(database, grants),
  )
  for (const role of ['restored', 'control']) {
    const name = derivedName(source.instance, role, execution)
    const instance = await tools.region.rds.findInstance(name)
    if (instance?.tags[EXECUTION_TAG] !== execution) continue
    await removeInstance(instance.arn, tools, signal)
  }
}
