import type { TypedLine } from '../../../runbook/runbook.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { act, attempt, awsPerhaps, type FailoverFacts } from './by-hand.ts'
import type { Confirmed } from './confirm.ts'
import type { Ready } from './readiness.ts'
import { type RegionFailure, tried } from './tools.ts'

export type Pinned = {
  /** Whether the public name stays where it is until the database takes writes. */
  readonly isPinned: boolean
  /** Whether the health check was disabled for it. */
  readonly isByCheck: boolean
  readonly how: string
}

const WITHIN_MS = 20_000

/** Keeps the public name from moving before the database takes writes, and from coming home by itself. */
export async function pinDns(
  { records, recordsUnknown }: Ready,
  tools: RecoveryTools,
): Promise<Pinned> {
  const pinned = (isPinned: boolean, how: string) => ({ isPinned, isByCheck: false, how })
  if (!records) return pinned(false, recordsUnknown ?? 'the records are not known')
  if (records.setup === 'manual') return pinned(true, 'nothing moves by itself')
  const { homeCheck, setup } = records
  if (!homeCheck) return pinned(true, 'the record that is answered hangs on no check')
  // A disabled check is healthy, whatever its checkers find.
  const done = await tried(
    tools,
    () => tools.region.route53.setHealthCheck(homeCheck.id, { isDisabled: true }),
    WITHIN_MS,
  )
  if ('answer' in done)
    return { isPinned: true, isByCheck: true, how: `health check ${homeCheck.id} is disabled` }
  return setup === 'gated'
    ? pinned(true, `by its gate alone: ${done.failure}`)
    : pinned(false, done.failure)
}

/** The check of the record decides again, if it did. */
export async function unpinDns({ records }: Ready, tools: RecoveryTools): Promise<void> {
  if (!records?.homeCheck) return
  const { id, isDisabled } = records.homeCheck
  await tools.region.route53.setHealthCheck(id, { isDisabled })
}

/** What customers feel from here on. */
export function costOfFailingOver(
  { workload }: RegionFailure,
  confirmed: Confirmed,
  ready: Ready,
): string[] {
  const { database, closed, services, records, recordsUnknown } = ready
  const by = {
    replica: `its replica '${database.instance}' is promoted`,
    'replicated-backups': `it is restored from replicated backups to '${database.instance}'`,
    snapshot: `it is restored from a copied snapshot to '${database.instance}'`,
  }[database.kind]
  return [
    `${workload.region} is given up for lost: ${confirmed.because}.`,
    `The database comes up in ${ready.region}: ${by}; newest commit there: ${database.newestCommitAt ?? 'unknown'}.`,
    ...(closed.length > 0 ? [`Faster ways are closed: ${closed.join('; ')}.`] : []),
    ...services.map(
      ({ service, runningCount, tasks, trial }) =>
        `Service '${service}' goes from ${runningCount} to ${tasks} tasks; ${trial}.`,
    ),
    records
      ? `DNS is ${records.setup}; the name then leads to ${records.recoveryAddress}, and does not come home by itself.`
      : `DNS is not known: ${recordsUnknown}.`,
    `Writes of '${workload.database.instance}' are stopped, if it can be reached.`,
  ]
}

export function pinDnsByHand({ records }: FailoverFacts): TypedLine[] {
  if (!records?.homeCheck) return [act('nothing moves by itself', 'echo "  nothing to pin"')]
  return [
    attempt(
      `keep health check ${records.homeCheck.id} from deciding; a gated record stays without it`,
      awsPerhaps(
        ...(['us-east-1', 'route53 update-health-check'] as const),
        { 'health-check-id': records.homeCheck.id, disabled: true },
        'HealthCheck.HealthCheckConfig.Disabled',
      ),
    ),
  ]
}
