import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import type { PostgresBinaries } from '../postgres/binaries.ts'
import { MetricSeries } from './cloudwatch/metric-series.ts'
import { ReplicationMetrics } from './cloudwatch/replication-metrics.ts'
import { cloudWatchService } from './cloudwatch/service.ts'
import { logError } from './error-log.ts'
import { PolicyAuthorizer } from './iam/authorizer.ts'
import { Iam } from './iam/iam.ts'
import { IamKeyRing } from './iam/key-ring.ts'
import { RoleSessions } from './iam/role-sessions.ts'
import { iamService } from './iam/service.ts'
import type { Authorizer } from './protocol/authorization.ts'
import { DocumentStore } from './protocol/documents.ts'
import { Endpoint } from './protocol/endpoint.ts'
import { HttpServer } from './protocol/http-server.ts'
import { headersByName, splitTarget } from './protocol/raw-request.ts'
import type { Service } from './protocol/service.ts'
import type { KeyRing, SigningKey } from './protocol/sigv4.ts'
import type { StreamService } from './protocol/stream-service.ts'
import { openRds } from './rds/service.ts'
import type { RootCredentials } from './root-credentials.ts'
import { type BucketDefaults, DEFAULTS_OF_TODAY } from './s3/bucket-defaults.ts'
import { openS3 } from './s3/open-s3.ts'
import type { ReplicationOptions } from './s3/replication/replication.ts'
import { isS3Control, openS3Control } from './s3control/service.ts'
import { openSecretsManager } from './secretsmanager/service.ts'
import { stsService } from './sts/service.ts'

/** The account that owns everything in embedded regions. */
export const ACCOUNT_ID = '000000000000'

/** A service that a region runs, with what it must release at the end. */
export interface OpenedService {
  readonly service?: Service
  /** In place of it, one that reads its bodies itself. */
  readonly stream?: StreamService
  /** Begins what it does by itself; called once the region answers. */
  begin?(): void
  close(): Promise<void>
}

/**
 * One AWS-compatible region in this process: its services, their state in a folder, and one HTTP endpoint.
 */
export class Region {
  #server: HttpServer | undefined

  private constructor(
    private readonly opened: readonly OpenedService[],
    private readonly endpoint: Endpoint,
    private readonly own: { endpoint: string },
    private readonly onError: (error: unknown) => void,
  ) {}

  /**
   * Opens all services on the state that the folder holds, or on none.
   *
   * @throws LifeboatError `FolderNotUsable`, `StateDamaged`, and what the services' engines throw
   */
  static async open(o: RegionOptions): Promise<Region> {
    const onError = o.onError ?? logError
    await mkdir(o.folder, { recursive: true, mode: 0o711 })
    const iam = await Iam.open({
      accountId: ACCOUNT_ID,
      folder: o.iam?.folder ?? join(o.folder, 'iam'),
      delayMs: o.iam?.delayMs ?? 0,
      clock: o.clock,
      random: systemRandom,
    })
    const authorizer = new PolicyAuthorizer(iam)
    const sessions = new RoleSessions(iam, authorizer)
    const keys = new IamKeyRing(iam, {
      accessKeyId: o.credentials.accessKeyId,
      key: rootKey(o.credentials),
    })
    // A region without others around it is the only one that it can reach.
    const own = { endpoint: '' }
    const replication = { sessions, endpoint: () => o.home?.endpoint ?? own.endpoint, onError }
    const opened: OpenedService[] = [
      { service: iamService(iam), close: () => iam.close() },
      withoutResources(stsService(sessions)),
      ...(await openServices({
        ...o,
        onError,
        authorize: authorizer.authorize,
        keys,
        replication,
      })),
    ]
    const services = opened.flatMap(({ service }) => (service ? [service] : []))
    const endpoint = new Endpoint({
      region: o.name,
      keys,
      authorize: authorizer.authorize,
      services,
      streams: opened.flatMap(({ stream }) => (stream ? [stream] : [])),
      clock: o.clock,
      random: systemRandom,
      onError,
    })
    return new Region(opened, endpoint, own, onError)
  }

  /** Listens on 127.0.0.1. @throws LifeboatError `PortTaken` */
  async listen(port = 0): Promise<{ port: number }> {
    this.#server = await HttpServer.listen({
      port,
      answer: (raw) => this.endpoint.answer(raw),
      isStreamed: (head) => this.endpoint.isStreamed(head),
      answerStream: (raw) => this.endpoint.answerStream(raw),
      onError: this.onError,
    })
    this.own.endpoint = `http://127.0.0.1:${this.#server.port}`
    for (const { begin } of this.opened) begin?.()
    return { port: this.#server.port }
  }

  /** Stops answering, then closes the services in the reverse order of their opening. */
  async close(): Promise<void> {
    await this.#server?.close()
    for (const { close } of [...this.opened].reverse()) await close()
  }
}

export interface RegionOptions {
  readonly name: string
  /** Holds all of the region's state; made if need be. One process owns it (I9). */
  readonly folder: string
  readonly credentials: RootCredentials
  readonly clock: Clock
  /** The PostgreSQL servers that DB instances may run; newest major first. */
  readonly binaries: readonly PostgresBinaries[]
  /** Template data directories, shared by the regions of a home. */
  readonly templates: string
  /**
   * Users, roles and policies, which the regions of a home share, and how long changes of them take until
   * requests are decided by them. By default the region has its own, without delay.
   */
  readonly iam?: { readonly folder: string; readonly delayMs: number }
  /**
   * What the regions of a home share beside IAM: a folder that says where which bucket is, and the endpoint of all. By default
   * the region is alone.
   */
  readonly home?: { readonly bucketsFolder: string; readonly endpoint?: string }
  /** How long a day is for the lifecycle rules of buckets, in milliseconds: a short one shows within seconds what they do. */
  readonly lifecycleDayMs?: number | undefined
  /** What buckets are made with; by default as AWS makes them today. */
  readonly bucketDefaults?: BucketDefaults
  /** Gets every failure of ours; prints it by default. Nothing in it may be a secret (I12). */
  readonly onError?: (error: unknown) => void
}

async function openServices(
  o: RegionOptions & {
    onError: (error: unknown) => void
    authorize: Authorizer
    keys: KeyRing
    replication: ReplicationOptions
  },
): Promise<OpenedService[]> {
  const documents = (service: string) => DocumentStore.open(join(o.folder, 'documents', service))
  const secretsManager = await openSecretsManager({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'secretsmanager'),
    documents: await documents('secretsmanager'),
    clock: o.clock,
    random: systemRandom,
  })
  const rds = await openRds({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'rds'),
    templates: o.templates,
    documents: await documents('rds'),
    binaries: o.binaries,
    clock: o.clock,
    random: systemRandom,
    onError: o.onError,
  })
  const s3 = await openS3({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 's3'),
    directoryFolder: o.home?.bucketsFolder ?? join(o.folder, 'buckets'),
    replication: o.replication,
    lifecycleDayMs: o.lifecycleDayMs ?? 86_400_000,
    bucketDefaults: o.bucketDefaults ?? DEFAULTS_OF_TODAY,
    authorize: o.authorize,
    keys: o.keys,
    clock: o.clock,
    random: systemRandom,
  })
  const control = openS3Control({
    region: o.name,
    accountId: ACCOUNT_ID,
    documents: await documents('s3control'),
    source: s3.batchSource,
    callerFor: (roleArn, service) => o.replication.sessions.callerForService(roleArn, service),
    authorize: o.authorize,
    clock: o.clock,
    random: systemRandom,
    onError: o.onError,
  })
  // One name in signatures for both.
  const stream: StreamService = {
    ...s3.stream,
    answer: async (request, requestId) => {
      const isControl = isS3Control(request.path, request.headers.has('x-amz-account-id'))
      return await (isControl ? control : s3).stream.answer(request, requestId)
    },
    refuse: (fault, head, requestId) => {
      const hasAccount = headersByName(head.rawHeaders).has('x-amz-account-id')
      const isControl = isS3Control(splitTarget(head.target).path, hasAccount)
      return (isControl ? control : s3).stream.refuse(fault, head, requestId)
    },
  }
  const series = new MetricSeries()
  const metrics = new ReplicationMetrics({
    series,
    figures: s3.replication,
    clock: o.clock,
    onError: o.onError,
  })
  s3.replication.onOutcome = (outcome) => metrics.end(outcome)
  const cloudWatch = {
    service: cloudWatchService(series, () => metrics.sample()),
    begin: () => metrics.begin(),
    close: async () => metrics.close(),
  }
  const both = { begin: s3.begin, close: s3.close, stream }
  return [
    withoutResources(secretsManager),
    rds,
    both,
    cloudWatch,
    { begin: control.begin, close: control.close },
  ]
}

function withoutResources(service: Service): OpenedService {
  return { service, close: async () => undefined }
}

function rootKey({ accessKeyId, secretAccessKey }: RootCredentials): SigningKey {
  return {
    secretAccessKey,
    caller: {
      accountId: ACCOUNT_ID,
      arn: `arn:aws:iam::${ACCOUNT_ID}:root`,
      userId: ACCOUNT_ID,
      accessKeyId,
    },
  }
}
