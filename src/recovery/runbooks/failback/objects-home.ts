import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bringHome } from '../../objects/bring-home.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { type Failback, mirroredTools } from './tools.ts'

/** JSON. */
export type ObjectsHome = {
  /** In the last pass. */
  readonly compared: number
  /** In all passes. */
  readonly copied: number
  readonly hidden: number
  /** Left to S3, which was about to replicate them when the last pass ended. */
  readonly coming: number
  readonly onlyHome: number
  /** The list of objects that only the old region has; null when there are none. */
  readonly listFile: string | null
}

/** When so few are left, it is as close as it can be while customers write. */
const FEW = 100
/** So many passes are made even when they come no closer. */
const LEAST_PASSES = 4
const REST_MS = 1_000

type Step = { execution: string; signal: AbortSignal; progress: (message: string) => void }

/** Brings every bucket home while customers write, pass by pass, until little is left that was written meanwhile. */
export async function objectsHomeUntilClose(
  input: Failback,
  tools: RecoveryTools,
  step: Step,
): Promise<ObjectsHome> {
  let copied = 0
  let hidden = 0
  let leftBefore = Number.POSITIVE_INFINITY
  for (let pass = 1; ; pass++) {
    const writtenBefore = tools.clock.now()
    const done = await objectsHome(input, tools, { ...step, writtenBefore })
    copied += done.copied
    hidden += done.hidden
    const left = done.copied + done.hidden + done.coming
    const isNoCloser = left >= leftBefore && pass >= LEAST_PASSES
    if (left <= FEW || isNoCloser) return { ...done, copied, hidden }
    leftBefore = left
    await tools.clock.sleep(REST_MS, step.signal)
  }
}

/**
 * Brings every bucket home.
 *
 * @param step.writtenBefore  as of `BringHome`; without it, nobody writes any more
 */
export async function objectsHome(
  input: Failback,
  tools: RecoveryTools,
  step: Step & { readonly writtenBefore?: Date },
): Promise<ObjectsHome> {
  const { region: away } = await mirroredTools(tools, input)
  const { lock } = input.workload
  const total = { compared: 0, copied: 0, hidden: 0, coming: 0 }
  const onlyHome: object[] = []
  for (const { bucket, prefixes, replica } of input.workload.buckets) {
    if (!replica) continue
    const way = {
      away: { buckets: away.buckets, bucket: replica.bucket },
      home: { buckets: tools.region.buckets, bucket },
      prefixes,
      isOurs: (key: string) => !lock || !key.startsWith(lock.prefix),
    }
    const brought = await bringHome(way, {
      clock: tools.clock,
      signal: step.signal,
      onProgress: (compared) => step.progress(`bucket '${bucket}': ${compared} objects compared`),
      ...(step.writtenBefore && { writtenBefore: step.writtenBefore }),
    })
    total.compared += brought.compared
    total.copied += brought.copied
    total.hidden += brought.hidden
    total.coming += brought.coming
    onlyHome.push(...brought.onlyHome.map((one) => ({ bucket, ...one })))
  }
  const listFile = await listOf(onlyHome, join(input.incidentFolder, step.execution))
  return { ...total, onlyHome: onlyHome.length, listFile }
}

async function listOf(objects: readonly object[], folder: string): Promise<string | null> {
  const file = join(folder, 'objects-only-at-home.jsonl')
  if (objects.length === 0) {
    await rm(file, { force: true })
    return null
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lines = objects.map((one) => `${JSON.stringify(one)}\n`)
  await writeFile(file, lines.join(''), { mode: 0o600 })
  return file
}
