import {
  type CreateHealthCheckRequest,
  type DeleteHealthCheckRequest,
  type GetHealthCheckRequest,
  type HealthCheck,
  type HealthCheckConfig,
  type ListHealthChecksRequest,
  Route53Fault,
} from '../../protocol/models/route-53.ts'
import { checkedConfig } from '../health-check-config.ts'
import { pageSize } from '../page.ts'
import type { CheckRecord } from '../records.ts'
import { invalidInput, type Route53 } from '../route53.ts'
import { checkedReference } from './hosted-zones.ts'

/** Source: Route 53 Developer Guide, "Quotas on health checks". */
const MAX_CHECKS = 200
const MAX_REFERENCE_LENGTH = 64
const MAX_ITEMS = 100

/**
 * CreateHealthCheck: a check that is watched from then on. A reference that was used with the same settings answers the check
 * of then.
 *
 * Unlike AWS: whether there is such an alarm is not looked up; while there is none, it has insufficient data.
 * Source: Route 53 API Reference, CreateHealthCheck.
 */
export async function createHealthCheck(route53: Route53, input: CreateHealthCheckRequest) {
  const callerReference = checkedReference(input.CallerReference)
  if (callerReference.length > MAX_REFERENCE_LENGTH) {
    throw invalidInput(
      `Invalid parameter : CallerReference must have at most ${MAX_REFERENCE_LENGTH} characters.`,
    )
  }
  const config = checkedConfig(input.HealthCheckConfig ?? { Type: undefined })
  const asked = JSON.stringify(config)
  const { directory, random } = route53
  const check = directory.write((edit) => {
    const used = directory.reference('healthcheck', callerReference)
    const existing = used && directory.check(used.id)
    if (existing && used.asked === asked) return existing
    if (used) {
      throw new Route53Fault(
        'HealthCheckAlreadyExists',
        `A health check has already been created with the specified caller reference: ${callerReference}`,
      )
    }
    if (directory.checks().length >= MAX_CHECKS) {
      throw new Route53Fault(
        'TooManyHealthChecks',
        `The health check cannot be created: the limit of ${MAX_CHECKS} has been reached.`,
      )
    }
    checkChildren(route53, config)
    const made: CheckRecord = {
      id: random.hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      callerReference,
      version: 1,
      config,
    }
    edit.putCheck(made)
    edit.putReference('healthcheck', callerReference, { id: made.id, asked })
    route53.publish(edit, { checkId: made.id })
    return made
  })
  return {
    HealthCheck: healthCheckShape(check),
    Location: `https://route53.amazonaws.com/2013-04-01/healthcheck/${check.id}`,
  }
}

/** GetHealthCheck: the settings of a check. */
export async function getHealthCheck(route53: Route53, { HealthCheckId }: GetHealthCheckRequest) {
  return { HealthCheck: healthCheckShape(route53.getCheck(HealthCheckId)) }
}

/** ListHealthChecks: by their ids; a marker is the id that a page begins with. */
export async function listHealthChecks(route53: Route53, input: ListHealthChecksRequest) {
  const size = pageSize(input.MaxItems, MAX_ITEMS)
  const checks = route53.directory.checks().filter(({ id }) => id >= (input.Marker ?? ''))
  const next = checks[size]
  return {
    HealthChecks: checks.slice(0, size).map(healthCheckShape),
    Marker: input.Marker,
    IsTruncated: next !== undefined,
    ...(next ? { NextMarker: next.id } : {}),
    MaxItems: size,
  }
}

/** GetHealthCheckCount: how many checks there are. */
export async function getHealthCheckCount(route53: Route53) {
  return { HealthCheckCount: route53.directory.checks().length }
}

/**
 * DeleteHealthCheck: also one by which records are judged, which are healthy from then on. One that a calculated check counts
 * stays.
 *
 * Source: Route 53 API Reference, DeleteHealthCheck.
 */
export async function deleteHealthCheck(
  route53: Route53,
  { HealthCheckId }: DeleteHealthCheckRequest,
) {
  const { directory } = route53
  directory.write((edit) => {
    const { id } = route53.getCheck(HealthCheckId)
    const parent = directory.checks().find(({ config }) => config.ChildHealthChecks?.includes(id))
    if (parent) {
      throw new Route53Fault(
        'HealthCheckInUse',
        `The health check ${id} is a child of the calculated health check ${parent.id}.`,
      )
    }
    edit.removeCheck(id)
    route53.publish(edit, { checkId: id })
  })
  return {}
}

/** A calculated check counts checks that are there, and no other calculated ones. */
export function checkChildren(route53: Route53, { ChildHealthChecks = [] }: HealthCheckConfig) {
  for (const id of ChildHealthChecks) {
    const child = route53.directory.check(id)
    if (!child)
      throw invalidInput(`Invalid parameter : the child health check ${id} does not exist.`)
    if (child.config.Type === 'CALCULATED') {
      throw invalidInput(`Invalid parameter : the child health check ${id} is a calculated one.`)
    }
  }
}

export function healthCheckShape({
  id,
  callerReference,
  version,
  config,
}: CheckRecord): HealthCheck {
  return {
    Id: id,
    CallerReference: callerReference,
    HealthCheckConfig: config,
    HealthCheckVersion: version,
  }
}
