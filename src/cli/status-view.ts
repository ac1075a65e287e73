import { formatDuration } from '../core/duration.ts'
import type { BundleStatus } from '../recovery/break-glass/exported.ts'
import type { NameStatus } from '../recovery/dns-gate.ts'
import type { PairStatus } from '../recovery/objects/pair-status.ts'
import type { Objective, WorkloadStatus } from '../recovery/status.ts'

const SIGNS = { passed: '✔', failed: '✘', unknown: '?' } as const
const WORDS = { passed: 'WELL', failed: 'DAMAGED', unknown: 'UNKNOWN' } as const

/** One workload for people: what is wrong first, every number with what it is compared with. */
export function describeStatus(status: WorkloadStatus): string {
  const { workload, world, state, checks, instance, objectives, findings } = status
  return [
    `${workload}   ${WORDS[state]}   world: ${world}`,
    ...findings.map((finding) => `  ! ${finding}`),
    ...checks.map(
      ({ check, state: result, reason }) =>
        `  ${SIGNS[result]} ${check}${reason ? `: ${reason}` : ''}`,
    ),
    ...(status.firstBadAt ? [`  first failed at ${status.firstBadAt}`] : []),
    ...(status.lastGoodAt ? [`  all checks last passed at ${status.lastGoodAt}`] : []),
    ...(instance ? describeInstance(instance) : []),
    ...status.buckets.flatMap(describePair),
    ...(status.publicName ? [describeName(status.publicName)] : []),
    ...(status.breakGlass ? [describeBundle(status.breakGlass)] : []),
    `  recovery time   ${describeObjective(objectives.rto, 'RTO')}`,
    `  data loss       ${describeObjective(objectives.rpo, 'RPO')}`,
  ].join('\n')
}

function describeInstance(instance: NonNullable<WorkloadStatus['instance']>): string[] {
  const { identifier, status, endpoint, engineVersion, restoreWindow, restorableLagSeconds } =
    instance
  const lag =
    restorableLagSeconds === null ? '' : `, ${formatDuration(restorableLagSeconds)} behind now`
  return [
    `  DB instance     ${identifier} is ${status} at ${endpoint ?? 'no endpoint'}, PostgreSQL ${engineVersion ?? '?'}`,
    restoreWindow
      ? `  can restore to  ${restoreWindow.earliest} … ${restoreWindow.latest}${lag}`
      : '  can restore to  nothing yet',
  ]
}

function describeName({ name, setup, recoveryAddress }: NameStatus): string {
  const sign = setup === 'ungated' ? '✘' : '✔'
  const how = {
    gated: 'when the database there takes writes',
    switch: 'by its switch',
    ungated: 'as soon as its primary is ill',
    manual: 'when its record is changed',
  }[setup]
  return `  ${sign} public name    ${name} is ${setup}: it leads to ${recoveryAddress} ${how}`
}

function describeBundle({ folder, ageSeconds, isOld, changed }: BundleStatus): string {
  const sign = isOld || changed.length > 0 ? '✘' : '✔'
  return `  ${sign} break-glass    ${folder}, made ${formatDuration(ageSeconds)} ago`
}

const PAIR_SIGNS = { met: '✔', missed: '✘', unknown: '?' } as const

function describePair(pair: PairStatus): string[] {
  const { bucket, replica, oldestMissingSeconds: oldest, total, missing, canary } = pair
  const why = [
    amountOf(pair.pending, 'pending'),
    amountOf(pair.failed, 'failed'),
    amountOf(pair.neverQueued, 'never queued'),
  ].filter((one) => one !== undefined)
  const loss =
    oldest === null || !missing
      ? 'unknown'
      : missing.versions === 0
        ? `nothing, of ${total?.versions} versions`
        : `${missing.versions} versions (${megabytes(missing.bytes)}), the oldest ${formatDuration(oldest)} old`
  const travel =
    canary?.seconds === undefined || canary.seconds === null
      ? 'unknown'
      : formatDuration(canary.seconds)
  return [
    `  bucket          ${bucket} → ${replica.bucket} in ${replica.region}`,
    `  ${PAIR_SIGNS[pair.state]} lost with its region  ${loss}${why.length > 0 ? `: ${why.join(', ')}` : ''}`,
    `    canary travels ${travel}`,
  ]
}

function amountOf(amount: PairStatus['pending'], what: string): string | undefined {
  if (!amount || amount.versions === 0) return undefined
  return `${amount.versions} ${what} (${megabytes(amount.bytes)})`
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

function describeObjective(
  { objectiveSeconds, measuredSeconds, state }: Objective,
  name: string,
): string {
  const objective = `${name} ${formatDuration(objectiveSeconds)}`
  if (measuredSeconds === null) return `never measured (${objective})`
  return `${formatDuration(measuredSeconds)} in the last recovery, ${objective} ${state}`
}
