import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { ECSClient } from '@aws-sdk/client-ecs'
import { RDSClient } from '@aws-sdk/client-rds'
import { Route53Client } from '@aws-sdk/client-route-53'
import { S3Client } from '@aws-sdk/client-s3'
import { S3ControlClient } from '@aws-sdk/client-s3-control'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { Clock } from '../core/clock.ts'
import { Alarms } from './alarms.ts'
import { BatchReplication } from './batch-replication.ts'
import { Buckets } from './buckets.ts'
import { Calls } from './calls.ts'
import { DatabaseBackups } from './database-backups.ts'
import { DatabaseReplicas } from './database-replicas.ts'
import { Documents } from './documents.ts'
import { Functions } from './functions.ts'
import { Rds } from './rds.ts'
import { Route53 } from './route53.ts'
import { Secrets } from './secrets.ts'
import { Services } from './services.ts'

/** Where a fact was found: a rehearsal never proves a figure of an AWS workload. */
export type World = 'embedded' | `aws:${string}/${string}`

/** The account of every embedded region. */
const EMBEDDED_ACCOUNT = '000000000000'

const CONNECT_TIMEOUT_MS = 3_000
const REQUEST_TIMEOUT_MS = 20_000
/** No function runs longer. Source: Lambda Developer Guide, "Lambda quotas". */
const INVOCATION_TIMEOUT_MS = 905_000

export interface RegionClientOptions {
  readonly region: string
  /** Without it, the SDK's own rules: AWS_ENDPOINT_URL, else AWS itself. */
  readonly endpoint?: string
  /** Of S3 Control, where the SDK's own rules lead to an address of this machine. */
  readonly controlEndpoint?: string
  /** Without them, the SDK's own chain: environment, profile, instance role. */
  readonly credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  readonly clock: Clock
}

/** All that Lifeboat asks of one AWS Region, real or embedded. Holds sockets: close it. */
export class RegionClient {
  readonly region: string
  readonly alarms: Alarms
  readonly rds: Rds
  readonly databaseBackups: DatabaseBackups
  readonly databaseReplicas: DatabaseReplicas
  readonly secrets: Secrets
  readonly buckets: Buckets
  readonly batchReplication: BatchReplication
  readonly documents: Documents
  /** One for all regions; its API is in us-east-1. */
  readonly route53: Route53
  readonly services: Services
  readonly functions: Functions
  readonly #calls: Calls
  readonly #clients: {
    cloudWatch: CloudWatchClient
    rds: RDSClient
    secrets: SecretsManagerClient
    s3: S3Client
    s3Control: S3ControlClient
    sts: STSClient
    route53: Route53Client
    ecs: ECSClient
  }

  constructor({ region, endpoint, credentials, clock, ...o }: RegionClientOptions) {
    const controlEndpoint = o.controlEndpoint ?? endpoint
    this.region = region
    const config = {
      region,
      maxAttempts: 1, // `Calls` decides what is sent again
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
      ...(endpoint && { endpoint }),
      ...(credentials && { credentials }),
    }
    this.#clients = {
      cloudWatch: new CloudWatchClient(config),
      rds: new RDSClient(config),
      secrets: new SecretsManagerClient(config),
      // Without a bucket in the host name: an endpoint of one's own need not have names for all.
      s3: new S3Client({
        ...config,
        forcePathStyle: endpoint !== undefined,
      }),
      s3Control: new S3ControlClient({
        ...config,
        ...(controlEndpoint && { endpoint: BatchReplication.endpointOf(controlEndpoint) }),
      }),
      sts: new STSClient(config),
      route53: new Route53Client(config),
      ecs: new ECSClient(config),
    }
    this.#calls = new Calls(region, clock)
    this.alarms = new Alarms(this.#clients.cloudWatch, this.#calls)
    this.rds = new Rds(this.#clients.rds, this.#calls, clock)
    this.databaseBackups = new DatabaseBackups(this.#clients.rds, this.#calls, this.rds)
    this.databaseReplicas = new DatabaseReplicas(
      this.#clients.rds,
      this.#clients.cloudWatch,
      this.#calls,
      clock,
      this.rds,
    )
    this.secrets = new Secrets(this.#clients.secrets, this.#calls)
    this.buckets = new Buckets(this.#clients.s3, this.#calls)
    this.batchReplication = new BatchReplication(this.#clients.s3Control, this.#calls)
    this.documents = new Documents(this.#clients.s3, this.#calls)
    this.route53 = new Route53(this.#clients.route53, this.#calls, clock)
    this.services = new Services(this.#clients.ecs, this.#calls, clock)
    this.functions = new Functions(
      {
        ...config,
        requestHandler: { ...config.requestHandler, requestTimeout: INVOCATION_TIMEOUT_MS },
      },
      this.#calls,
    )
  }

  async identity(): Promise<{ account: string; world: World }> {
    const answer = await this.#calls.read('ask who we are', () =>
      this.#clients.sts.send(new GetCallerIdentityCommand({})),
    )
    const account = answer.Account ?? 'unknown'
    const world: World = account === EMBEDDED_ACCOUNT ? 'embedded' : `aws:${account}/${this.region}`
    return { account, world }
  }

  close(): void {
    for (const client of [...Object.values(this.#clients), this.functions]) client.destroy()
  }
}
