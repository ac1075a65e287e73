import { changeBatch } from '../aws/route53.ts'
import type { DnsSetup, PublicRecords } from './failover-records.ts'
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
  if (!away) return ''
  if (away.healthCheck !== null) {
    return `aws route53 update-health-check --health-check-id ${away.healthCheck} --resource-path PATH`
  }
  const asked = http && new URL(http.url)
  const isSecure = asked?.protocol === 'https:'
  const isAddress = /^[\d.]+$|:/.test(recoveryAddress)
  const config = {
    Type: isSecure ? 'HTTPS' : 'HTTP',
    ...(isAddress
      ? { IPAddress: recoveryAddress }
      : { FullyQualifiedDomainName: recoveryAddress.replace(/\.$/, '') }),
    Port: Number(asked?.port || (isSecure ? 443 : 80)),
    ResourcePath: 'PATH',
    RequestInterval: 10,
    FailureThreshold: 3,
  }
  const gated = changeBatch([{ ...away, healthCheck: 'CHECK' }], 'a gated secondary')
  return [
    `CHECK=$(aws route53 create-health-check --caller-reference gate-${zone} --health-check-config ${quoted(config)} --query HealthCheck.Id --output text)`,
    `aws route53 change-resource-record-sets --hosted-zone-id ${zone} --change-batch ${quoted(gated).replace('"CHECK"', '"\'$CHECK\'"')}`,
  ].join('\n')
}

function quoted(json: unknown): string {
  return `'${JSON.stringify(json).replaceAll("'", "'\\''")}'`
}
