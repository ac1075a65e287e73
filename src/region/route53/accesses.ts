import { NameError, parseName } from '../../dns/name.ts'
import type { AccessRequest } from '../protocol/authorization.ts'
import type { Change } from '../protocol/models/route-53.ts'

/** What the inputs of Route 53's actions name resources by. */
interface Named {
  readonly Id?: string
  readonly HostedZoneId?: string
  readonly HealthCheckId?: string
  readonly ResourceType?: string
  readonly ResourceId?: string
  readonly ResourceIds?: readonly string[]
  readonly ChangeBatch?: { readonly Changes?: readonly Change[] }
}

/** Actions whose `Id` is that of a zone or of a change. */
const OF_ZONE = new Set(['GetHostedZone', 'DeleteHostedZone', 'UpdateHostedZoneComment'])

/**
 * What an action of Route 53 is about: zones, health checks or a change, else everything.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Route 53".
 */
export function route53Accesses(operation: string, input: Named): AccessRequest[] {
  const action = `route53:${operation}`
  const context = recordContext(input.ChangeBatch?.Changes)
  return resourcesOf(operation, input).map((resource) => ({ action, resource, context }))
}

function resourcesOf(operation: string, input: Named): string[] {
  // Whoever may test an answer may do so for any zone.
  if (operation === 'TestDNSAnswer' || operation === 'ListHostedZonesByName') return ['*']
  if (OF_ZONE.has(operation)) return [arn('hostedzone', input.Id)]
  if (operation === 'GetChange') return [arn('change', input.Id)]
  if (input.HostedZoneId !== undefined) return [arn('hostedzone', input.HostedZoneId)]
  if (input.HealthCheckId !== undefined) return [arn('healthcheck', input.HealthCheckId)]
  const { ResourceType: kind = '', ResourceId, ResourceIds } = input
  const ids = ResourceId === undefined ? ResourceIds : [ResourceId]
  return ids?.length ? ids.map((id) => arn(kind, id)) : ['*']
}

function arn(kind: string, id = ''): string {
  return `arn:aws:route53:::${kind}/${id.replace(/^\/?(hostedzone|change)\//, '')}`
}

/** By these a policy can leave some records to somebody. */
function recordContext(changes: readonly Change[] = []): Record<string, readonly string[]> {
  if (changes.length === 0) return {}
  const sets = changes.map(({ ResourceRecordSet }) => ResourceRecordSet)
  return {
    'route53:ChangeResourceRecordSetsNormalizedRecordNames': sets.map((set) =>
      normalized(set?.Name),
    ),
    'route53:ChangeResourceRecordSetsRecordTypes': sets.map((set) => set?.Type ?? ''),
    'route53:ChangeResourceRecordSetsActions': changes.map(({ Action }) => Action ?? ''),
  }
}

function normalized(name = ''): string {
  try {
    return parseName(name)
  } catch (error) {
    if (error instanceof NameError) return name
    throw error
  }
}
