import { isIP } from 'node:net'
import { EVERYWHERE, Targets } from '../../dns/health/targets.ts'
import type { HealthCheckConfig } from '../protocol/models/route-53.ts'
import { CHECKER_REGIONS } from './checker-regions.ts'
import { domainName } from './names.ts'
import { invalidInput, unavailable } from './route53.ts'

const TYPES = {
  HTTP: { isEndpoint: true, isHttp: true, isSearched: false, port: 80 },
  HTTPS: { isEndpoint: true, isHttp: true, isSearched: false, port: 443 },
  HTTP_STR_MATCH: { isEndpoint: true, isHttp: true, isSearched: true, port: 80 },
  HTTPS_STR_MATCH: { isEndpoint: true, isHttp: true, isSearched: true, port: 443 },
  TCP: { isEndpoint: true, isHttp: false, isSearched: false, port: undefined },
  CALCULATED: { isEndpoint: false, isHttp: false, isSearched: false, port: undefined },
  CLOUDWATCH_METRIC: { isEndpoint: false, isHttp: false, isSearched: false, port: undefined },
} as const

type CheckType = keyof typeof TYPES

/** Members that only some types have. */
const ENDPOINT_MEMBERS = [
  'IPAddress',
  'Port',
  'ResourcePath',
  'FullyQualifiedDomainName',
  'SearchString',
  'RequestInterval',
  'FailureThreshold',
  'MeasureLatency',
  'EnableSNI',
  'Regions',
] as const
const CALCULATED_MEMBERS = ['HealthThreshold', 'ChildHealthChecks'] as const
const ALARM_MEMBERS = ['AlarmIdentifier', 'InsufficientDataHealthStatus'] as const

/** Addresses that may be named where any that is reachable at all is allowed. */
const anywhere = new Targets(EVERYWHERE)

/**
 * The settings of a health check with all defaults, when they can be meant.
 *
 * Unlike AWS: this machine's own addresses may be named, for an embedded home has no others. Private and public ones may be named
 * as well; they are asked only where the home allows it.
 * Source: Route 53 API Reference, HealthCheckConfig.
 *
 * @throws Route53Fault `InvalidInput`, `UnsupportedOperation`
 */
export function checkedConfig(asked: HealthCheckConfig): HealthCheckConfig {
  const { Type: type } = asked
  if (type === 'RECOVERY_CONTROL' || asked.RoutingControlArn) {
    throw unavailable('Health checks of routing controls (RECOVERY_CONTROL) are')
  }
  if (!type || !Object.hasOwn(TYPES, type)) throw invalid(`Type '${type}' is not one of the types.`)
  const { isEndpoint } = TYPES[type as CheckType]
  if (!isEndpoint) refuseMembers(asked, ENDPOINT_MEMBERS, type)
  if (type !== 'CALCULATED') refuseMembers(asked, CALCULATED_MEMBERS, type)
  if (type !== 'CLOUDWATCH_METRIC') refuseMembers(asked, ALARM_MEMBERS, type)
  const { Inverted = false, Disabled = false } = asked
  const own = isEndpoint
    ? endpointConfig(asked, type as CheckType)
    : type === 'CALCULATED'
      ? calculatedConfig(asked)
      : alarmConfig(asked)
  return { Type: type, ...own, Inverted, Disabled }
}

function endpointConfig(
  asked: HealthCheckConfig,
  type: CheckType,
): Omit<HealthCheckConfig, 'Type'> {
  const { isHttp, isSearched, port } = TYPES[type]
  const { IPAddress, FullyQualifiedDomainName, Port = port, ResourcePath, SearchString } = asked
  if (!IPAddress && !FullyQualifiedDomainName) {
    throw invalid('Either IPAddress or FullyQualifiedDomainName must be specified.')
  }
  if (IPAddress) checkAddress(IPAddress)
  if (FullyQualifiedDomainName) checkHost(FullyQualifiedDomainName)
  if (Port === undefined) throw invalid(`Port must be specified for ${type} health checks.`)
  checkRange('Port', Port, 1, 65_535)
  if (!isHttp && ResourcePath) throw invalid(`${type} health checks must not have a ResourcePath.`)
  if ((ResourcePath ?? '').length > 255 || /[\x00-\x20\x7f-\uffff]/.test(ResourcePath ?? '')) {
    throw invalid('ResourcePath has up to 255 printable characters without spaces.')
  }
  if (isSearched !== Boolean(SearchString)) {
    const words = isSearched ? 'must have' : 'must not have'
    throw invalid(`${type} health checks ${words} a SearchString.`)
  }
  if ((SearchString ?? '').length > 255) throw invalid('SearchString has up to 255 characters.')
  const { RequestInterval = 30, FailureThreshold = 3, MeasureLatency = false } = asked
  if (RequestInterval !== 10 && RequestInterval !== 30) {
    throw invalid('RequestInterval must be 10 or 30.')
  }
  checkRange('FailureThreshold', FailureThreshold, 1, 10)
  const { EnableSNI = type.startsWith('HTTPS') } = asked
  return {
    ...(IPAddress ? { IPAddress } : {}),
    Port,
    ...(ResourcePath ? { ResourcePath } : {}),
    ...(FullyQualifiedDomainName ? { FullyQualifiedDomainName } : {}),
    ...(SearchString ? { SearchString } : {}),
    RequestInterval,
    FailureThreshold,
    MeasureLatency,
    EnableSNI,
    ...(asked.Regions?.length ? { Regions: checkedRegions(asked.Regions) } : {}),
  }
}

function calculatedConfig({ HealthThreshold = 0, ChildHealthChecks = [] }: HealthCheckConfig) {
  checkRange('HealthThreshold', HealthThreshold, 0, 256)
  if (ChildHealthChecks.length > 256) throw invalid('ChildHealthChecks has up to 256 elements.')
  if (new Set(ChildHealthChecks).size < ChildHealthChecks.length) {
    throw invalid('ChildHealthChecks names a health check twice.')
  }
  return { HealthThreshold, ChildHealthChecks }
}

function alarmConfig({ AlarmIdentifier, InsufficientDataHealthStatus }: HealthCheckConfig) {
  const { Region, Name } = AlarmIdentifier ?? {}
  if (!Region || !Name || Name.length > 256) {
    throw invalid('AlarmIdentifier must have a Region and a Name of up to 256 characters.')
  }
  if (!/^[a-z]{2,3}(-[a-z]+)+-\d{1,2}$/.test(Region)) {
    throw invalid(`AlarmIdentifier: '${Region}' is not a region.`)
  }
  const whenUnknown = InsufficientDataHealthStatus ?? 'LastKnownStatus'
  if (!['Healthy', 'Unhealthy', 'LastKnownStatus'].includes(whenUnknown)) {
    throw invalid(`InsufficientDataHealthStatus '${whenUnknown}' is not one of its values.`)
  }
  return { AlarmIdentifier: { Region, Name }, InsufficientDataHealthStatus: whenUnknown }
}

function checkAddress(address: string): void {
  if (isIP(address) === 0) throw invalid(`IPAddress '${address}' is not an IP address.`)
  if (!anywhere.isAllowed(address)) {
    throw invalid(
      `IPAddress '${address}' is forbidden: it is link-local, multicast, of a metadata service or no host's.`,
    )
  }
}

function checkHost(host: string): void {
  const name = domainName(host, (words) => invalid(`FullyQualifiedDomainName: ${words}`))
  if (host.length > 255 || !/^[a-z0-9_.-]+$/.test(name)) {
    throw invalid(`FullyQualifiedDomainName '${host}' is not the name of a host.`)
  }
}

function checkedRegions(regions: readonly string[]) {
  const known = CHECKER_REGIONS.filter((region) => regions.includes(region))
  if (known.length !== regions.length) {
    throw invalid(`Regions must be different ones of ${CHECKER_REGIONS.join(', ')}.`)
  }
  if (known.length < 3) throw invalid('Regions must have at least three elements.')
  return known
}

function refuseMembers(
  config: HealthCheckConfig,
  members: readonly (keyof HealthCheckConfig)[],
  type: string,
): void {
  const given = members.find((member) => {
    const value = config[member]
    return value !== undefined && !(Array.isArray(value) && value.length === 0) && value !== false
  })
  if (given) throw invalid(`${type} health checks must not have ${given}.`)
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw invalid(`${name} must be a number from ${least} to ${most}.`)
}

function invalid(message: string) {
  return invalidInput(`Invalid parameter : ${message}`)
}
