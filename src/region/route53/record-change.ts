import { isRecordType, RECORD_TYPES, type RecordType } from '../../dns/rdata.ts'
import { type Change, type ResourceRecordSet, Route53Fault } from '../protocol/models/route-53.ts'
import { domainName } from './names.ts'
import type { SetRecord } from './records.ts'
import { invalidInput, unavailable } from './route53.ts'

/** One change of a batch. */
export interface RecordChange {
  readonly action: 'CREATE' | 'DELETE' | 'UPSERT'
  readonly set: SetRecord
  /** The zone in which an alias's target is said to be. */
  readonly aliasZoneId: string | undefined
}

const ACTIONS = ['CREATE', 'DELETE', 'UPSERT'] as const
const MAX_TTL_SECONDS = 2_147_483_647
const MAX_WEIGHT = 255
const MAX_IDENTIFIER_LENGTH = 128

/** The kinds of routing of the API, one of which a set with an identifier has. */
const ROUTINGS = ['Weight', 'Region', 'Failover', 'GeoLocation', 'MultiValueAnswer'] as const

/** Kinds of routing that an embedded home has not. */
const ABSENT_ROUTINGS = {
  Region: 'Latency routing (Region) is',
  GeoLocation: 'Geolocation routing (GeoLocation) is',
  GeoProximityLocation: 'Geoproximity routing (GeoProximityLocation) is',
  CidrRoutingConfig: 'IP-based routing (CidrRoutingConfig) is',
  TrafficPolicyInstanceId: 'Traffic policies (TrafficPolicyInstanceId) are',
} as const

/**
 * Reads a change, whose values are not looked at yet.
 *
 * @throws Route53Fault `InvalidInput` for what has not the form of a change, `InvalidChangeBatch` for a name that is none,
 *   `UnsupportedOperation` for what an embedded home has not
 */
export function readChange({ Action: asked, ResourceRecordSet: set }: Change): RecordChange {
  const action = ACTIONS.find((one) => one === asked)
  if (!action) throw notOneOf(asked, ACTIONS)
  if (!set) throw invalidInput('Invalid request: Missing field ResourceRecordSet in Change')
  const type = recordType(set.Type)
  const where = `in Change with [Action=${action}, Name=${set.Name}, Type=${type}, SetIdentifier=${set.SetIdentifier ?? null}]`
  refuseAbsent(set)
  const name = domainName(set.Name ?? '', (words) => new Route53Fault('InvalidChangeBatch', words))
  return {
    action,
    set: {
      name,
      type,
      ...routingOf(set, where),
      ...(set.HealthCheckId ? { healthCheckId: set.HealthCheckId } : {}),
      ...contentOf(set, where),
    },
    aliasZoneId: set.AliasTarget?.HostedZoneId,
  }
}

function recordType(type: string | undefined): RecordType {
  if (type && isRecordType(type)) return type
  if (['SPF', 'NAPTR', 'DS', 'TLSA', 'SSHFP', 'SVCB', 'HTTPS'].includes(type ?? '')) {
    throw unavailable(`Records of type ${type} are`)
  }
  throw notOneOf(type, Object.keys(RECORD_TYPES))
}

function notOneOf(value: string | undefined, values: readonly string[]) {
  return invalidInput(
    `Invalid XML ; cvc-enumeration-valid: Value '${value}' is not facet-valid with respect to enumeration '[${values.join(', ')}]'. It must be a value from the enumeration.`,
  )
}

function refuseAbsent(set: ResourceRecordSet): void {
  for (const [member, words] of Object.entries(ABSENT_ROUTINGS)) {
    if (set[member as keyof typeof ABSENT_ROUTINGS] !== undefined) throw unavailable(words)
  }
}

function routingOf(set: ResourceRecordSet, where: string): Partial<SetRecord> {
  const { SetIdentifier: setIdentifier, Weight: weight, Failover: failover } = set
  const given = ROUTINGS.filter((routing) => set[routing] !== undefined)
  const expected = `Invalid request: Expected exactly one of [${ROUTINGS.slice(0, -1).join(', ')}, or ${ROUTINGS.at(-1)}]`
  if (given.length > 1) throw invalidInput(`${expected}, but found more than one ${where}`)
  if (setIdentifier !== undefined && given.length === 0) {
    throw invalidInput(`${expected}, but found none ${where}`)
  }
  if (setIdentifier === undefined) {
    if (given.length === 0 && !set.HealthCheckId) return {}
    throw invalidInput(`Invalid request: Missing field 'SetIdentifier' ${where}`)
  }
  if (setIdentifier.length < 1 || setIdentifier.length > MAX_IDENTIFIER_LENGTH) {
    throw invalidInput(
      `Invalid request: SetIdentifier has 1 to ${MAX_IDENTIFIER_LENGTH} characters ${where}`,
    )
  }
  if (weight !== undefined && !isWithin(weight, MAX_WEIGHT)) {
    throw invalidInput(`Invalid request: Weight is a number from 0 to ${MAX_WEIGHT} ${where}`)
  }
  if (failover !== undefined && failover !== 'PRIMARY' && failover !== 'SECONDARY') {
    throw notOneOf(failover, ['PRIMARY', 'SECONDARY'])
  }
  if (set.MultiValueAnswer === false) {
    throw invalidInput(`Invalid request: MultiValueAnswer is true or left out ${where}`)
  }
  return {
    setIdentifier,
    ...(weight === undefined ? {} : { weight }),
    ...(failover === undefined ? {} : { failover }),
    ...(set.MultiValueAnswer ? { isMultiValue: true as const } : {}),
  }
}

function contentOf(set: ResourceRecordSet, where: string): Partial<SetRecord> {
  const { AliasTarget: alias, TTL: ttl, ResourceRecords: records = [], MultiValueAnswer } = set
  const hasValues = ttl !== undefined && records.length > 0
  const expected =
    'Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]'
  if (alias && (ttl !== undefined || records.length > 0)) {
    throw invalidInput(`${expected}, but found more than one ${where}`)
  }
  if (alias) {
    if (MultiValueAnswer) {
      throw invalidInput(`Invalid request: Multivalue answers cannot be aliases ${where}`)
    }
    const refuse = (words: string) => new Route53Fault('InvalidChangeBatch', words)
    const name = domainName(alias.DNSName ?? '', refuse)
    return { alias: { name, evaluatesTargetHealth: alias.EvaluateTargetHealth === true } }
  }
  if (!hasValues) throw invalidInput(`${expected}, but found none ${where}`)
  if (!isWithin(ttl, MAX_TTL_SECONDS)) {
    throw invalidInput(`Invalid request: TTL is a number from 0 to ${MAX_TTL_SECONDS} ${where}`)
  }
  return { ttl, values: records.map(({ Value }) => Value ?? '') }
}

function isWithin(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most
}
