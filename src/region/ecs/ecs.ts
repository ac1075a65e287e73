import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import { EcsFault } from '../protocol/models/ecs.ts'
import { EcsArns } from './arns.ts'
import { clientError } from './checks.ts'
import { type ClusterRecord, DEFAULT_CLUSTER } from './cluster.ts'
import type { ServiceRecord } from './service-record.ts'
import type { TaskDefinitionRecord } from './task-definition.ts'
import { Tasks } from './tasks/tasks.ts'
import { Turns } from './turns.ts'

const CLUSTERS = 'clusters'
const DEFINITIONS = 'task-definitions'
const SERVICES = 'services'

export interface EcsOptions {
  readonly region: string
  readonly accountId: string
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
}

/** What a region's ECS keeps, durable: clusters, task definitions, services and tasks. */
export class Ecs {
  readonly arns: EcsArns
  readonly tasks: Tasks
  readonly #turns = new Turns()

  constructor(readonly o: EcsOptions) {
    this.arns = new EcsArns(o)
    this.tasks = new Tasks(o)
  }

  now(): Date {
    return this.o.clock.now()
  }

  timestamp(): string {
    return this.now().toISOString()
  }

  /** Everything that reads and then writes takes its turn under a name. */
  async inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    return await this.#turns.take(name, work)
  }

  clusters(): ClusterRecord[] {
    return this.o.documents.list<ClusterRecord>(CLUSTERS)
  }

  /** By name or ARN, also an inactive one. */
  findCluster(nameOrArn: string | undefined): ClusterRecord | undefined {
    const name = this.arns.nameIn('cluster', nameOrArn ?? DEFAULT_CLUSTER)
    return this.o.documents.get<ClusterRecord>(CLUSTERS, name)
  }

  /** @throws EcsFault `ClusterNotFoundException` */
  getCluster(nameOrArn: string | undefined): ClusterRecord {
    const cluster = this.findCluster(nameOrArn)
    if (cluster?.status === 'ACTIVE') return cluster
    throw new EcsFault('ClusterNotFoundException', 'Cluster not found.')
  }

  async putCluster(cluster: ClusterRecord): Promise<void> {
    await this.o.documents.put(CLUSTERS, cluster.name, cluster)
  }

  taskDefinitions(): TaskDefinitionRecord[] {
    return this.o.documents.list<TaskDefinitionRecord>(DEFINITIONS)
  }

  /** By ARN, `FAMILY:REVISION`, or FAMILY for its latest active revision. */
  findTaskDefinition(name: string): TaskDefinitionRecord | undefined {
    const [family = '', revision] = this.arns.nameIn('task-definition', name).split(':')
    if (revision !== undefined) {
      return this.o.documents.get<TaskDefinitionRecord>(DEFINITIONS, `${family}:${revision}`)
    }
    return this.revisionsOf(family)
      .filter(({ status }) => status === 'ACTIVE')
      .at(-1)
  }

  /** Oldest first. */
  revisionsOf(family: string): TaskDefinitionRecord[] {
    return this.taskDefinitions()
      .filter((definition) => definition.family === family)
      .sort((a, b) => a.revision - b.revision)
  }

  /** One that new tasks may be started from. @throws EcsFault `ClientException` */
  getActiveTaskDefinition(name: string | undefined): TaskDefinitionRecord {
    const definition = this.findTaskDefinition(name ?? '')
    if (!definition) throw clientError('TaskDefinition not found.')
    if (definition.status !== 'ACTIVE') throw clientError('TaskDefinition is inactive')
    return definition
  }

  async putTaskDefinition(definition: TaskDefinitionRecord): Promise<void> {
    const { family, revision } = definition
    await this.o.documents.put(DEFINITIONS, `${family}:${revision}`, definition)
  }

  /** Of one cluster or of all, also those that are draining or inactive. */
  services(cluster?: string): ServiceRecord[] {
    const all = this.o.documents.list<ServiceRecord>(SERVICES)
    return cluster === undefined ? all : all.filter((service) => service.cluster === cluster)
  }

  /** By name or ARN, in a cluster, also an inactive one. */
  findService(cluster: string, nameOrArn: string): ServiceRecord | undefined {
    const name = this.arns.nameIn('service', nameOrArn)
    const found = this.o.documents.get<ServiceRecord>(SERVICES, `${cluster}/${name}`)
    const isOther = nameOrArn.startsWith('arn:') && found?.arn !== nameOrArn
    return isOther ? undefined : found
  }

  /** @throws EcsFault `ServiceNotFoundException` */
  getService(cluster: string, nameOrArn: string | undefined): ServiceRecord {
    const service = this.findService(cluster, nameOrArn ?? '')
    if (service) return service
    throw new EcsFault('ServiceNotFoundException', 'Service not found.')
  }

  async putService(service: ServiceRecord): Promise<void> {
    await this.o.documents.put(SERVICES, keyOf(service), service)
  }

  /** Replaces a service, durably, by what `next` makes of it as it is by then; the same record changes nothing. */
  async changeService(
    { cluster, name }: { cluster: string; name: string },
    next: (service: ServiceRecord) => ServiceRecord,
  ): Promise<ServiceRecord> {
    return await this.inTurn(`service ${cluster}/${name}`, async () => {
      const before = this.getService(cluster, name)
      const after = next(before)
      if (after !== before) await this.putService(after)
      return after
    })
  }

  /** 32 hex digits, as task ids have. */
  newId(): string {
    return this.o.random.hex(32)
  }
}

function keyOf({ cluster, name }: ServiceRecord): string {
  return `${cluster}/${name}`
}
