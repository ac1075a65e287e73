import type {
  ListHostedZonesByNameRequest,
  ListHostedZonesRequest,
} from '../../protocol/models/route-53.ts'
import { Route53Fault } from '../../protocol/models/route-53.ts'
import { displayName, domainName, orderOf } from '../names.ts'
import { pageSize } from '../page.ts'
import type { ZoneRecord } from '../records.ts'
import { invalidInput, type Route53, unavailable } from '../route53.ts'

const MAX_ITEMS = 100

/**
 * ListHostedZones: by their ids; a marker is the id that a page begins with.
 *
 * Source: Route 53 API Reference, ListHostedZones.
 */
export async function listHostedZones(route53: Route53, input: ListHostedZonesRequest) {
  if (input.DelegationSetId) throw unavailable('Reusable delegation sets are')
  if (input.HostedZoneType) throw unavailable('Private zones are')
  const size = pageSize(input.MaxItems, MAX_ITEMS)
  const from = (input.Marker ?? '').replace(/^\/?hostedzone\//, '')
  const zones = route53.directory.zones().filter(({ id }) => id >= from)
  const next = zones[size]
  return {
    HostedZones: zones.slice(0, size).map((zone) => route53.hostedZone(zone)),
    Marker: input.Marker,
    IsTruncated: next !== undefined,
    ...(next ? { NextMarker: next.id } : {}),
    MaxItems: size,
  }
}

/**
 * ListHostedZonesByName: by their names with the labels reversed, and by their ids.
 *
 * Source: Route 53 API Reference, ListHostedZonesByName.
 */
export async function listHostedZonesByName(route53: Route53, input: ListHostedZonesByNameRequest) {
  const size = pageSize(input.MaxItems, MAX_ITEMS)
  const { DNSName, HostedZoneId } = input
  if (HostedZoneId !== undefined && DNSName === undefined) {
    throw invalidInput('Invalid parameter : hostedzoneid requires dnsname.')
  }
  const refuse = (words: string) => new Route53Fault('InvalidDomainName', words)
  const from = DNSName === undefined ? '' : orderOf(domainName(DNSName, refuse))
  const fromId = (HostedZoneId ?? '').replace(/^\/?hostedzone\//, '')
  const zones = route53.directory
    .zones()
    .map((zone) => ({ ...zone, order: orderOf(zone.name) }))
    .filter(({ order, id }) => order > from || (order === from && id >= fromId))
    .sort(byOrder)
  const next = zones[size]
  return {
    HostedZones: zones.slice(0, size).map((zone) => route53.hostedZone(zone)),
    DNSName,
    HostedZoneId,
    IsTruncated: next !== undefined,
    ...(next ? { NextDNSName: displayName(next.name), NextHostedZoneId: next.id } : {}),
    MaxItems: size,
  }
}

type Ordered = ZoneRecord & { readonly order: string }

function byOrder(a: Ordered, b: Ordered): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1
  return a.id < b.id ? -1 : 1
}
