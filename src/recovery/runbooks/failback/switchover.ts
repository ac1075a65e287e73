import { formatDuration } from '../../../core/duration.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { withDatabase } from '../../../probe/database.ts'
import { listWriteGrants, type WriteGrant } from '../../grants.ts'
import { countLoss, type JointLossCount } from '../../loss.ts'
import { loginTo, type RecoveryTools } from '../data-corruption/tools.ts'
import { boundLoss, type LossBound } from '../region-failure/bound-loss.ts'
import { type Fenced, fencePrimary, unfencePrimary } from '../region-failure/fence-primary.ts'
import type { Promoted } from '../region-failure/promote.ts'
import { asAdministratorOf } from '../region-failure/tools.ts'
import { readyAtHome, type Seeded } from './seed.ts'
import { type Failback, mirrored, mirroredTools } from './tools.ts'

const CLOSE_BYTES = 16 * 1024 * 1024
const CATCHES_UP_WITHIN_MS = 6 * 3_600_000
const POLL_MS = 200

/** JSON. */
export type CaughtUp = {
  readonly behindBytes: number
  /** Who may write where the workload is now: seen before anything of it is taken away. */
  readonly grants: readonly WriteGrant[]
}

/** Waits until the replica at home is so close that the rest is a matter of seconds, while customers go on. */
export async function catchUp(
  input: Failback,
  seeded: Seeded,
  tools: RecoveryTools,
  { signal, progress }: { signal: AbortSignal; progress: (message: string) => void },
): Promise<CaughtUp> {
  const { workload, failover } = input
  const deadline = tools.clock.monotonicMs() + CATCHES_UP_WITHIN_MS
  return await asAdministratorOf(tools, workload, failover.promoted.endpoint, (current) =>
    asAdministratorOf(tools, workload, seeded.endpoint, async (replica) => {
      for (;;) {
        const { lsn } = await replica.one('select pg_last_wal_replay_lsn()::text as lsn')
        const { behind } = await current.one(
          'select greatest(0, pg_current_wal_lsn() - $1::pg_lsn)::bigint::text as behind',
          [lsn],
        )
        const behindBytes = Number(behind)
        if (behindBytes <= CLOSE_BYTES) {
          return { behindBytes, grants: await listWriteGrants(current) }
        }
        progress(`${Math.round(behindBytes / 1e6)} MB behind`)
        if (tools.clock.monotonicMs() > deadline) {
          throw new LifeboatError('StepDeadlineExceeded', `'${seeded.instance}' does not catch up`)
        }
        await tools.clock.sleep(POLL_MS, signal)
      }
    }),
  )
}

/**
 * Stops customers' writes where the workload is now: its services first, so that nothing goes to buckets either, then the database.
 *
 * @throws LifeboatError `FenceNotProven` for anything less than a proof: coming home loses nothing
 */
export async function stopAway(
  input: Failback,
  { grants }: CaughtUp,
  tools: RecoveryTools,
  { execution, signal }: { execution: string; signal: AbortSignal },
): Promise<Fenced> {
  const away = await mirroredTools(tools, input)
  const { services } = away.region
  await Promise.all(
    input.failover.ready.services.map(async ({ cluster, service }) => {
      const name = { cluster, service }
      await services.setDesiredCount(name, 0, execution)
      await services.waitUntilStable(name, { deadlineMs: 300_000, everyMs: POLL_MS, signal })
    }),
  )
  const fenced = await fencePrimary(mirrored(input), grants, away, execution)
  if (fenced.grade === 'proven') return fenced
  throw new LifeboatError('FenceNotProven', `writes are not proven to be stopped: ${fenced.why}`, {
    hint: 'Cancel: the workload stays where it is.',
  })
}

/** Customers go on where they are; proven by what was allowed before. */
export async function allowAway(
  input: Failback,
  { grants }: CaughtUp,
  fenced: Fenced | null,
  tools: RecoveryTools,
  execution: string,
): Promise<void> {
  const away = await mirroredTools(tools, input)
  await unfencePrimary(mirrored(input), grants, fenced, away, execution)
  for (const { cluster, service } of input.failover.ready.services) {
    await away.region.services.restoreDesiredCount({ cluster, service }, execution)
  }
}

/** @throws LifeboatError `DataLossNotAccepted` unless the replica has every write */
export async function proveNothingLost(
  input: Failback,
  seeded: Seeded,
  fenced: Fenced,
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<LossBound> {
  const away = await mirroredTools(tools, input)
  const ready = readyAtHome(input, seeded)
  // What the failover had lost is not lost again: only the position decides.
  const { ledger: _, ...withoutLedger } = mirrored(input, seeded.instance)
  const bound = await boundLoss(withoutLedger, ready, fenced, away, signal)
  if (bound.seconds === 0) return bound
  throw new LifeboatError(
    'DataLossNotAccepted',
    `'${seeded.instance}' has not all: ${bound.seconds === null ? 'an unknown time' : formatDuration(bound.seconds)} is missing`,
    { hint: 'Cancel: the workload stays where it is, and writes are allowed again.' },
  )
}

/** Counts acknowledged writes that are not at home; null when nobody kept a record. */
export async function countLostAtHome(
  { workload, ledger }: Failback,
  { endpoint }: Promoted,
  tools: RecoveryTools,
): Promise<JointLossCount | null> {
  if (!ledger) return null
  const login = await loginTo(tools, workload.database.secret, workload, endpoint)
  return await withDatabase(login, { purpose: 'loss' }, (database) =>
    countLoss(database, ledger, tools.region.buckets),
  )
}
