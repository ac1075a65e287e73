import type {
  CreateHostedZoneRequest,
  DeleteHostedZoneRequest,
  GetHostedZoneRequest,
  UpdateHostedZoneCommentRequest,
} from '../../protocol/models/route-53.ts'
import { Route53Fault } from '../../protocol/models/route-53.ts'
import { newId } from '../directory.ts'
import { displayName, domainName } from '../names.ts'
import type { SetRecord, ZoneRecord } from '../records.ts'
import { invalidInput, type Route53, unavailable } from '../route53.ts'

const MAX_ZONES = 500

/**
 * The names of a zone's name servers.
 *
 * Unlike AWS: all zones have the same four name servers, whose names say where they are: on this machine. Their port is told by
 * `lifeboat region env`.
 */
const NAME_SERVERS = ['ns-1', 'ns-2', 'ns-3', 'ns-4'].map((host) => `${host}.dns.localhost`)

/**
 * CreateHostedZone: a zone with its SOA and NS records.
 *
 * Unlike AWS: of several zones with one name, the one that was created first is answered from, as there is one name server.
 * Source: Route 53 API Reference, CreateHostedZone; Developer Guide, "NS and SOA records".
 */
export async function createHostedZone(route53: Route53, input: CreateHostedZoneRequest) {
  if (input.VPC || input.HostedZoneConfig?.PrivateZone) throw unavailable('Private zones are')
  if (input.DelegationSetId) throw unavailable('Reusable delegation sets are')
  const callerReference = checkedReference(input.CallerReference)
  const comment = checkedComment(input.HostedZoneConfig?.Comment)
  const name = zoneName(input.Name ?? '')
  const { directory, random } = route53
  const { zone, change } = directory.write((edit) => {
    if (directory.reference('hostedzone', callerReference)) {
      throw new Route53Fault(
        'HostedZoneAlreadyExists',
        `A hosted zone has already been created with the specified caller reference: ${callerReference}`,
      )
    }
    if (directory.zones().length >= MAX_ZONES) {
      throw new Route53Fault(
        'TooManyHostedZones',
        `The hosted zone cannot be created: the limit of ${MAX_ZONES} has been reached.`,
      )
    }
    const sets = requiredSets(name)
    const made: ZoneRecord = {
      id: newId('Z', random),
      name,
      callerReference,
      ...(comment ? { comment } : {}),
      createdAtMs: route53.nowMs(),
      setCount: sets.length,
    }
    edit.putZone(made)
    edit.putReference('hostedzone', callerReference, { id: made.id })
    for (const set of sets) edit.putSet(made.id, set)
    return { zone: made, change: route53.publish(edit, { zoneId: made.id, isWhole: true }) }
  })
  return {
    HostedZone: route53.hostedZone(zone),
    ChangeInfo: route53.changeInfo(change),
    DelegationSet: { NameServers: [...NAME_SERVERS] },
    Location: `https://route53.amazonaws.com/2013-04-01/hostedzone/${zone.id}`,
  }
}

/** GetHostedZone: a zone and its name servers. */
export async function getHostedZone(route53: Route53, { Id }: GetHostedZoneRequest) {
  return {
    HostedZone: route53.hostedZone(route53.getZone(Id)),
    DelegationSet: { NameServers: [...NAME_SERVERS] },
  }
}

/** DeleteHostedZone: only when nothing is left in it but what it was created with. */
export async function deleteHostedZone(route53: Route53, { Id }: DeleteHostedZoneRequest) {
  const { directory } = route53
  const change = directory.write((edit) => {
    const { id, name } = route53.getZone(Id)
    const others = directory.sets(id).filter((set) => {
      return set.name !== name || !['NS', 'SOA'].includes(set.type)
    })
    if (others.length > 0) {
      throw new Route53Fault(
        'HostedZoneNotEmpty',
        'The specified hosted zone contains non-required resource record sets and so cannot be deleted.',
      )
    }
    edit.removeZone(id)
    return route53.publish(edit, { zoneId: id, isWhole: true })
  })
  return { ChangeInfo: route53.changeInfo(change) }
}

/** UpdateHostedZoneComment: another comment, or none. */
export async function updateHostedZoneComment(
  route53: Route53,
  input: UpdateHostedZoneCommentRequest,
) {
  const comment = checkedComment(input.Comment)
  const zone = route53.directory.write((edit) => {
    const { comment: _, ...bare } = route53.getZone(input.Id)
    const changed = { ...bare, ...(comment ? { comment } : {}) }
    edit.putZone(changed)
    return changed
  })
  return { HostedZone: route53.hostedZone(zone) }
}

/** GetHostedZoneCount: how many zones there are. */
export async function getHostedZoneCount(route53: Route53) {
  return { HostedZoneCount: route53.directory.zones().length }
}

function requiredSets(name: string): SetRecord[] {
  const [first] = NAME_SERVERS
  const soa = `${first}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400`
  return [
    { name, type: 'NS', ttl: 172_800, values: NAME_SERVERS.map(displayName) },
    { name, type: 'SOA', ttl: 900, values: [soa] },
  ]
}

function zoneName(text: string): string {
  const refuse = (words: string) => new Route53Fault('InvalidDomainName', words)
  const name = domainName(text, refuse)
  if (!name.includes('.')) {
    throw refuse(`${displayName(name)} is a top-level domain, for which there are no hosted zones.`)
  }
  if (name.startsWith('\\052.')) {
    throw refuse(`${text}: a hosted zone's name cannot begin with an asterisk.`)
  }
  return name
}

export function checkedReference(reference: string | undefined): string {
  if (!reference || reference.length > 128) {
    throw invalidInput('Invalid parameter : CallerReference must have 1 to 128 characters.')
  }
  return reference
}

function checkedComment(comment: string | undefined): string | undefined {
  if ((comment ?? '').length > 256) {
    throw invalidInput('Invalid parameter : Comment must have at most 256 characters.')
  }
  return comment
}
