import type { ResourceRecordSet } from '../protocol/models/route-53.ts'
import { displayName } from './names.ts'
import type { SetRecord } from './records.ts'

/** A set of records as the API gives it. */
export function recordSetShape(zoneId: string, set: SetRecord): ResourceRecordSet {
  const { setIdentifier, weight, failover, isMultiValue, healthCheckId, ttl, values, alias } = set
  return {
    Name: displayName(set.name),
    Type: set.type,
    ...(setIdentifier === undefined ? {} : { SetIdentifier: setIdentifier }),
    ...(weight === undefined ? {} : { Weight: weight }),
    ...(failover === undefined ? {} : { Failover: failover }),
    ...(isMultiValue ? { MultiValueAnswer: true } : {}),
    ...(ttl === undefined ? {} : { TTL: ttl }),
    ...(values ? { ResourceRecords: values.map((Value) => ({ Value })) } : {}),
    ...(alias
      ? {
          AliasTarget: {
            HostedZoneId: zoneId,
            DNSName: displayName(alias.name),
            EvaluateTargetHealth: alias.evaluatesTargetHealth,
          },
        }
      : {}),
    ...(healthCheckId === undefined ? {} : { HealthCheckId: healthCheckId }),
  }
}
