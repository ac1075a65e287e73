import type { HealthCheckSettings, RecordSet, Route53 } from '../aws/route53.ts'
import { LifeboatError } from '../core/errors.ts'
import type { PublicName } from './workload.ts'

/**
 * How the records of a public name behave when a region is lost.
 *
 * gated    a failover pair whose secondary is healthy only when the recovery region takes writes: it cannot move too early
 * switch   a failover pair that hangs on a check of something in the recovery region
 * ungated  a failover pair that moves as soon as the primary is ill, and comes home by itself
 * manual   nothing moves by itself
 */
export type DnsSetup = 'gated' | 'switch' | 'ungated' | 'manual'

/** The records of a public name, as they were found. JSON. */
export type PublicRecords = {
  readonly zone: string
  readonly setup: DnsSetup
  /** That which is answered while all is well: it leads to the region that may be lost. */
  readonly home: RecordSet
  /** Its health check, and whether that is disabled; null when it has none. */
  readonly homeCheck: { readonly id: string; readonly isDisabled: boolean } | null
  /** The secondary of a failover pair. */
  readonly away: RecordSet | null
  /** Where the workload answers in the recovery region. */
  readonly recoveryAddress: string
}

/**
 * Reads how customers find the workload.
 *
 * @throws LifeboatError `RecoveryRegionNotReady` when it is not said where they should go; as `Calls` says
 */
export async function readPublicRecords(
  route53: Route53,
  { name, zone: told, recovery }: PublicName,
): Promise<PublicRecords> {
  const zone = told ?? (await route53.findZone(parentOf(name)))?.id
  if (zone === undefined) throw notReady(`no hosted zone has '${name}'`, name)
  const sets = (await route53.listRecordSets(zone, name)).filter(
    ({ type }) => type === 'A' || type === 'CNAME',
  )
  const away = sets.find(
    ({ routing }) => routing.kind === 'failover' && routing.role === 'secondary',
  )
  const home = sets.find((set) => set !== away)
  const recoveryAddress = recovery ?? (away && addressOf(away))
  if (!home) throw notReady(`'${name}' has no record`, name)
  if (recoveryAddress === undefined) {
    throw notReady(`it is not known where '${name}' should lead to`, name)
  }
  const check = home.healthCheck === null ? null : await route53.getHealthCheck(home.healthCheck)
  const setup = away ? await setupOf(route53, away, check) : 'manual'
  const homeCheck = check && { id: check.id, isDisabled: check.isDisabled }
  return { zone, setup, home, homeCheck, away: away ?? null, recoveryAddress }
}

/**
 * The record that leads customers to the recovery region, and keeps them there: whatever the health checks say, both records
 * of a failover pair lead there.
 *
 * It keeps its health check, without which Route 53 takes no primary record.
 */
export function ledAway({ home, recoveryAddress }: PublicRecords): RecordSet {
  const ttlSeconds = home.content.kind === 'values' ? home.content.ttlSeconds : 60
  return { ...home, content: { kind: 'values', ttlSeconds, values: [recoveryAddress] } }
}

async function setupOf(
  route53: Route53,
  away: RecordSet,
  homeCheck: HealthCheckSettings | null,
): Promise<DnsSetup> {
  if (homeCheck?.isInverted) return 'switch'
  if (away.healthCheck === null) return 'ungated'
  const seen = await route53.listObservations(away.healthCheck)
  // While the primary is well, a gated secondary is not: its database takes no writes.
  const isGreenAtRest = seen.filter(({ isSuccess }) => isSuccess).length * 2 > seen.length
  return isGreenAtRest ? 'ungated' : 'gated'
}

function addressOf({ content }: RecordSet): string | undefined {
  return content.kind === 'values' ? content.values[0] : undefined
}

/** `www.shop.example` is in the zone `shop.example`. */
function parentOf(name: string): string {
  return name.split('.').slice(1).join('.')
}

function notReady(what: string, name: string): LifeboatError {
  return new LifeboatError('RecoveryRegionNotReady', what, {
    hint: `Say it in the workload file: publicName: { name: ${name}, zone: ID, recovery: ADDRESS }.`,
  })
}
