import type { HealthCheck } from '../../dns/health/health-check.ts'
import { encodeRdata } from '../../dns/rdata.ts'
import type { RecordSet, Routing } from '../../dns/record-set.ts'
import { CHECKER_REGIONS } from './checker-regions.ts'
import type { CheckRecord, SetRecord } from './records.ts'

/** A set of records as the name server has it. */
export function servedSet(set: SetRecord): RecordSet {
  const { name, type, setIdentifier, healthCheckId, alias, ttl = 0, values = [] } = set
  return {
    name,
    type,
    id: setIdentifier,
    routing: routingOf(set),
    healthCheck: healthCheckId,
    content: alias
      ? { kind: 'alias', target: alias.name, inheritsHealth: alias.evaluatesTargetHealth }
      : {
          kind: 'records',
          ttlSeconds: ttl,
          rdata: values.map((value) => encodeRdata(type, value)),
        },
  }
}

function routingOf({ failover, weight, isMultiValue }: SetRecord): Routing {
  if (failover) return { kind: 'failover', role: failover === 'PRIMARY' ? 'primary' : 'secondary' }
  if (weight !== undefined) return { kind: 'weighted', weight }
  return { kind: isMultiValue ? 'multivalue' : 'simple' }
}

/** A health check as the name server watches it. */
export function watchedCheck({ id, version, config }: CheckRecord): HealthCheck {
  const { Type: type = '', Inverted = false, Disabled = false } = config
  const settings = { id, version, isInverted: Inverted, isDisabled: Disabled }
  if (type === 'CALCULATED') {
    const { ChildHealthChecks: children = [], HealthThreshold: healthyAtLeast = 0 } = config
    return { ...settings, kind: 'calculated', children, healthyAtLeast }
  }
  if (type === 'CLOUDWATCH_METRIC') {
    const { Region: region = '', Name: name = '' } = config.AlarmIdentifier ?? {}
    const unknown = config.InsufficientDataHealthStatus
    const whenUnknown =
      unknown === 'Healthy' ? 'healthy' : unknown === 'Unhealthy' ? 'unhealthy' : 'last known'
    return { ...settings, kind: 'alarm', alarm: { region, name }, whenUnknown }
  }
  const path = config.ResourcePath ?? '/'
  return {
    ...settings,
    kind: 'endpoint',
    protocol: type === 'TCP' ? 'tcp' : type.startsWith('HTTPS') ? 'https' : 'http',
    address: config.IPAddress,
    host: config.FullyQualifiedDomainName,
    port: config.Port ?? 0,
    path: path.startsWith('/') ? path : `/${path}`,
    search: config.SearchString,
    sendsServerName: config.EnableSNI ?? false,
    intervalSeconds: config.RequestInterval ?? 30,
    threshold: config.FailureThreshold ?? 3,
    locations: config.Regions?.length ? config.Regions : CHECKER_REGIONS,
  }
}
