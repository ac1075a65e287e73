import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import type { RunningTime } from '../objectstore/running-time.ts'
import type { PostgresBinaries } from '../postgres/binaries.ts'
import { ACCOUNT_ID } from './account.ts'
import { Api, type OpenedService, withoutResources } from './api.ts'
import { openCloudWatch } from './cloudwatch/service.ts'
import { openEcs } from './ecs/service.ts'
import { logError } from './error-log.ts'
import type { PolicyAuthorizer } from './iam/authorizer.ts'
import { findPolicyProblem } from './iam/policy/parse.ts'
import type { RoleSessions } from './iam/role-sessions.ts'
import { iamService } from './iam/service.ts'
import { openIdentity } from './identity.ts'
import { openKms } from './kms/service.ts'
import { openLambda } from './lambda/service.ts'
import { STRAIGHT, type Ways } from './network/ways.ts'
import { Peers } from './peer/peers.ts'
import { DocumentStore } from './protocol/documents.ts'
import { verifyPresignedRequest } from './protocol/presigned-request.ts'
import { headersByName, splitTarget } from './protocol/raw-request.ts'
import type { KeyRing, VerifiedRequest } from './protocol/sigv4.ts'
import type { StreamService } from './protocol/stream-service.ts'
import { faultNamed } from './rds/faults.ts'
import { openRds } from './rds/service.ts'
import type { RootCredentials } from './root-credentials.ts'
import { type BucketDefaults, DEFAULTS_OF_TODAY } from './s3/bucket-defaults.ts'
import { s3FaultNamed } from './s3/faults.ts'
import { openS3 } from './s3/open-s3.ts'
import { ReplicationMetrics } from './s3/replication/metrics.ts'
import type { ReplicationOptions } from './s3/replication/replication.ts'
import { isS3Control, openS3Control } from './s3control/service.ts'
import { openSecretsManager } from './secretsmanager/service.ts'
import type { Reach } from './sns/delivery/reach.ts'
import { openSns } from './sns/service.ts'
import { stsService } from './sts/service.ts'

/**
 * One AWS-compatible region in this process: its services, their state in a folder, and one HTTP endpoint.
 */
export class Region {
  private constructor(private readonly api: Api) {}

  /**
   * Opens all services on the state that the folder holds, or on none.
   *
   * @throws LifeboatError `FolderNotUsable`, `StateDamaged`, and what the services' engines throw
   */
  static async open(o: RegionOptions): Promise<Region> {
    const onError = o.onError ?? logError
    await mkdir(o.folder, { recursive: true, mode: 0o711 })
    const identity = await openIdentity({
      folder: o.iam?.folder ?? join(o.folder, 'iam'),
      delayMs: o.iam?.delayMs ?? 0,
      credentials: o.credentials,
      clock: o.clock,
    })
    const { iam, authorizer, sessions } = identity
    // A region without others around it is the only one that it can reach.
    const own: { api?: Api } = {}
    const ownEndpoint = () => own.api?.endpoint ?? ''
    const endpoint = () => o.home?.endpoint ?? ownEndpoint()
    const replication = { sessions, endpoint, onError }
    const { name: region, clock } = o
    const ways = o.home?.ways ?? STRAIGHT
    const peers = new Peers({ region, keys: sessions, endpoint, clock, ways })
    const verifyUrl = (url: string, other: string) =>
      verifyPresignedRequest(url, { keys: identity.keys, region: other, now: o.clock.now() })
    const opened: OpenedService[] = [
      // Of a home, the process of the global services answers for IAM; a region decides by its directory.
      { ...(o.home ? {} : { service: iamService(iam) }), close: () => iam.close() },
      withoutResources(stsService(sessions)),
      { stream: peers.stream, close: async () => peers.close() },
      ...(await openServices({
        ...o,
        onError,
        authorizer,
        keys: identity.keys,
        replication,
        peers,
        sessions,
        endpointOf: (name) => (name === region ? ownEndpoint() : endpoint()),
        verifyUrl,
      })),
    ]
    own.api = new Api({ region: o.name, opened, identity, clock: o.clock, onError })
    return new Region(own.api)
  }

  /** Listens on 127.0.0.1. @throws LifeboatError `PortTaken` */
  async listen(port = 0): Promise<{ port: number }> {
    return await this.api.listen(port)
  }

  /** Stops answering, then closes the services. */
  async close(): Promise<void> {
    await this.api.close()
  }
}

export interface RegionOptions {
  readonly name: string
  /** Holds all of the region's state; made if need be. One process owns it (I9). */
  readonly folder: string
  readonly credentials: RootCredentials
  readonly clock: Clock
  /** What moves the clock of object locks: the machine's by default. */
  readonly running?: RunningTime
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
   * What the regions of a home share beside IAM: a folder that says where which bucket is, the file of the programs that tasks may
   * run, the endpoint of all, and how servers of others are reached. By default the region is alone.
   */
  readonly home?: {
    readonly bucketsFolder: string
    readonly imagesFile: string
    readonly endpoint?: string
    readonly ways?: Ways
  }
  /** What buckets are made with; by default as AWS makes them today. */
  readonly bucketDefaults?: BucketDefaults
  /** Where SNS may send messages: by default to this machine only. */
  readonly snsReach?: Reach
  /** How long a day is for the lifecycle rules of buckets, in milliseconds: a short one shows within seconds what they do. */
  readonly lifecycleDayMs?: number | undefined
  /** Gets every failure of ours; prints it by default. Nothing in it may be a secret (I12). */
  readonly onError?: (error: unknown) => void
}

async function openServices(
  o: RegionOptions & {
    onError: (error: unknown) => void
    authorizer: PolicyAuthorizer
    keys: KeyRing
    replication: ReplicationOptions
    peers: Peers
    sessions: RoleSessions
    /** Where a region answers. */
    endpointOf: (region: string) => string
    verifyUrl: (url: string, region: string) => VerifiedRequest
  },
): Promise<OpenedService[]> {
  const { authorize } = o.authorizer
  const documents = (service: string) => DocumentStore.open(join(o.folder, 'documents', service))
  const secretsManager = await openSecretsManager({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'secretsmanager'),
    documents: await documents('secretsmanager'),
    peers: o.peers,
    clock: o.clock,
    random: systemRandom,
    onError: o.onError,
  })
  const kms = await openKms({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'kms'),
    documents: await documents('kms'),
    findPolicyProblem: (policy) => findPolicyProblem(policy, 'resource'),
    authorize,
    clock: o.clock,
    random: systemRandom,
  })
  const rds = await openRds({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'rds'),
    templates: o.templates,
    documents: await documents('rds'),
    keyService: kms.dataKeysFor('rds'),
    peer: o.peers.of('rds.amazonaws.com', faultNamed),
    verifyUrl: o.verifyUrl,
    authorize,
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
    peer: o.peers.of('s3.amazonaws.com', s3FaultNamed),
    lifecycleDayMs: o.lifecycleDayMs ?? 86_400_000,
    bucketDefaults: o.bucketDefaults ?? DEFAULTS_OF_TODAY,
    findPolicyProblem: (policy) => findPolicyProblem(policy, 'resource'),
    authorize,
    keys: o.keys,
    clock: o.clock,
    running: o.running,
    random: systemRandom,
  })
  const control = openS3Control({
    region: o.name,
    accountId: ACCOUNT_ID,
    documents: await documents('s3control'),
    source: s3.batchSource,
    callerFor: (roleArn, service) => o.replication.sessions.callerForService(roleArn, service),
    authorize,
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
  const ecs = await openEcs({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'ecs'),
    documents: await documents('ecs'),
    imagesFile: o.home?.imagesFile ?? join(o.folder, 'images.json'),
    endpoint: o.replication.endpoint,
    endpointOf: o.endpointOf,
    keysOf: (...asked) => o.sessions.startForService(...asked),
    clock: o.clock,
    random: systemRandom,
    onError: o.onError,
  })
  const lambda = await openLambda({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'lambda'),
    documents: await documents('lambda'),
    endpoint: o.replication.endpoint,
    keysOf: (...asked) => o.sessions.startForService(...asked),
    clock: o.clock,
    random: systemRandom,
    onError: o.onError,
  })
  const sns = openSns({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'sns'),
    documents: await documents('sns'),
    endpoint: o.replication.endpoint,
    reach: o.snsReach ?? 'loopback',
    policies: o.authorizer,
    clock: o.clock,
    random: systemRandom,
    onError: o.onError,
  })
  const cloudWatch = await openCloudWatch({
    region: o.name,
    accountId: ACCOUNT_ID,
    folder: join(o.folder, 'cloudwatch'),
    documents: await documents('cloudwatch'),
    notify: (topicArn, sourceArn, notification) =>
      sns.publishFor(topicArn, { service: 'cloudwatch.amazonaws.com', sourceArn, ...notification }),
    // Whoever measures itself stands here.
    sources: [
      new ReplicationMetrics(s3.replication, o.clock),
      rds.metrics,
      ecs.metrics,
      sns.metrics,
    ],
    clock: o.clock,
    onError: o.onError,
  })
  const both = { begin: s3.begin, close: s3.close, stream }
  return [
    secretsManager,
    withoutResources(kms.service),
    rds,
    both,
    sns,
    cloudWatch,
    { begin: control.begin, close: control.close },
    ecs,
    lambda,
  ]
}
