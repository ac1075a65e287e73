import { isIP } from 'node:net'
import { changeBatch } from '../aws/route53.ts'
import { assert } from '../core/assert.ts'
import type { DnsSetup, PublicRecords } from './failover-records.ts'
import { awsIn } from './runbooks/region-failure/by-hand.ts'
import type { Workload } from './workload.ts'

/** How the public name of a workload behaves when its region is lost. JSON. */
export type NameStatus = {
  readonly name: string
  readonly setup: DnsSetup
  /** Where customers go then. */
  readonly recoveryAddress: string
  /**
   * For a name that may lead customers away too early: commands of the aws CLI, one a line, that gate it. `PATH` stands for one
   * that answers 200 only while the database of the recovery region takes writes. Null where there is nothing to gate.
   */
  readonly gateBy: string | null
}

/** Tells what a public name will do, and what has to be changed before the day. */
export function nameStatusOf(
  { publicName, http }: Pick<Workload, 'publicName' | 'http'>,
  records: PublicRecords,
): NameStatus {
  const { setup, recoveryAddress } = records
  const name = publicName?.name ?? records.home.name
  return {
    name,
    setup,
    recoveryAddress,
    gateBy: setup === 'ungated' ? gateOf(records, http) : null,
  }
}

/** What of it needs somebody. */
export function nameFindings({ name, setup, recoveryAddress, gateBy }: NameStatus): string[] {
  if (gateBy === null) return []
  return [
    `'${name}' is ${setup}: it leads to ${recoveryAddress} as soon as its primary is ill, before the database there takes writes, and comes home by itself. With PATH one that answers 200 only while that database takes writes: ${gateBy.replaceAll('\n', ' && ')}`,
  ]
}

/** A check of the secondary that asks the right thing: its own, changed, or a new one. */
function gateOf({ zone, away, recoveryAddress }: PublicRecords, http: Workload['http']): string {
  assert(away, 'only a failover pair is ungated')
  const route53 = (call: string, options: Parameters<typeof awsIn>[2], query?: string) =>
    awsIn('us-east-1', `route53 ${call}`, options, query)
  if (away.healthCheck !== null) {
    const changed = { 'health-check-id': away.healthCheck, 'resource-path': 'PATH' }
    return route53('update-health-check', changed)
  }
  const asked = http && new URL(http.url)
  const isSecure = asked?.protocol === 'https:'
  const config = {
    Type: isSecure ? 'HTTPS' : 'HTTP',
    ...(isIP(recoveryAddress)
      ? { IPAddress: recoveryAddress }
      : { FullyQualifiedDomainName: recoveryAddress.replace(/\.$/, '') }),
    Port: Number(asked?.port || (isSecure ? 443 : 80)),
    ResourcePath: 'PATH',
    RequestInterval: 10,
    FailureThreshold: 3,
  }
  const made = {
    'caller-reference': `gate-${zone}`,
    'health-check-config': JSON.stringify(config),
  }
  const gated = changeBatch([{ ...away, healthCheck: 'CHECK' }], 'a gated secondary')
  const change = { 'hosted-zone-id': zone, 'change-batch': JSON.stringify(gated) }
  return [
    `CHECK=$(${route53('create-health-check', made, 'HealthCheck.Id')})`,
    // Out of the quotes, so that the shell fills it in.
    route53('change-resource-record-sets', change).replace('"CHECK"', '"\'$CHECK\'"'),
  ].join('\n')
}
