import { formatDuration } from '../core/duration.ts'
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

function describeObjective(
  { objectiveSeconds, measuredSeconds, state }: Objective,
  name: string,
): string {
  const objective = `${name} ${formatDuration(objectiveSeconds)}`
  if (measuredSeconds === null) return `never measured (${objective})`
  return `${formatDuration(measuredSeconds)} in the last recovery, ${objective} ${state}`
}
