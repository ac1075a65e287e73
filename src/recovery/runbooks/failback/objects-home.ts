import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { bringHome } from '../../objects/bring-home.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { type Failback, mirroredTools } from './tools.ts'

/** JSON. */
export type ObjectsHome = {
  readonly compared: number
  readonly copied: number
  readonly hidden: number
  readonly onlyHome: number
  /** The list of objects that only the old region has; null when there are none. */
  readonly listFile: string | null
}

/** Turns off the rules that would carry what comes home away again. */
export async function switchRules(
  { workload }: Failback,
  tools: RecoveryTools,
  isEnabled: boolean,
): Promise<{ readonly rules: number }> {
  let rules = 0
  for (const { bucket, replica } of workload.buckets) {
    if (!replica || !(await tools.region.buckets.findReplication(bucket))) continue
    rules += await tools.region.buckets.switchReplication(bucket, replica.bucket, isEnabled)
  }
  return { rules }
}

/** Brings every bucket home, as far as it goes while others write; the last pass is done when nobody does. */
export async function objectsHome(
  input: Failback,
  tools: RecoveryTools,
  step: { execution: string; signal: AbortSignal; progress: (message: string) => void },
): Promise<ObjectsHome> {
  const { region: away } = await mirroredTools(tools, input)
  const total = { compared: 0, copied: 0, hidden: 0, onlyHome: 0 }
  let listFile: string | null = null
  for (const { bucket, prefixes, replica } of input.workload.buckets) {
    if (!replica) continue
    const brought = await bringHome(
      {
        away: { buckets: away.buckets, bucket: replica.bucket },
        home: { buckets: tools.region.buckets, bucket },
        prefixes,
      },
      {
        signal: step.signal,
        onProgress: (compared) => step.progress(`bucket '${bucket}': ${compared} objects compared`),
      },
    )
    total.compared += brought.compared
    total.copied += brought.copied
    total.hidden += brought.hidden
    total.onlyHome += brought.onlyHome.length
    if (brought.onlyHome.length > 0) {
      listFile = join(input.incidentFolder, step.execution, 'objects-only-at-home.jsonl')
      await mkdir(join(input.incidentFolder, step.execution), { recursive: true, mode: 0o700 })
      const lines = brought.onlyHome.map((one) => `${JSON.stringify({ bucket, ...one })}\n`)
      await appendFile(listFile, lines.join(''), { mode: 0o600 })
    }
  }
  return { ...total, listFile }
}
