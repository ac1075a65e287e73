import { LifeboatError } from '../../../core/errors.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import { ledAway, type PublicRecords } from '../../failover-records.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { act, attempt, awsIn, check, type FailoverFacts, quoted, RECORDS_AWAY } from './by-hand.ts'
import type { Ready } from './readiness.ts'
import { type RegionFailure, resolvePublicName, tried, writeAsCustomer } from './tools.ts'
import { writeByHand } from './verify-write.ts'

/** How customers came to the recovery region. JSON. */
export type MovedDns = {
  readonly isMoved: boolean
  readonly how: string
  /** When Route 53 had taken the change, and when the name was seen to lead to the recovery region. */
  readonly changedAt: string | null
  readonly ledAt: string | null
  /** How long a customer may still believe the old answer. */
  readonly ttlSeconds: number | null
  /** When a write through the public name was first answered by the recovery region. */
  readonly firstWriteAt: string
}

const WITHIN_MS = 300_000
const CHANGE_WITHIN_MS = 15_000
const POLL_MS = 50

/**
 * Leads customers to the recovery region, last of all (I5), and writes once through the public name.
 *
 * Where Route 53's API is dead, a record that hangs on a health check moves without it: the check of the secondary is green as
 * soon as the database takes writes.
 */
export async function moveDns(
  { workload }: RegionFailure,
  { records }: Ready,
  verifiedAt: string,
  tools: RecoveryTools,
  step: { execution: string; signal: AbortSignal; progress: (message: string) => void },
): Promise<MovedDns> {
  const { publicName } = workload
  if (!publicName || !records) {
    return {
      isMoved: false,
      how: 'no public name is known',
      ttlSeconds: null,
      changedAt: null,
      ledAt: null,
      firstWriteAt: verifiedAt,
    }
  }
  const why = `Lifeboat ${step.execution}: ${workload.name} is served by the recovery region`
  const changed = await tried(
    tools,
    () => tools.region.route53.upsert(records.zone, [ledAway(records)], why),
    CHANGE_WITHIN_MS,
  )
  const how =
    'answer' in changed ? 'the record was changed' : `by its health checks: ${changed.failure}`
  const changedAt = 'answer' in changed ? tools.clock.now().toISOString() : null
  step.progress(`waiting for ${publicName.name} to lead to ${records.recoveryAddress}`)
  const ttlSeconds = await untilLedAway(publicName.name, records, how, tools, step.signal)
  const ledAt = tools.clock.now().toISOString()
  step.progress(`writing through ${publicName.name}`)
  await untilWritten(workload, tools, step.signal)
  const firstWriteAt = tools.clock.now().toISOString()
  return { isMoved: true, how, ttlSeconds, changedAt, ledAt, firstWriteAt }
}

async function untilLedAway(
  name: string,
  { recoveryAddress }: PublicRecords,
  how: string,
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<number> {
  const deadline = tools.clock.monotonicMs() + WITHIN_MS
  for (;;) {
    const seen = await tried(tools, () => resolvePublicName(tools, name))
    if ('answer' in seen && seen.answer.addresses[0] === recoveryAddress) {
      return seen.answer.ttlSeconds
    }
    if (tools.clock.monotonicMs() > deadline) {
      const leads = 'answer' in seen ? seen.answer.addresses.join(', ') : seen.failure
      throw new LifeboatError('SwitchNotProven', `${name} still leads to ${leads} (${how})`, {
        hint: `Change its record to ${recoveryAddress} by hand, then retry.`,
      })
    }
    await tools.clock.sleep(POLL_MS, signal)
  }
}

async function untilWritten(
  workload: RegionFailure['workload'],
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<void> {
  const deadline = tools.clock.monotonicMs() + WITHIN_MS
  for (;;) {
    const done = await tried(tools, () => writeAsCustomer(tools, workload))
    if ('answer' in done) return
    if (tools.clock.monotonicMs() > deadline) {
      throw new LifeboatError('SwitchNotProven', done.failure, {
        hint: 'Look at the services in the recovery region, then retry.',
      })
    }
    await tools.clock.sleep(POLL_MS, signal)
  }
}

export function moveDnsByHand({ workload, records }: FailoverFacts): TypedLine[] {
  const { publicName } = workload
  if (!publicName || !records) {
    return [
      act('no public name is known', "echo '  lead customers to the recovery region by hand'"),
    ]
  }
  const { name } = publicName
  const write = writeByHand(workload)
  return [
    attempt(
      `lead ${name} to ${records.recoveryAddress}; where Route 53's API is dead, a gated record moves by itself`,
      awsIn(
        ...(['us-east-1', 'route53 change-resource-record-sets'] as const),
        { 'hosted-zone-id': records.zone, 'change-batch': `file://${RECORDS_AWAY}` },
        'ChangeInfo.Id',
      ),
    ),
    check(
      'the name leads there',
      `within 300 says "$(address ${quoted(records.recoveryAddress)})" address ${name}`,
    ),
    ...(write === null
      ? []
      : [check("a customer's write succeeds through the name", `within 300 ${write}`)]),
  ]
}
