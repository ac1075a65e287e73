import { mkdir, writeFile } from 'node:fs/promises'
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

/** A pass that finds so few has come as close as it can while customers write. */
const FEW = 100
const MOST_PASSES = 4

/** Brings every bucket home, pass by pass, until little is left that was written meanwhile. */
export async function objectsHomeUntilClose(
  ...asked: Parameters<typeof objectsHome>
): Promise<ObjectsHome> {
  for (let pass = 1; ; pass++) {
    const done = await objectsHome(...asked)
    if (done.copied + done.hidden <= FEW || pass === MOST_PASSES) return done
  }
}

/** Brings every bucket home, as far as it goes while others write; the last pass is done when nobody does. */
export async function objectsHome(
  input: Failback,
  tools: RecoveryTools,
  step: { execution: string; signal: AbortSignal; progress: (message: string) => void },
): Promise<ObjectsHome> {
  const { region: away } = await mirroredTools(tools, input)
  const { lock } = input.workload
  const total = { compared: 0, copied: 0, hidden: 0 }
  const onlyHome: object[] = []
  for (const { bucket, prefixes, replica } of input.workload.buckets) {
    if (!replica) continue
    const brought = await bringHome(
      {
        away: { buckets: away.buckets, bucket: replica.bucket },
        home: { buckets: tools.region.buckets, bucket },
        prefixes,
        isOurs: (key) => !lock || !key.startsWith(lock.prefix),
      },
      {
        signal: step.signal,
        onProgress: (compared) => step.progress(`bucket '${bucket}': ${compared} objects compared`),
      },
    )
    total.compared += brought.compared
    total.copied += brought.copied
    total.hidden += brought.hidden
    onlyHome.push(...brought.onlyHome.map((one) => ({ bucket, ...one })))
  }
  const listFile = await listOf(onlyHome, join(input.incidentFolder, step.execution))
  return { ...total, onlyHome: onlyHome.length, listFile }
}

async function listOf(objects: readonly object[], folder: string): Promise<string | null> {
  if (objects.length === 0) return null
  const file = join(folder, 'objects-only-at-home.jsonl')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lines = objects.map((one) => `${JSON.stringify(one)}\n`)
  await writeFile(file, lines.join(''), { mode: 0o600 })
  return file
}
