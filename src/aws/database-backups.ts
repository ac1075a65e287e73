import {
  CopyDBSnapshotCommand,
  CreateDBSnapshotCommand,
  type DBInstanceAutomatedBackup,
  DescribeDBSnapshotsCommand,
  paginateDescribeDBInstanceAutomatedBackups,
  type RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  StopDBInstanceAutomatedBackupsReplicationCommand,
} from '@aws-sdk/client-rds'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'
import { type DbInstance, type InstanceAttributes, readInstance } from './instance.ts'
import { restoreParameters } from './instance-parameters.ts'
import type { Mark, Rds } from './rds.ts'
import { type DbSnapshot, readSnapshot } from './snapshot.ts'
import { tagList } from './tags.ts'

export interface RestoreWindow {
  readonly earliest: Date
  readonly latest: Date
}

/** Automated backups of an instance of another region, which are kept in this one too. */
export interface ReplicatedBackups {
  /** Of the backups, not of the instance. */
  readonly arn: string
  /** Of the instance. */
  readonly sourceArn: string
  readonly instance: string
  /** `pending`, `replicating`; `retained` once nothing more comes. */
  readonly status: string
  readonly window: RestoreWindow | undefined
  readonly retentionDays: number | undefined
  readonly kmsKey: string | undefined
}

interface NewInstance {
  readonly target: string
  readonly attributes: InstanceAttributes
  readonly tags: Readonly<Record<string, string>>
  readonly mark: Mark
}

/**
 * What the databases of one region can be restored from, in our words, and the restores. Every method throws as `Calls` says.
 *
 * RDS has no client tokens, so `mark` must tell the execution that restores: an instance of that name with that tag is this very
 * restore, begun before; one without it is somebody else's (I4).
 */
export class DatabaseBackups {
  constructor(
    private readonly client: RDSClient,
    private readonly calls: Calls,
    private readonly instances: Rds,
  ) {}

  /**
   * From when to when an instance of this region can be restored; undefined before its first backup has finished.
   * `EarliestTime` is not in DescribeDBInstances, so this asks for the automated backup.
   */
  async restoreWindow(identifier: string): Promise<RestoreWindow | undefined> {
    const all = await this.#listAutomated({ DBInstanceIdentifier: identifier })
    const own = all.filter((backup) => !this.#isReplicated(backup))
    return readWindow(own.find((backup) => backup.Status === 'active') ?? own[0])
  }

  /**
   * Begins a restore to a new instance and returns at once, with status `creating`.
   *
   * @param order.source  the identifier of an instance of this region, or the ARN of backups that are replicated to it
   */
  async restoreToPointInTime(
    order: NewInstance & { readonly source: string; readonly to: { time: Date } | 'latest' },
  ): Promise<DbInstance> {
    const { source, target, to } = order
    return await this.#restore(`restore '${source}' to a new instance '${target}'`, order, () =>
      this.client.send(
        new RestoreDBInstanceToPointInTimeCommand({
          ...(source.startsWith('arn:')
            ? { SourceDBInstanceAutomatedBackupsArn: source }
            : { SourceDBInstanceIdentifier: source }),
          TargetDBInstanceIdentifier: target,
          ...(to === 'latest' ? { UseLatestRestorableTime: true } : { RestoreTime: to.time }),
          ...newInstance(order),
        }),
      ),
    )
  }

  /** As `restoreToPointInTime`, from a snapshot of this region. */
  async restoreSnapshot(order: NewInstance & { readonly snapshot: string }): Promise<DbInstance> {
    const { snapshot, target } = order
    return await this.#restore(`restore '${snapshot}' to a new instance '${target}'`, order, () =>
      this.client.send(
        new RestoreDBInstanceFromDBSnapshotCommand({
          DBSnapshotIdentifier: snapshot,
          DBInstanceIdentifier: target,
          ...newInstance(order),
        }),
      ),
    )
  }

  async createSnapshot(order: {
    instance: string
    snapshot: string
    tags: Record<string, string>
  }): Promise<DbSnapshot> {
    return this.calls.change(
      `create DB snapshot '${order.snapshot}' of '${order.instance}'`,
      async () => {
        const answer = await this.client.send(
          new CreateDBSnapshotCommand({
            DBInstanceIdentifier: order.instance,
            DBSnapshotIdentifier: order.snapshot,
            Tags: tagList(order.tags),
          }),
        )
        return readSnapshot(answer.DBSnapshot ?? {})
      },
      async () =>
        (await this.listSnapshots(order.instance)).find((one) => one.identifier === order.snapshot),
    )
  }

  /** DB snapshots of one instance, automated and manual, oldest first. */
  async listSnapshots(instance: string): Promise<DbSnapshot[]> {
    return this.calls.read(`list the DB snapshots of '${instance}'`, async () => {
      const snapshots: DbSnapshot[] = []
      let Marker: string | undefined
      do {
        const page = await this.client.send(
          new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: instance, Marker }),
        )
        snapshots.push(...(page.DBSnapshots ?? []).map(readSnapshot))
        Marker = page.Marker
      } while (Marker)
      return snapshots.sort((a, b) => (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0))
    })
  }

  async findSnapshot(identifier: string): Promise<DbSnapshot | undefined> {
    try {
      const answer = await this.calls.read(`describe DB snapshot '${identifier}'`, () =>
        this.client.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: identifier })),
      )
      const [wire] = answer.DBSnapshots ?? []
      return wire && readSnapshot(wire)
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'ResourceNotFound') return undefined
      throw error
    }
  }

  /**
   * Begins a copy of a snapshot to this region, under the same name unless told.
   *
   * @param order.source  ARN of a snapshot, of any region
   * @param order.kmsKey  of this region; without one an encrypted snapshot cannot come from another region
   */
  async copySnapshot(order: {
    readonly source: string
    readonly as?: string
    readonly kmsKey?: string | undefined
    readonly tags: Readonly<Record<string, string>>
  }): Promise<DbSnapshot> {
    const identifier = order.as ?? order.source.split(':').at(-1) ?? ''
    return await this.calls.change(
      `copy DB snapshot '${order.source}' as '${identifier}'`,
      async () => {
        const answer = await this.client.send(
          new CopyDBSnapshotCommand({
            SourceDBSnapshotIdentifier: order.source,
            TargetDBSnapshotIdentifier: identifier,
            KmsKeyId: order.kmsKey,
            Tags: tagList(order.tags),
          }),
        )
        return readSnapshot(answer.DBSnapshot ?? {})
      },
      async () => {
        const found = await this.findSnapshot(identifier)
        return found?.copyOf === order.source ? found : undefined
      },
    )
  }

  /** Automated backups of instances of other regions that are kept in this one, also those that nothing is added to any more. */
  async listReplicated(): Promise<ReplicatedBackups[]> {
    const all = await this.#listAutomated({})
    return all.filter((backup) => this.#isReplicated(backup)).map(readReplicated)
  }

  /** Keeps the automated backups of an instance of another region in this one too, from now on. Safe to call again. */
  async replicate(order: {
    readonly sourceArn: string
    readonly retentionDays?: number
    /** Of this region; needed when the instance is encrypted. */
    readonly kmsKey?: string | undefined
  }): Promise<ReplicatedBackups> {
    const { sourceArn } = order
    // Beginning it twice is refused.
    const begun = await this.#findReplicated(sourceArn, (status) => status !== 'retained')
    if (begun) return begun
    return await this.calls.change(
      `replicate the automated backups of '${sourceArn}'`,
      async () => {
        const answer = await this.client.send(
          new StartDBInstanceAutomatedBackupsReplicationCommand({
            SourceDBInstanceArn: sourceArn,
            BackupRetentionPeriod: order.retentionDays,
            KmsKeyId: order.kmsKey,
          }),
        )
        return readReplicated(answer.DBInstanceAutomatedBackup ?? {})
      },
      () => this.#findReplicated(sourceArn, (status) => status !== 'retained'),
    )
  }

  /** What has been replicated stays until its retention ends. */
  async stopReplicating(sourceArn: string): Promise<void> {
    await this.calls.change(
      `stop replicating the automated backups of '${sourceArn}'`,
      async () => {
        const answer = await this.client.send(
          new StopDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn: sourceArn }),
        )
        return readReplicated(answer.DBInstanceAutomatedBackup ?? {})
      },
      () => this.#findReplicated(sourceArn, (status) => status === 'retained'),
    )
  }

  async #findReplicated(sourceArn: string, isIt: (status: string) => boolean) {
    const all = await this.listReplicated()
    return all.find((backups) => backups.sourceArn === sourceArn && isIt(backups.status))
  }

  async #restore(
    what: string,
    { target, mark }: NewInstance,
    send: () => Promise<{ DBInstance?: Parameters<typeof readInstance>[0] | undefined }>,
  ): Promise<DbInstance> {
    const begun = await this.instances.findMarked(target, mark)
    if (begun) return begun
    return await this.calls.change(
      what,
      async () => readInstance((await send()).DBInstance ?? {}),
      () => this.instances.findMarked(target, mark),
    )
  }

  async #listAutomated(input: {
    DBInstanceIdentifier?: string
  }): Promise<DBInstanceAutomatedBackup[]> {
    const { DBInstanceIdentifier: identifier } = input
    const whose = identifier === undefined ? '' : ` of '${identifier}'`
    return await this.calls.read(`describe the automated backups${whose}`, async () => {
      const all: DBInstanceAutomatedBackup[] = []
      const pages = paginateDescribeDBInstanceAutomatedBackups({ client: this.client }, input)
      for await (const page of pages) all.push(...(page.DBInstanceAutomatedBackups ?? []))
      return all
    })
  }

  /** RDS tells the region of the instance. */
  #isReplicated({ Region: region }: DBInstanceAutomatedBackup): boolean {
    return region !== undefined && region !== this.calls.region
  }
}

function newInstance({ attributes, tags, mark }: NewInstance) {
  return {
    ...restoreParameters(attributes),
    Tags: tagList({ ...tags, [mark.key]: mark.value }),
  }
}

function readReplicated(wire: DBInstanceAutomatedBackup): ReplicatedBackups {
  return {
    arn: wire.DBInstanceAutomatedBackupsArn ?? '',
    sourceArn: wire.DBInstanceArn ?? '',
    instance: wire.DBInstanceIdentifier ?? '',
    status: wire.Status ?? 'unknown',
    window: readWindow(wire),
    retentionDays: wire.BackupRetentionPeriod,
    kmsKey: wire.KmsKeyId,
  }
}

function readWindow(wire: DBInstanceAutomatedBackup | undefined): RestoreWindow | undefined {
  const { EarliestTime: earliest, LatestTime: latest } = wire?.RestoreWindow ?? {}
  return earliest && latest ? { earliest, latest } : undefined
}
