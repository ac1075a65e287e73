import { LifeboatError } from '../../../core/errors.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import { type Fence, fence, unfence } from '../../fence.ts'
import type { WriteGrant } from '../../grants.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { attempt, type FailoverFacts, FENCE_FILES, logInAt, stopHomeServices } from './by-hand.ts'
import { asAdministratorOf, loginByRecoverySecret, type RegionFailure, tried } from './tools.ts'

/**
 * How sure it is that the old database takes no writes.
 *
 * proven    writes were tried as every role, and refused
 * remote    what writes was stopped by AWS's API; the database itself could not be asked
 * attested  a person says so
 * none      nobody knows: when it comes back, it takes writes (a fence debt)
 */
export type FenceGrade = 'proven' | 'remote' | 'attested' | 'none'

/** JSON. */
export type Fenced = {
  readonly grade: FenceGrade
  readonly why: string
  /** Where the old database is, for the day when it answers again. */
  readonly endpoint: { readonly host: string; readonly port: number }
  /** Of a proven fence: what was taken away, and how far its WAL had come then. */
  readonly proof: (Fence & { readonly lsn: string }) | null
  /** What may write when nothing is fenced. */
  readonly grants: readonly WriteGrant[]
  /** Of a fence that is not proven: whether it had begun to take them away. */
  readonly hasBegun: boolean
  readonly stoppedServices: readonly { readonly cluster: string; readonly service: string }[]
  readonly fencedAt: string
}

const FENCE_WITHIN_MS = 45_000

/**
 * Stops writes to the old database as surely as it can be done now.
 *
 * @param mayWrite  what was seen to be granted before: an attempt that died half-way has left less to see
 */
export async function fencePrimary(
  { workload, fenceAttested }: RegionFailure,
  mayWrite: readonly WriteGrant[],
  tools: RecoveryTools,
  execution: string,
): Promise<Fenced> {
  const { host, port, user } = await loginByRecoverySecret(tools, workload)
  const endpoint = { host, port }
  let grants = mayWrite
  let isLate = false
  let hasBegun = false
  const onTaking = (all: readonly WriteGrant[]) => {
    if (isLate) throw new LifeboatError('FenceNotProven', 'it took too long')
    grants = all
    hasBegun = true
  }
  const done = await tried(
    tools,
    () => proveFence({ workload, tools, endpoint, user, known: mayWrite, onTaking }),
    FENCE_WITHIN_MS,
  )
  isLate = true
  const fencedAt = tools.clock.now().toISOString()
  const known = { endpoint, grants, hasBegun, stoppedServices: [], fencedAt }
  if ('answer' in done) {
    const { refusedWrites } = done.answer.proof
    const why = `${refusedWrites} writes were tried and refused`
    return { ...known, grade: 'proven', why, proof: done.answer }
  }
  const stopped = await stopServices(workload, tools, execution)
  if (stopped.length > 0 && stopped.length === workload.services.length) {
    const why = `its services were stopped by ECS, and the database cannot be asked: ${done.failure}`
    return { ...known, grade: 'remote', why, proof: null, stoppedServices: stopped }
  }
  const rest = { ...known, proof: null, stoppedServices: stopped }
  return fenceAttested === undefined
    ? { ...rest, grade: 'none', why: done.failure }
    : { ...rest, grade: 'attested', why: fenceAttested }
}

/** Fences and notes how far the WAL had come: after it nothing is written that a customer was told of. */
export async function proveFence({
  workload,
  tools,
  endpoint,
  user,
  known,
  onTaking,
}: {
  workload: RegionFailure['workload']
  tools: RecoveryTools
  endpoint: Fenced['endpoint']
  user: string
  known: readonly WriteGrant[]
  onTaking?: (grants: readonly WriteGrant[]) => void
}): Promise<Fence & { readonly lsn: string }> {
  return await asAdministratorOf(tools, workload, endpoint, async (database) => {
    const { in_recovery } = await database.one('select pg_is_in_recovery() as in_recovery')
    if (in_recovery === 't') {
      throw new LifeboatError('FenceNotProven', `${database.place} is a replica itself`)
    }
    const proven = await fence(database, known, user, tools.clock, onTaking)
    const { lsn } = await database.one('select pg_current_wal_flush_lsn()::text as lsn')
    return { ...proven, lsn: lsn ?? '0/0' }
  })
}

/**
 * Gives everything back, and proves it by what was allowed before.
 *
 * @param fenced  what the step has told; null when it died half-way
 * @throws LifeboatError `FenceNotProven`, `DatabaseUnreachable` when it is not known that everything is back
 */
export async function unfencePrimary(
  { workload }: RegionFailure,
  mayWrite: readonly WriteGrant[],
  fenced: Fenced | null,
  tools: RecoveryTools,
  execution: string,
): Promise<void> {
  const grants = fenced?.grants ?? mayWrite
  const giveBack = () =>
    asAdministratorOf(tools, workload, fenced?.endpoint, (database) => unfence(database, grants))
  // A database that was never reached has lost nothing, and need not be there now.
  if (fenced && !fenced.proof && !fenced.hasBegun) await tried(tools, giveBack)
  else await giveBack()
  const stoppedServices = fenced?.stoppedServices ?? workload.services
  for (const { cluster, service } of stoppedServices)
    await tools.region.services.restoreDesiredCount({ cluster, service }, execution)
}

/** Whether the old database may come back and take writes: then it has to be fenced before anything else. */
export function hasFenceDebt({ grade }: Fenced): boolean {
  return grade === 'none' || grade === 'attested'
}

async function stopServices(
  { services }: RegionFailure['workload'],
  tools: RecoveryTools,
  execution: string,
): Promise<Fenced['stoppedServices']> {
  const stopped = await Promise.all(
    services.map(async ({ cluster, service }) => {
      const name = { cluster, service }
      const done = await tried(tools, () =>
        tools.region.services.setDesiredCount(name, 0, execution),
      )
      return 'answer' in done ? [name] : []
    }),
  )
  return stopped.flat()
}

/** All of it may time out: what is lost cannot be fenced, and then owes a fence when it comes back. */
export function fenceByHand(facts: FailoverFacts): TypedLine[] {
  const { workload, primary } = facts
  const { list, fence: sql, unfence: kept } = FENCE_FILES
  return [
    ...stopHomeServices(facts),
    attempt(
      'log in at the old database as its administrator',
      logInAt(facts, primary, workload.database.adminSecret),
    ),
    attempt(
      'note who may write',
      `[ -s ${kept} ] || { psql -XAtqf ${list} -o ${kept} && [ -s ${kept} ]; }`,
    ),
    attempt(
      'take that away, and end sessions; when it fails, the fence is owed: see README.md',
      `[ -s ${kept} ] && psql -Xqv ON_ERROR_STOP=1 -f ${sql}`,
    ),
  ]
}
