import {
  type HealthCheckConfig,
  Route53Fault,
  type UpdateHealthCheckRequest,
} from '../../protocol/models/route-53.ts'
import { checkedConfig } from '../health-check-config.ts'
import { invalidInput, type Route53 } from '../route53.ts'
import { checkChildren, healthCheckShape } from './health-checks.ts'

/** What can be changed. Source: Route 53 API Reference, UpdateHealthCheck. */
const CHANGEABLE = [
  'IPAddress',
  'Port',
  'ResourcePath',
  'FullyQualifiedDomainName',
  'SearchString',
  'FailureThreshold',
  'Inverted',
  'Disabled',
  'HealthThreshold',
  'ChildHealthChecks',
  'EnableSNI',
  'Regions',
  'AlarmIdentifier',
  'InsufficientDataHealthStatus',
] as const satisfies readonly (keyof HealthCheckConfig & keyof UpdateHealthCheckRequest)[]

const RESETTABLE = [
  'FullyQualifiedDomainName',
  'Regions',
  'ResourcePath',
  'ChildHealthChecks',
] as const

/**
 * UpdateHealthCheck: changes what is given, and leaves the rest. What the checkers think of an endpoint stays until they find
 * otherwise.
 *
 * Source: Route 53 API Reference, UpdateHealthCheck.
 */
export async function updateHealthCheck(route53: Route53, input: UpdateHealthCheckRequest) {
  const check = route53.directory.write((edit) => {
    const before = route53.getCheck(input.HealthCheckId)
    const { HealthCheckVersion: version } = input
    if (version !== undefined && version !== before.version) {
      throw new Route53Fault(
        'HealthCheckVersionMismatch',
        `The health check has version ${before.version}, not ${version}.`,
      )
    }
    const config = checkedConfig(merged(before.config, input))
    if (Boolean(config.IPAddress) !== Boolean(before.config.IPAddress)) {
      throw invalidInput('Invalid parameter : IPAddress cannot be added or removed.')
    }
    checkChildren(route53, config)
    const changed = { ...before, version: before.version + 1, config }
    edit.putCheck(changed)
    route53.publish(edit, { checkId: before.id })
    return changed
  })
  return { HealthCheck: healthCheckShape(check) }
}

function merged(config: HealthCheckConfig, input: UpdateHealthCheckRequest): HealthCheckConfig {
  const changes = CHANGEABLE.flatMap((member) =>
    input[member] === undefined ? [] : [[member, input[member]] as const],
  )
  const result: HealthCheckConfig = { ...config, ...Object.fromEntries(changes) }
  for (const member of input.ResetElements ?? []) {
    if (!(RESETTABLE as readonly string[]).includes(member)) {
      throw invalidInput(`Invalid parameter : ResetElements: '${member}' cannot be reset.`)
    }
    delete result[member as (typeof RESETTABLE)[number]]
  }
  return result
}
