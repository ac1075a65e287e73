import { LifeboatError } from '../../core/errors.ts'
import { withDatabase } from '../../probe/database.ts'
import { readPublicRecords } from '../failover-records.ts'
import type { RecoveryTools } from '../runbooks/data-corruption/tools.ts'
import {
  loginByRecoverySecret,
  PROBE_MS,
  recoveryRegion,
  type Tried,
  tried,
  writeAsCustomer,
} from '../runbooks/region-failure/tools.ts'
import { signalOfWitness } from '../witnesses/witness.ts'
import type { Workload } from '../workload.ts'
import type { Signal, SignalKind } from './decision.ts'

/** What this machine sees itself: all of it is one witness. */
const HERE = 'this machine'

/**
 * Looks at a workload from everywhere at once: as a customer, at its database, at the APIs of both regions, by Route 53's checkers
 * and by the replica. What cannot be looked at is unknown; nothing is changed but what one write of a customer changes.
 *
 * @param witness  what somebody else has seen, in words
 */
export async function gatherSignals(
  tools: RecoveryTools,
  workload: Workload,
  witness?: string,
): Promise<Signal[]> {
  const recovery = await recoveryRegion(tools, workload)
  const { instance } = workload.database
  const look = async (
    about: { name: string; kind: SignalKind; source: string },
    ask: () => Promise<Outlook>,
  ) => signalOf(about, await tried(tools, ask), tools.clock.now())

  const signals = [
    look({ name: writeName(workload), kind: 'write', source: HERE }, async () => {
      const status = await writeAsCustomer(tools, workload)
      return status === null ? { unknown: 'the workload file has no http:' } : {}
    }),
    look({ name: `the database '${instance}' answers`, kind: 'read', source: HERE }, async () => {
      await askDatabase(tools, workload)
      return {}
    }),
    look({ name: `RDS in ${workload.region} answers`, kind: 'api', source: HERE }, async () => {
      await tools.region.rds.findInstance(instance)
      return {}
    }),
    look(
      { name: `AWS in ${recovery.region} answers`, kind: 'own-network', source: HERE },
      async () => {
        await recovery.identity()
        return {}
      },
    ),
    look(
      { name: 'the health check of the public name', kind: 'health-check', source: 'Route 53' },
      () => askCheckers(tools, workload),
    ),
    look(
      {
        name: `the replica in ${recovery.region} hears from '${instance}'`,
        kind: 'replica',
        source: recovery.region,
      },
      () => askReplica(tools, workload),
    ),
  ]
  return [
    ...(await Promise.all(signals)),
    ...(await heard(tools, workload)),
    ...(witness ? [told(witness, tools.clock.now())] : []),
  ]
}

/** Nothing in it: all is well. */
type Outlook = { readonly failing?: string; readonly unknown?: string }

function signalOf(
  about: { name: string; kind: SignalKind; source: string },
  outcome: Tried<Outlook>,
  at: Date,
): Signal {
  const since = at.toISOString()
  if ('failure' in outcome) {
    // Who tells of others and does not answer has not said that they are ill.
    const isOwn = about.source === HERE
    return { ...about, since, state: isOwn ? 'failing' : 'unknown', reason: outcome.failure }
  }
  const { failing, unknown } = outcome.answer
  if (failing !== undefined) return { ...about, since, state: 'failing', reason: failing }
  if (unknown !== undefined) return { ...about, since, state: 'unknown', reason: unknown }
  return { ...about, since, state: 'healthy' }
}

function writeName({ publicName, http }: Workload): string {
  return `a write to ${publicName?.name ?? (http ? new URL(http.url).host : 'the workload')}`
}

/** What monitors of others have told a watch. */
async function heard(
  { testimonies, clock }: Pick<RecoveryTools, 'testimonies' | 'clock'>,
  { name, witnesses = [] }: Workload,
): Promise<Signal[]> {
  if (witnesses.length === 0) return []
  const said = await testimonies.of(name)
  return witnesses.map((one) => signalOfWitness(one, said.get(one.name), clock.now()))
}

function told(witness: string, at: Date): Signal {
  const since = at.toISOString()
  return {
    name: witness,
    kind: 'external',
    source: 'a person',
    state: 'failing',
    since,
    reason: witness,
  }
}

async function askDatabase(tools: RecoveryTools, workload: Workload): Promise<void> {
  const login = await loginByRecoverySecret(tools, workload)
  const session = { purpose: 'signal', connectTimeoutMs: PROBE_MS, statementTimeoutMs: PROBE_MS }
  await withDatabase(login, session, (database) => database.query('select 1'))
}

/** Route 53's checkers look from several places of the world, and the first of them that fails says why. */
async function askCheckers(tools: RecoveryTools, { publicName }: Workload): Promise<Outlook> {
  if (!publicName) return { unknown: 'the workload file has no publicName:' }
  const { route53 } = tools.region
  const { home } = await readPublicRecords(route53, publicName)
  if (!home.healthCheck) return { unknown: `the record of ${publicName.name} has no health check` }
  const seen = await route53.listObservations(home.healthCheck)
  if (seen.length === 0) return { unknown: 'no checker has looked yet' }
  const failed = seen.filter(({ isSuccess }) => !isSuccess)
  if (failed.length * 2 <= seen.length) return {}
  return { failing: `${failed.length} of ${seen.length} checkers: ${failed[0]?.status}` }
}

async function askReplica(tools: RecoveryTools, workload: Workload): Promise<Outlook> {
  const { standby } = workload.database
  if (!standby) return { unknown: 'the workload file has no standby' }
  const { rds } = await recoveryRegion(tools, workload)
  const { endpoint } = await rds.getInstance(standby)
  if (!endpoint) return { unknown: `'${standby}' has no endpoint` }
  const login = await loginByRecoverySecret(tools, workload, endpoint)
  const session = { purpose: 'signal', connectTimeoutMs: PROBE_MS, statementTimeoutMs: PROBE_MS }
  return await withDatabase(login, session, async (database) => {
    const { in_recovery } = await database.one('select pg_is_in_recovery() as in_recovery')
    if (in_recovery !== 't') return { unknown: `'${standby}' follows nobody` }
    const [receiver] = await database.query(
      "select status from pg_stat_wal_receiver where status = 'streaming'",
    )
    return receiver ? {} : { failing: 'its stream from the source is cut' }
  })
}

/** What each has seen, in words. */
export function describeSignals(signals: readonly Signal[]): string[] {
  return signals.map(
    ({ name, state, reason }) => `${name}: ${state}${reason === undefined ? '' : ` (${reason})`}`,
  )
}

export function notConfirmed(because: string, signals: readonly Signal[]): LifeboatError {
  return new LifeboatError(
    'FailoverNotConfirmed',
    `${because}: ${describeSignals(signals).join('; ')}`,
    {
      hint: 'When somebody else sees the outage, say so: --witness "WHAT IS SEEN".',
    },
  )
}
