import { OUR_SESSIONS } from '../../../probe/database.ts'
import { type Fence, fence, unfence } from '../../fence.ts'
import { restoreForecast } from './forecast.ts'
import type { Identified } from './identify.ts'
import { costOfRestoringObjects } from './restore-objects.ts'
import { asAdministrator, type DataCorruption, type RecoveryTools } from './tools.ts'

/** Takes every privilege to write away, ends sessions, and proves both (I6: after the harm gate). */
export async function stopWrites(
  { workload }: DataCorruption,
  { source, grants }: Identified,
  tools: RecoveryTools,
): Promise<Fence & { readonly stoppedAt: string }> {
  const { user } = await tools.region.secrets.getDatabaseSecret(workload.database.secret)
  const proven = await asAdministrator(tools, workload, source.endpoint, (database) =>
    fence(database, grants, user, tools.clock),
  )
  return { ...proven, stoppedAt: tools.clock.now().toISOString() }
}

/** Gives everything back that was taken away, and proves it. */
export async function allowWrites(
  { workload }: DataCorruption,
  { source, grants }: Identified,
  fenced: Fence | undefined,
  tools: RecoveryTools,
): Promise<void> {
  await asAdministrator(tools, workload, source.endpoint, (database) =>
    unfence(database, fenced?.grants ?? grants),
  )
}

/** What stopping writes costs, as it is at this moment. */
export async function costOfStopping(
  input: DataCorruption,
  identified: Identified,
  tools: RecoveryTools,
): Promise<string[]> {
  const { source, recoveryPoint } = identified
  const ofObjects = await costOfRestoringObjects(input, identified, tools)
  const { workload } = input
  return asAdministrator(tools, workload, source.endpoint, async (database) => {
    const { sessions } = await database.one(
      `select count(*) as sessions from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
          and coalesce(backend_type, 'client backend') = 'client backend'
          and application_name not like '${OUR_SESSIONS}%'`,
    )
    const newest = `select pg_snapshot_xmax(pg_current_snapshot())::text as id`
    const before = await database.one(newest)
    await tools.clock.sleep(1_000)
    const after = await database.one(newest)
    const perSecond = Math.max(0, Number(after.id) - Number(before.id))
    return [
      `${sessions} sessions of '${source.instance}' will be ended.`,
      `About ${perSecond} transactions a second write to it; they will be refused.`,
      `Consumers wait until they are moved: ${restoreForecast(identified.world, identified.databaseBytes)}.`,
      `The database goes back to ${recoveryPoint.time} (${recoveryPoint.how}, ${recoveryPoint.certainty}): ${recoveryPoint.explanation}.`,
      ...ofObjects,
    ]
  })
}
