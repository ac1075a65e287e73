import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
} from '@aws-sdk/client-cloudwatch'
import {
  CreateDBInstanceReadReplicaCommand,
  PromoteReadReplicaCommand,
  type RDSClient,
} from '@aws-sdk/client-rds'
import type { Clock } from '../core/clock.ts'
import type { Calls } from './calls.ts'
import { type DbInstance, type InstanceAttributes, readInstance } from './instance.ts'
import { replicaParameters } from './instance-parameters.ts'
import type { Mark, Rds } from './rds.ts'
import { tagList } from './tags.ts'

/** How far back it is looked for the newest figure, in milliseconds. RDS sends one a minute. */
const LOOK_BACK_MS = 10 * 60_000

/** How a read replica stands to its source. */
export interface ReplicationFigures {
  /** In AWS's words: `replicating`, `error`, `terminated`, …; undefined for an instance that is no replica. */
  readonly status: string | undefined
  readonly isNormal: boolean
  /** Why it does not replicate. */
  readonly message: string | undefined
  /** Seconds since the commit that was replayed last; undefined where RDS tells of none lately. */
  readonly lag: { readonly seconds: number; readonly at: Date } | undefined
}

/** The read replicas of one region, in our words. Every method throws as `Calls` says. */
export class DatabaseReplicas {
  constructor(
    private readonly client: RDSClient,
    private readonly metrics: CloudWatchClient,
    private readonly calls: Calls,
    private readonly clock: Clock,
    private readonly instances: Rds,
  ) {}

  /** All instances of this region that follow another one, of any region. */
  async list(): Promise<DbInstance[]> {
    return (await this.instances.listInstances()).filter(({ replicaOf }) => replicaOf)
  }

  /**
   * Begins a replica and returns at once, with status `creating`.
   *
   * @param order.source  ARN of an instance of any region; beside it, its identifier does
   * @param order.mark    as for `DatabaseBackups`
   */
  async create(order: {
    readonly source: string
    readonly target: string
    /** `kmsKey` is needed when the source is in another region, and encrypted. */
    readonly attributes: InstanceAttributes
    readonly tags: Readonly<Record<string, string>>
    readonly mark: Mark
  }): Promise<DbInstance> {
    const { source, target, mark } = order
    const begun = await this.instances.findMarked(target, mark)
    if (begun) return begun
    return await this.calls.change(
      `create '${target}', a read replica of '${source}'`,
      async () => {
        const answer = await this.client.send(
          new CreateDBInstanceReadReplicaCommand({
            SourceDBInstanceIdentifier: source,
            DBInstanceIdentifier: target,
            ...replicaParameters(order.attributes),
            Tags: tagList({ ...order.tags, [mark.key]: mark.value }),
          }),
        )
        return readInstance(answer.DBInstance ?? {})
      },
      () => this.instances.findMarked(target, mark),
    )
  }

  /**
   * Begins a promotion, after which the instance follows nobody; returns at once, with status `modifying`. There is no way back.
   *
   * @throws LifeboatError `CallRefused` also for an instance that is no replica
   */
  async promote(
    identifier: string,
    wanted: Pick<InstanceAttributes, 'backupRetentionDays' | 'backupWindow'> = {},
  ): Promise<DbInstance> {
    return await this.calls.change(
      `promote the read replica '${identifier}'`,
      async () => {
        const answer = await this.client.send(
          new PromoteReadReplicaCommand({
            DBInstanceIdentifier: identifier,
            BackupRetentionPeriod: wanted.backupRetentionDays,
            PreferredBackupWindow: wanted.backupWindow,
          }),
        )
        return readInstance(answer.DBInstance ?? {})
      },
      async () => {
        const instance = await this.instances.getInstance(identifier)
        const hasBegun = !instance.replicaOf || instance.status === 'modifying'
        return hasBegun ? instance : undefined
      },
    )
  }

  /** What RDS and CloudWatch tell of a replica now. */
  async figures(identifier: string): Promise<ReplicationFigures> {
    const [{ replication }, lag] = await Promise.all([
      this.instances.getInstance(identifier),
      this.#lagOf(identifier),
    ])
    return {
      status: replication?.status,
      isNormal: replication?.isNormal ?? false,
      message: replication?.message,
      lag,
    }
  }

  async #lagOf(identifier: string): Promise<ReplicationFigures['lag']> {
    const query: MetricDataQuery = {
      Id: 'lag',
      MetricStat: {
        Metric: {
          Namespace: 'AWS/RDS',
          MetricName: 'ReplicaLag',
          Dimensions: [{ Name: 'DBInstanceIdentifier', Value: identifier }],
        },
        Period: 60,
        Stat: 'Maximum',
      },
    }
    const now = this.clock.now()
    const answer = await this.calls.read(`ask for the replica lag of '${identifier}'`, () =>
      this.metrics.send(
        new GetMetricDataCommand({
          StartTime: new Date(now.getTime() - LOOK_BACK_MS),
          EndTime: new Date(now.getTime() + 60_000),
          MetricDataQueries: [query],
          ScanBy: 'TimestampDescending',
        }),
      ),
    )
    const { Timestamps: [at] = [], Values: [seconds] = [] } = answer.MetricDataResults?.[0] ?? {}
    // RDS tells of a replication that does not run by -1.
    return at === undefined || seconds === undefined || seconds < 0 ? undefined : { seconds, at }
  }
}
