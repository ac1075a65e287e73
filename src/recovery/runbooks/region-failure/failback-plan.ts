import type { TypedLine } from '../../../runbook/runbook.ts'
import { findRulesBack } from '../../objects/rules-home.ts'
import { replicatedOf, type Workload } from '../../workload.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { act, check, type FailoverFacts, logInThere, psql } from './by-hand.ts'
import { type Fenced, hasFenceDebt } from './fence-primary.ts'
import type { Promoted } from './promote.ts'
import { asAdministratorOf, type RegionFailure, recoveryRegion, tried } from './tools.ts'

/** How the workload comes home, planned on the day it left. JSON. */
export type FailbackPlan = {
  /** What has to be copied home. */
  readonly databaseBytes: number
  readonly steps: readonly string[]
}

export async function planFailback(
  { workload }: RegionFailure,
  promoted: Promoted,
  fenced: Fenced,
  tools: RecoveryTools,
): Promise<FailbackPlan> {
  const { instance } = workload.database
  const databaseBytes = await asAdministratorOf(
    tools,
    workload,
    promoted.endpoint,
    async (database) => {
      const row = await database.one('select sum(pg_database_size(oid)) as bytes from pg_database')
      return Number(row.bytes)
    },
  )
  const bytes = `${Math.max(1, Math.round(databaseBytes / 1e6)).toLocaleString('en-US')} MB`
  return {
    databaseBytes,
    steps: [
      `wait until ${workload.region} is well`,
      ...(hasFenceDebt(fenced)
        ? [`fence '${instance}' before anything else: it may take writes`]
        : []),
      `keep '${instance}', and write out what only it has`,
      `make a read replica of '${promoted.instance}' in ${workload.region}: ${bytes} to copy`,
      ...(await objectsHome(workload, tools)),
      'stop writes, wait until the replica has all of them, promote it: nothing is lost',
      'move secrets, services and the public name home',
    ],
  }
}

async function objectsHome(workload: Workload, tools: RecoveryTools): Promise<string[]> {
  if (replicatedOf(workload).length === 0) return []
  const { buckets: replicas } = await recoveryRegion(tools, workload)
  return await Promise.all(
    replicatedOf(workload).map(async (pair) => {
      const { bucket, replica } = pair
      const found = await tried(tools, () => findRulesBack(pair, replicas))
      if ('failure' in found) {
        return `bring ${replica.bucket} home to ${bucket}; whether S3 has rules for that is not known: ${found.failure}`
      }
      const { enabled, disabled } = found.answer
      return enabled.length + disabled.length === 0
        ? `copy ${replica.bucket} home to ${bucket}, under new version ids: S3 has no rule that leads back`
        : `replicate ${replica.bucket} back to ${bucket}, also what was written meanwhile`
    }),
  )
}

/** What the way home begins with: without it nobody can tell which rows only the old database has. */
export function planFailbackByHand(facts: FailoverFacts): TypedLine[] {
  return [
    ...logInThere(facts),
    act(
      'timeline, LSN and snapshot of the new database, for the way home',
      `${psql('select pg_walfile_name(pg_current_wal_lsn()), pg_current_wal_lsn(), pg_current_snapshot()')} | tee after-promotion.txt`,
    ),
    check('they are kept', '[ -s after-promotion.txt ]'),
  ]
}
