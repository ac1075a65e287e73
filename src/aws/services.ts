import {
  DescribeServicesCommand,
  type ECSClient,
  ListServicesCommand,
  type Service as SdkService,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'

/** A service by its name and that of its cluster. */
export interface ServiceName {
  readonly cluster: string
  readonly service: string
}

/** A service of ECS as it is now. */
export interface EcsService {
  readonly arn: string
  readonly isActive: boolean
  readonly desiredCount: number
  readonly runningCount: number
  readonly pendingCount: number
  readonly taskDefinition: string
  /** Of the deployment that is being made, or was last. */
  readonly deployment: {
    readonly id: string
    readonly startedAt: Date
    readonly hasFailed: boolean
  }
  /** One deployment, and as many tasks as desired: what the SDKs' `servicesStable` waits for. */
  readonly isStable: boolean
  /** Newest first. */
  readonly events: readonly { readonly at: Date; readonly message: string }[]
  readonly tags: Readonly<Record<string, string>>
}

/** In a tag of the service: its desired count before an execution changed it. */
const COUNT_TAG = 'lifeboat:desired-count'

/** Amazon ECS of one region, in our words. Every method throws as `Calls` says. */
export class Services {
  constructor(
    private readonly client: ECSClient,
    private readonly calls: Calls,
    private readonly clock: Clock,
  ) {}

  /** @throws LifeboatError also `ResourceNotFound` */
  async getService(name: ServiceName): Promise<EcsService> {
    const { cluster, service } = name
    const what = `describe service '${service}' of cluster '${cluster}'`
    const answer = await this.calls.read(what, () =>
      this.client.send(
        new DescribeServicesCommand({ cluster, services: [service], include: ['TAGS'] }),
      ),
    )
    const found = answer.services?.[0]
    if (found) return serviceFrom(found)
    throw new LifeboatError(
      'ResourceNotFound',
      `there is no service '${service}' in '${cluster}'`,
      {
        hint: 'Look which there are: aws ecs list-services.',
      },
    )
  }

  /** The ARNs of a cluster's services. */
  async listServices(cluster: string): Promise<string[]> {
    return await this.calls.read(`list the services of cluster '${cluster}'`, async () => {
      const arns: string[] = []
      let nextToken: string | undefined
      do {
        const page = await this.client.send(new ListServicesCommand({ cluster, nextToken }))
        arns.push(...(page.serviceArns ?? []))
        nextToken = page.nextToken
      } while (nextToken)
      return arns
    })
  }

  /**
   * Sets the desired count and remembers the one of before, in a tag of the service, so that a repeated call under the same
   * execution remembers the same one (I4).
   *
   * @returns the count of before
   * @throws LifeboatError also `CallRefused` when another execution has changed it and not put it back
   */
  async setDesiredCount(name: ServiceName, count: number, execution: string): Promise<number> {
    const { arn, desiredCount, tags } = await this.getService(name)
    const before = rememberedCount(name, tags, execution) ?? desiredCount
    const value = `${before} ${execution}`
    if (tags[COUNT_TAG] !== value) {
      await this.calls.repeat(`tag '${arn}'`, () =>
        this.client.send(
          new TagResourceCommand({ resourceArn: arn, tags: [{ key: COUNT_TAG, value }] }),
        ),
      )
    }
    await this.#update(name, { desiredCount: count })
    return before
  }

  /** Sets the desired count for good. Safe to call again. */
  async keepDesiredCount(name: ServiceName, count: number): Promise<void> {
    const { desiredCount } = await this.getService(name)
    if (desiredCount !== count) await this.#update(name, { desiredCount: count })
  }

  /** Whether it has a desired count that an execution is to put back. */
  async isChangedBy(name: ServiceName, execution: string): Promise<boolean> {
    const { tags } = await this.getService(name)
    return tags[COUNT_TAG]?.split(' ')[1] === execution
  }

  /**
   * Puts the desired count back that an execution has changed. Safe to call again: without the tag nothing happens.
   *
   * @returns the count that the service has then
   */
  async restoreDesiredCount(name: ServiceName, execution: string): Promise<number> {
    const { arn, desiredCount, tags } = await this.getService(name)
    const before = rememberedCount(name, tags, execution)
    if (before === undefined) return desiredCount
    await this.#update(name, { desiredCount: before })
    await this.calls.repeat(`untag '${arn}'`, () =>
      this.client.send(new UntagResourceCommand({ resourceArn: arn, tagKeys: [COUNT_TAG] })),
    )
    return before
  }

  /**
   * Begins to replace all tasks, so that they read their secrets again. Idempotent since `startedAt`: a deployment that began
   * later is this very one.
   *
   * @returns the deployment's id
   */
  async forceNewDeployment(name: ServiceName, startedAt: Date): Promise<string> {
    const { deployment } = await this.getService(name)
    if (deployment.startedAt > startedAt) return deployment.id
    return (await this.#update(name, { forceNewDeployment: true })).deployment.id
  }

  /**
   * Waits until a service has one deployment and as many tasks as desired.
   *
   * @throws LifeboatError `CallRefused` when its deployment fails; `StepDeadlineExceeded` at the deadline (I16), with the last event
   */
  async waitUntilStable(
    name: ServiceName,
    o: { deadlineMs: number; everyMs: number; signal?: AbortSignal },
  ): Promise<EcsService> {
    const end = this.clock.monotonicMs() + o.deadlineMs
    for (;;) {
      o.signal?.throwIfAborted()
      const service = await this.getService(name)
      if (service.isStable) return service
      const [last] = service.events
      if (service.deployment.hasFailed) {
        throw new LifeboatError(
          'CallRefused',
          `the deployment of service '${name.service}' has failed: ${last?.message ?? 'no reason given'}`,
          { hint: 'Look at its stopped tasks: aws ecs list-tasks --desired-status STOPPED.' },
        )
      }
      if (this.clock.monotonicMs() > end) {
        const { runningCount, desiredCount } = service
        throw new LifeboatError(
          'StepDeadlineExceeded',
          `service '${name.service}' has ${runningCount} of ${desiredCount} tasks after ${o.deadlineMs} ms: ` +
            (last?.message ?? 'it tells no events'),
          { hint: 'Retry the step to go on waiting.' },
        )
      }
      await this.clock.sleep(o.everyMs, o.signal)
    }
  }

  async #update(
    { cluster, service }: ServiceName,
    change: { desiredCount?: number; forceNewDeployment?: boolean },
  ): Promise<EcsService> {
    const { desiredCount, forceNewDeployment } = change
    const what = `update service '${service}' of cluster '${cluster}'`
    const before = forceNewDeployment ? await this.getService({ cluster, service }) : undefined
    return await this.calls.change(
      what,
      async () => {
        const answer = await this.client.send(
          new UpdateServiceCommand({ cluster, service, ...change }),
        )
        return serviceFrom(answer.service ?? {})
      },
      async () => {
        const now = await this.getService({ cluster, service })
        const isCounted = desiredCount === undefined || now.desiredCount === desiredCount
        return isCounted && now.deployment.id !== before?.deployment.id ? now : undefined
      },
    )
  }
}

/** @throws LifeboatError `CallRefused` for one that another execution remembers */
function rememberedCount(
  { service }: ServiceName,
  tags: Readonly<Record<string, string>>,
  execution: string,
): number | undefined {
  const [count, owner] = tags[COUNT_TAG]?.split(' ') ?? []
  if (count === undefined) return undefined
  if (owner === execution) return Number(count)
  throw new LifeboatError(
    'CallRefused',
    `the desired count of service '${service}' was changed by execution '${owner}' and not put back`,
    { hint: `Put it back, or remove the service's tag ${COUNT_TAG}.` },
  )
}

function serviceFrom(sdk: SdkService): EcsService {
  const [primary] = sdk.deployments ?? []
  const { desiredCount = 0, runningCount = 0, pendingCount = 0 } = sdk
  return {
    arn: sdk.serviceArn ?? '',
    isActive: sdk.status === 'ACTIVE',
    ...{ desiredCount, runningCount, pendingCount },
    taskDefinition: sdk.taskDefinition ?? '',
    deployment: {
      id: primary?.id ?? '',
      startedAt: primary?.createdAt ?? new Date(0),
      hasFailed: primary?.rolloutState === 'FAILED',
    },
    isStable: sdk.deployments?.length === 1 && runningCount === desiredCount,
    events: (sdk.events ?? []).map(({ createdAt, message }) => ({
      at: createdAt ?? new Date(0),
      message: message ?? '',
    })),
    tags: Object.fromEntries((sdk.tags ?? []).map(({ key = '', value = '' }) => [key, value])),
  }
}
