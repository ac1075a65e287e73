import type { Runbook } from '../../runbook/runbook.ts'
import { fingerprint } from '../runbooks/data-corruption/tools.ts'
import type { Workload } from '../workload.ts'
import { wholeBundle } from './bundle.ts'
import type { Foreseen } from './foresee.ts'
import { GOOD_FOR_DAYS } from './readme.ts'

/** What was exported, and from what. JSON. */
export type ExportedBundle = {
  readonly folder: string
  readonly foreseen: Omit<Foreseen, 'madeAt'> & { readonly madeAt: string }
  /** Of each file, and of the workload file that they were made from, by name. */
  readonly fingerprints: Readonly<Record<string, string>>
}

/** Whether the bundle that was exported last may still be trusted. JSON. */
export type BundleStatus = {
  readonly folder: string
  readonly madeAt: string
  readonly ageSeconds: number
  readonly isOld: boolean
  /** The workload file, and files of the bundle that this Lifeboat would write otherwise from what was found when it was made. */
  readonly changed: readonly string[]
}

/** What is kept of an export, so that `lifeboat status` can say when it is out of date. */
export async function exportedBundle(
  folder: string,
  plan: Runbook,
  foreseen: Foreseen,
): Promise<ExportedBundle> {
  const fingerprints = await fingerprintsOf(plan, foreseen)
  return {
    folder,
    foreseen: { ...foreseen, madeAt: foreseen.madeAt.toISOString() },
    fingerprints,
  }
}

/** Asks nothing of AWS: what has changed there since, only a new export finds. */
export async function bundleStatusOf(
  { folder, foreseen, fingerprints }: ExportedBundle,
  { workload, plan, now }: { workload: Workload; plan: Runbook; now: Date },
): Promise<BundleStatus> {
  const madeAt = new Date(foreseen.madeAt)
  const today = await fingerprintsOf(plan, { ...foreseen, madeAt, workload })
  const names = new Set([...Object.keys(fingerprints), ...Object.keys(today)])
  const ageSeconds = Math.max(0, (now.getTime() - madeAt.getTime()) / 1000)
  return {
    ...{ folder, madeAt: foreseen.madeAt, ageSeconds },
    isOld: ageSeconds > GOOD_FOR_DAYS * 86_400,
    changed: [...names].filter((name) => fingerprints[name] !== today[name]).sort(),
  }
}

async function fingerprintsOf(plan: Runbook, foreseen: Foreseen): Promise<Record<string, string>> {
  const files = await wholeBundle(plan, foreseen)
  const made = [['the workload file', JSON.stringify(foreseen.workload)], ...files] as const
  return Object.fromEntries(made.map(([name, text]) => [name, fingerprint(text)]))
}
