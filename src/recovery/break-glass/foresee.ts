import { LifeboatError } from '../../core/errors.ts'
import { type PublicRecords, readPublicRecords } from '../failover-records.ts'
import { fingerprint, loginTo, type RecoveryTools } from '../runbooks/data-corruption/tools.ts'
import type { FailoverFacts } from '../runbooks/region-failure/by-hand.ts'
import { type DatabaseSource, findEveryWay } from '../runbooks/region-failure/database-sources.ts'
import { findServices } from '../runbooks/region-failure/readiness.ts'
import { recoveryRegion } from '../runbooks/region-failure/tools.ts'
import type { Workload } from '../workload.ts'

/** What the bundle is filled in with. Holds no credential. */
export interface Foreseen extends Omit<FailoverFacts, 'source'> {
  readonly madeAt: Date
  readonly world: string
  /** Everything that the database could come up from, the fastest first; at least one. */
  readonly sources: readonly DatabaseSource[]
  readonly closed: readonly string[]
}

/**
 * Finds out, while all is well, what a failover will need. Everything but Route 53 is asked of the recovery region.
 *
 * @throws LifeboatError `RecoveryRegionNotReady` naming what is missing
 */
export async function foresee(
  tools: Pick<RecoveryTools, 'region' | 'reach' | 'clock'>,
  workload: Workload,
): Promise<Foreseen> {
  const region = await recoveryRegion(tools, workload)
  const madeAt = tools.clock.now()
  // A name of its own for what is restored: two bundles never make the same instance.
  const name = fingerprint(madeAt.toISOString())
  const [{ world }, { sources, closed }, services, records, login] = await Promise.all([
    region.identity(),
    findEveryWay(tools, workload, region, name),
    findServices(tools, workload, region),
    readRecords(tools, workload),
    loginTo({ region }, workload.database.secret, workload),
  ])
  if (sources.length === 0) {
    throw new LifeboatError(
      'RecoveryRegionNotReady',
      `nothing to bring the database up from: ${closed.join('; ')}`,
      { hint: 'Mend it, then export again.' },
    )
  }
  const primary = { host: login.host, port: login.port }
  return {
    workload,
    region: region.region,
    madeAt,
    world,
    sources,
    closed,
    services,
    records,
    primary,
  }
}

async function readRecords(
  { region }: Pick<RecoveryTools, 'region'>,
  { publicName }: Workload,
): Promise<PublicRecords | null> {
  return publicName ? await readPublicRecords(region.route53, publicName) : null
}
