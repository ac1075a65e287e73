import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  GetHealthCheckCommand,
  GetHealthCheckStatusCommand,
  ListHostedZonesByNameCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  type Route53Client,
  type RRType,
  UpdateHealthCheckCommand,
} from '@aws-sdk/client-route-53'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'

const IN_SYNC_WITHIN_MS = 5 * 60_000
const IN_SYNC_EVERY_MS = 500

/** A hosted zone. */
export interface HostedZone {
  /** As `Z0123456789ABCDEFGHIJ`. */
  readonly id: string
  /** With the last dot. */
  readonly name: string
}

/** A set of records, as far as a failover looks at it. JSON, so that an execution can keep it. */
export type RecordSet = {
  /** With the last dot. */
  readonly name: string
  readonly type: string
  /** Tells sets of the same name and type apart. */
  readonly identifier: string | null
  readonly routing:
    | { readonly kind: 'simple' | 'multivalue' | 'other' }
    | { readonly kind: 'failover'; readonly role: 'primary' | 'secondary' }
    | { readonly kind: 'weighted'; readonly weight: number }
  readonly healthCheck: string | null
  readonly content:
    | { readonly kind: 'values'; readonly ttlSeconds: number; readonly values: readonly string[] }
    | {
        readonly kind: 'alias'
        readonly zone: string
        readonly target: string
        readonly inheritsHealth: boolean
      }
}

/** What a health check is set to. Who watches it from where is not in it. */
export interface HealthCheckSettings {
  readonly id: string
  readonly version: number
  /** As AWS calls it: `HTTP`, `CALCULATED`, `CLOUDWATCH_METRIC`. */
  readonly type: string
  readonly isInverted: boolean
  readonly isDisabled: boolean
  readonly children: readonly string[]
}

/** What one checker found last. */
export interface HealthObservation {
  readonly location: string
  readonly isSuccess: boolean
  readonly status: string
  readonly checkedAt: Date | undefined
}

/**
 * Amazon Route 53, in our words: what a failover by DNS needs. Its API is in us-east-1 whatever region is meant, so nothing of it is
 * there while that region is lost. Every method throws as `Calls` says.
 */
export class Route53 {
  constructor(
    private readonly client: Route53Client,
    private readonly calls: Calls,
    private readonly clock: Clock,
  ) {}

  /** The public zone of a name; undefined when there is none. Of several with one name, the one that is listed first. */
  async findZone(name: string): Promise<HostedZone | undefined> {
    const absolute = withDot(name)
    const answer = await this.calls.read(`find the hosted zone '${name}'`, () =>
      this.client.send(new ListHostedZonesByNameCommand({ DNSName: absolute })),
    )
    const found = answer.HostedZones?.find(
      ({ Name, Config }) => Name === absolute && !Config?.PrivateZone,
    )
    return found?.Id ? { id: bareId(found.Id), name: absolute } : undefined
  }

  /** All sets of records of a zone, or those of one name, in the order in which Route 53 lists them. */
  async listRecordSets(zone: string, name?: string): Promise<RecordSet[]> {
    const sets: ResourceRecordSet[] = []
    const wanted = name === undefined ? undefined : withDot(name)
    let from: { name: string; type: RRType; identifier: string | undefined } | undefined
    do {
      const start = from ?? (wanted === undefined ? undefined : { name: wanted })
      const page = await this.calls.read(`list the records of zone '${zone}'`, () =>
        this.client.send(
          new ListResourceRecordSetsCommand({
            HostedZoneId: zone,
            StartRecordName: start?.name,
            StartRecordType: from?.type,
            StartRecordIdentifier: from?.identifier,
          }),
        ),
      )
      sets.push(...(page.ResourceRecordSets ?? []))
      const { NextRecordName, NextRecordType, NextRecordIdentifier: identifier } = page
      const isWanted = wanted === undefined || NextRecordName === wanted
      from =
        page.IsTruncated && NextRecordName && NextRecordType && isWanted
          ? { name: NextRecordName, type: NextRecordType, identifier }
          : undefined
    } while (from)
    return sets.map(readSet).filter((set) => wanted === undefined || set.name === wanted)
  }

  /**
   * Makes the records of a zone what is said, all of them or none, and waits until Route 53's servers answer so. Done twice it
   * does no harm.
   *
   * @throws LifeboatError `OutcomeUnknown` when they do not within five minutes: the change is made, and may come yet
   */
  async upsert(zone: string, sets: readonly RecordSet[], why: string): Promise<void> {
    const what = `change ${sets.map(({ name, type }) => `${type} ${name}`).join(', ')}`
    const ChangeBatch = changeBatch(sets, why)
    const answer = await this.calls.repeat(what, () =>
      this.client.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch })),
    )
    await this.#inSync(answer.ChangeInfo?.Id ?? '', what)
  }

  async getHealthCheck(id: string): Promise<HealthCheckSettings> {
    const answer = await this.calls.read(`read health check '${id}'`, () =>
      this.client.send(new GetHealthCheckCommand({ HealthCheckId: id })),
    )
    const { HealthCheckVersion = 0, HealthCheckConfig: config } = answer.HealthCheck ?? {}
    return {
      id,
      version: HealthCheckVersion,
      type: config?.Type ?? 'unknown',
      isInverted: config?.Inverted ?? false,
      isDisabled: config?.Disabled ?? false,
      children: config?.ChildHealthChecks ?? [],
    }
  }

  /** What each checker found last. AWS tells it of no calculated check. */
  async listObservations(id: string): Promise<HealthObservation[]> {
    const answer = await this.calls.read(`read the status of health check '${id}'`, () =>
      this.client.send(new GetHealthCheckStatusCommand({ HealthCheckId: id })),
    )
    return (answer.HealthCheckObservations ?? []).map(({ Region, StatusReport }) => ({
      location: Region ?? 'unknown',
      isSuccess: /^Success/.test(StatusReport?.Status ?? ''),
      status: StatusReport?.Status ?? '',
      checkedAt: StatusReport?.CheckedTime,
    }))
  }

  /**
   * Pins a health check: a disabled one is healthy, a disabled and inverted one is not, whatever its checkers find. Done twice it
   * does no harm.
   */
  async setHealthCheck(
    id: string,
    to: { readonly isDisabled?: boolean; readonly isInverted?: boolean },
  ): Promise<void> {
    await this.calls.repeat(`change health check '${id}'`, () =>
      this.client.send(
        new UpdateHealthCheckCommand({
          HealthCheckId: id,
          Disabled: to.isDisabled,
          Inverted: to.isInverted,
        }),
      ),
    )
  }

  async #inSync(change: string, what: string): Promise<void> {
    const deadline = this.clock.monotonicMs() + IN_SYNC_WITHIN_MS
    do {
      const answer = await this.calls.read(`read change '${change}'`, () =>
        this.client.send(new GetChangeCommand({ Id: change })),
      )
      if (answer.ChangeInfo?.Status === 'INSYNC') return
      await this.clock.sleep(IN_SYNC_EVERY_MS)
    } while (this.clock.monotonicMs() < deadline)

    throw new LifeboatError(
      'OutcomeUnknown',
      `Route 53's servers do not all answer by the change yet: ${what}`,
      { hint: `Look again with: aws route53 get-change --id ${bareId(change)}.` },
    )
  }
}

/** The change that makes records what is said, as `--change-batch` of the aws CLI takes it. @throws as `writeSet` */
export function changeBatch(sets: readonly RecordSet[], why: string) {
  const Changes = sets.map((set) => ({
    Action: 'UPSERT' as const,
    ResourceRecordSet: writeSet(set),
  }))
  return { Comment: why, Changes }
}

function readSet(set: ResourceRecordSet): RecordSet {
  return {
    name: set.Name ?? '',
    type: set.Type ?? 'unknown',
    identifier: set.SetIdentifier ?? null,
    routing: readRouting(set),
    healthCheck: set.HealthCheckId ?? null,
    content: set.AliasTarget
      ? {
          kind: 'alias',
          zone: set.AliasTarget.HostedZoneId ?? '',
          target: set.AliasTarget.DNSName ?? '',
          inheritsHealth: set.AliasTarget.EvaluateTargetHealth ?? false,
        }
      : {
          kind: 'values',
          ttlSeconds: set.TTL ?? 0,
          values: (set.ResourceRecords ?? []).map(({ Value }) => Value ?? ''),
        },
  }
}

function readRouting(set: ResourceRecordSet): RecordSet['routing'] {
  if (set.Failover) {
    return { kind: 'failover', role: set.Failover === 'PRIMARY' ? 'primary' : 'secondary' }
  }
  if (set.Weight !== undefined) return { kind: 'weighted', weight: set.Weight }
  if (set.MultiValueAnswer) return { kind: 'multivalue' }
  return { kind: set.SetIdentifier === undefined ? 'simple' : 'other' }
}

/** @throws LifeboatError `CallRefused` for routing that we do not read, and so could not write as it was */
function writeSet({ name, type, identifier, routing, healthCheck, content }: RecordSet) {
  if (routing.kind === 'other') {
    throw new LifeboatError(
      'CallRefused',
      `'${name}' is routed in a way that is not changed here`,
      {
        hint: 'Change latency, geolocation and IP-based records by hand.',
      },
    )
  }
  const set: ResourceRecordSet = {
    Name: name,
    Type: type as RRType,
    SetIdentifier: identifier ?? undefined,
    HealthCheckId: healthCheck ?? undefined,
    ...(routing.kind === 'weighted' ? { Weight: routing.weight } : {}),
    ...(routing.kind === 'multivalue' ? { MultiValueAnswer: true } : {}),
    ...(routing.kind === 'failover'
      ? { Failover: routing.role === 'primary' ? ('PRIMARY' as const) : ('SECONDARY' as const) }
      : {}),
    ...(content.kind === 'values'
      ? { TTL: content.ttlSeconds, ResourceRecords: content.values.map((Value) => ({ Value })) }
      : {
          AliasTarget: {
            HostedZoneId: content.zone,
            DNSName: content.target,
            EvaluateTargetHealth: content.inheritsHealth,
          },
        }),
  }
  return set
}

function withDot(name: string): string {
  return name.endsWith('.') ? name.toLowerCase() : `${name.toLowerCase()}.`
}

/** AWS writes ids with what they are ids of: `/hostedzone/Z…`. */
function bareId(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1)
}
