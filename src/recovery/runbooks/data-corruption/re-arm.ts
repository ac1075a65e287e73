import { LifeboatError } from '../../../core/errors.ts'
import { type Difference, fidelityDiff, repairs } from '../../fidelity.ts'
import { advanceSequences } from '../../sequences.ts'
import type { Identified } from './identify.ts'
import type { Restored } from './restore.ts'
import { asAdministrator, type DataCorruption, type RecoveryTools, userTags } from './tools.ts'

export type Rearmed = {
  /** What a restore had changed, and was put back. */
  readonly repaired: readonly Difference[]
  /** What still differs and does not forbid the switch. */
  readonly remaining: readonly Difference[]
  readonly isRebooted: boolean
  readonly sequencesMoved: number
}

const SETTLES_WITHIN_MS = 1_800_000

/**
 * Makes the restored instance what the source was: a restore loses backups' settings, groups, tags and
 * protection. Sequences go past the old instance's, so that no new row takes the key of one to be salvaged.
 *
 * @throws LifeboatError `RestoreNotVerified` while an attribute that must be equal differs
 */
export async function rearm(
  { workload }: DataCorruption,
  { source }: Identified,
  restored: Restored,
  tools: RecoveryTools,
  step: { signal: AbortSignal; progress: (message: string) => void },
): Promise<Rearmed> {
  const { rds } = tools.region
  const before = await rds.getInstance(restored.instance)
  const repaired = fidelityDiff(source, before)
  const changes = repairs(source, before)
  if (Object.keys(changes).length > 0) {
    step.progress(`putting back ${Object.keys(changes).join(', ')}`)
    await rds.modifyInstance(restored.instance, changes)
  }
  if (repaired.some(({ what }) => what.startsWith('tag '))) {
    await rds.tagInstance(restored.arn, userTags(source.tags))
  }
  const isRebooted = await settle(restored.instance, tools, step)

  const remaining = fidelityDiff(source, await rds.getInstance(restored.instance))
  const forbidden = remaining.filter(({ weight }) => weight === 'must')
  if (forbidden.length > 0) {
    const list = forbidden.map((one) => `${one.what} is ${one.restored}, not ${one.source}`)
    throw new LifeboatError('RestoreNotVerified', `'${restored.instance}': ${list.join('; ')}`, {
      hint: 'Change it by hand and retry, or skip this step with a reason.',
    })
  }
  const sequencesMoved = await asAdministrator(tools, workload, source.endpoint, (old) =>
    asAdministrator(tools, workload, restored.endpoint, (fresh) => advanceSequences(old, fresh)),
  )
  const stillThere = new Set(remaining.map(({ what }) => what))
  return {
    repaired: repaired.filter(({ what }) => !stillThere.has(what)),
    remaining,
    isRebooted,
    sequencesMoved,
  }
}

/** Waits until every change is carried out, and reboots when a parameter group asks for it. */
async function settle(
  instance: string,
  { region: { rds }, clock }: RecoveryTools,
  { signal, progress }: { signal: AbortSignal; progress: (message: string) => void },
): Promise<boolean> {
  const wait = (isReady: (one: Awaited<ReturnType<typeof rds.getInstance>>) => boolean) =>
    rds.waitUntil(instance, (one) => one?.status === 'available' && isReady(one), {
      deadlineMs: SETTLES_WITHIN_MS,
      signal,
    })
  // AWS begins to apply a change some seconds after it has accepted it.
  await clock.sleep(200, signal)
  const settled = await wait((one) => one.pendingChanges.length === 0 || one.isRebootPending)
  if (!settled?.isRebootPending) return false
  progress(`rebooting '${instance}', so that its parameter group applies`)
  await rds.rebootInstance(instance)
  await wait((one) => !one.isRebootPending)
  return true
}
