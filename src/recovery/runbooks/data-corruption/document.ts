import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { incidentDocument } from '../../incident-document.ts'
import type { DataCorruptionOutputs } from '../../report.ts'
import { incidentFolder } from './salvage-rows.ts'
import type { DataCorruption, RecoveryTools } from './tools.ts'

/** Writes the incident document; safe to call again. */
export async function document(
  input: DataCorruption,
  outputs: DataCorruptionOutputs,
  tools: RecoveryTools,
  execution: string,
): Promise<{ readonly incidentFile: string }> {
  const folder = incidentFolder(input, execution)
  const incidentFile = join(folder, 'incident.md')
  const text = incidentDocument({
    execution,
    world: outputs.identify?.world ?? 'unknown',
    input,
    outputs,
    journal: await tools.journal(execution),
    updates: await tools.updates(execution),
    writtenAt: tools.clock.now(),
  })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(incidentFile, text, { mode: 0o600 })
  return { incidentFile }
}
