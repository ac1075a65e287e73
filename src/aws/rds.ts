import {
  AddTagsToResourceCommand,
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
  paginateDescribeDBInstances,
  type RDSClient,
  RebootDBInstanceCommand,
  RestoreDBInstanceToPointInTimeCommand,
} from '@aws-sdk/client-rds'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'
import { type DbInstance, type InstanceAttributes, readInstance } from './instance.ts'
import { type DbSnapshot, readSnapshot } from './snapshot.ts'

export interface RestoreWindow {
  readonly earliest: Date
  readonly latest: Date
}

export interface WaitOptions {
  readonly deadlineMs: number
  readonly everyMs?: number
  readonly signal?: AbortSignal
  readonly onPoll?: (instance: DbInstance | undefined) => void
}

/** Amazon RDS of one region, in our words. Every method throws as `Calls` says. */
export class Rds {
  constructor(
    private readonly client: RDSClient,
    private readonly calls: Calls,
    private readonly clock: Clock,
  ) {}

  async findInstance(identifier: string): Promise<DbInstance | undefined> {
    try {
      return await this.getInstance(identifier)
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'ResourceNotFound') return undefined
      throw error
    }
  }

  async getInstance(identifier: string): Promise<DbInstance> {
    const answer = await this.calls.read(`describe DB instance '${identifier}'`, () =>
      this.client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier })),
    )
    const wire = answer.DBInstances?.[0]
    if (!wire) {
      throw new LifeboatError('ResourceNotFound', `there is no DB instance '${identifier}'`)
    }
    return readInstance(wire)
  }

  async listInstances(): Promise<DbInstance[]> {
    return this.calls.read('list DB instances', async () => {
      const instances: DbInstance[] = []
      for await (const page of paginateDescribeDBInstances({ client: this.client }, {})) {
        instances.push(...(page.DBInstances ?? []).map(readInstance))
      }
      return instances
    })
  }

  /**
   * From when to when an instance can be restored; undefined before its first backup has finished.
   * `EarliestTime` is not in DescribeDBInstances, so this asks for the automated backup.
   */
  async restoreWindow(identifier: string): Promise<RestoreWindow | undefined> {
    const answer = await this.calls.read(`describe the automated backups of '${identifier}'`, () =>
      this.client.send(
        new DescribeDBInstanceAutomatedBackupsCommand({ DBInstanceIdentifier: identifier }),
      ),
    )
    const backups = answer.DBInstanceAutomatedBackups ?? []
    const window = (backups.find((backup) => backup.Status === 'active') ?? backups[0])
      ?.RestoreWindow
    if (!window?.EarliestTime || !window.LatestTime) return undefined
    return { earliest: window.EarliestTime, latest: window.LatestTime }
  }

  /**
   * Begins a restore to a new instance and returns at once, with status `creating`.
   *
   * RDS has no client tokens, so `tags` must mark the execution that asks: an instance of that name
   * with those tags is this very restore, begun before; one without them is somebody else's (I4).
   */
  async restoreToPointInTime(order: {
    source: string
    target: string
    to: { time: Date } | 'latest'
    attributes: InstanceAttributes
    tags: Record<string, string>
    mark: { key: string; value: string }
  }): Promise<DbInstance> {
    const { source, target, to, mark } = order
    const begun = await this.#findMarked(target, mark)
    if (begun) return begun

    const what = `restore '${source}' to a new instance '${target}'`
    return this.calls.change(
      what,
      async () => {
        const answer = await this.client.send(
          new RestoreDBInstanceToPointInTimeCommand({
            SourceDBInstanceIdentifier: source,
            TargetDBInstanceIdentifier: target,
            ...(to === 'latest' ? { UseLatestRestorableTime: true } : { RestoreTime: to.time }),
            ...restoreParameters(order.attributes),
            Tags: tagList({ ...order.tags, [mark.key]: mark.value }),
          }),
        )
        return readInstance(answer.DBInstance ?? {})
      },
      () => this.#findMarked(target, mark),
    )
  }

  /** Asks for changes to be applied immediately; idempotent, because it states the end. */
  async modifyInstance(identifier: string, wanted: InstanceAttributes): Promise<DbInstance> {
    const send = async () => {
      const answer = await this.client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          ...modifyParameters(wanted),
          ApplyImmediately: true,
        }),
      )
      return readInstance(answer.DBInstance ?? {})
    }
    return this.calls.change(`modify DB instance '${identifier}'`, send, send)
  }

  /** Sets the master user's password; it goes nowhere but into this call (I12). */
  async setMasterPassword(identifier: string, password: string): Promise<void> {
    const send = async () => {
      await this.client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          MasterUserPassword: password,
          ApplyImmediately: true,
        }),
      )
      return true
    }
    await this.calls.change(`set the master password of '${identifier}'`, send, send)
  }

  async tagInstance(arn: string, tags: Record<string, string>): Promise<void> {
    const send = async () => {
      await this.client.send(
        new AddTagsToResourceCommand({ ResourceName: arn, Tags: tagList(tags) }),
      )
      return true
    }
    await this.calls.change(`tag '${arn}'`, send, send)
  }

  async rebootInstance(identifier: string): Promise<void> {
    await this.calls.change(
      `reboot DB instance '${identifier}'`,
      async () => {
        await this.client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: identifier }))
        return true
      },
      async () => (await this.getInstance(identifier)).status === 'rebooting' || undefined,
    )
  }

  /**
   * Deletes exactly the instance with this ARN, without a final snapshot (I15). Safe to call again:
   * an instance that is gone, or whose name belongs to another one, is left alone.
   */
  async deleteInstance(arn: string): Promise<void> {
    const identifier = arn.split(':').at(-1) ?? ''
    const isGone = async () => {
      const instance = await this.findInstance(identifier)
      return !instance || instance.arn !== arn || instance.status === 'deleting' || undefined
    }
    if (await isGone()) return
    await this.calls.change(
      `delete DB instance '${identifier}'`,
      async () => {
        await this.client.send(
          new DeleteDBInstanceCommand({
            DBInstanceIdentifier: identifier,
            SkipFinalSnapshot: true,
            DeleteAutomatedBackups: true,
          }),
        )
        return true
      },
      isGone,
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

  /**
   * Polls until `condition` holds for the instance (undefined while it does not exist).
   *
   * @throws LifeboatError `StepDeadlineExceeded` (I16)
   */
  async waitUntil(
    identifier: string,
    condition: (instance: DbInstance | undefined) => boolean,
    { deadlineMs, everyMs = 250, signal, onPoll }: WaitOptions,
  ): Promise<DbInstance | undefined> {
    const deadline = this.clock.monotonicMs() + deadlineMs
    for (;;) {
      signal?.throwIfAborted()
      const instance = await this.findInstance(identifier)
      onPoll?.(instance)
      if (condition(instance)) return instance
      if (this.clock.monotonicMs() > deadline) {
        throw new LifeboatError(
          'StepDeadlineExceeded',
          `DB instance '${identifier}' is still '${instance?.status ?? 'absent'}' after ${Math.round(deadlineMs / 1000)} s`,
          { hint: 'Retry the step to go on waiting.' },
        )
      }
      await this.clock.sleep(everyMs, signal)
    }
  }

  async #findMarked(identifier: string, mark: { key: string; value: string }) {
    const instance = await this.findInstance(identifier)
    if (!instance || instance.tags[mark.key] === mark.value) return instance
    throw new LifeboatError(
      'CallRefused',
      `a DB instance '${identifier}' exists and does not belong to this execution`,
      { hint: `Look at it; it has no tag ${mark.key}=${mark.value}.` },
    )
  }
}

function tagList(tags: Record<string, string>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}

/** What RestoreDBInstanceToPointInTime accepts of the attributes; the rest is for `modifyInstance`. */
function restoreParameters(wanted: InstanceAttributes) {
  return defined({
    DBInstanceClass: wanted.instanceClass,
    DBParameterGroupName: wanted.parameterGroup,
    OptionGroupName: wanted.optionGroup,
    VpcSecurityGroupIds: wanted.securityGroups && [...wanted.securityGroups],
    DBSubnetGroupName: wanted.subnetGroup,
    CopyTagsToSnapshot: wanted.copyTagsToSnapshot,
    StorageType: wanted.storageType,
    Iops: wanted.iops,
    StorageThroughput: wanted.storageThroughput,
    MaxAllocatedStorage: wanted.maxAllocatedStorageGiB,
    MultiAZ: wanted.multiAz || undefined,
    PubliclyAccessible: wanted.publiclyAccessible,
    EnableIAMDatabaseAuthentication: wanted.iamAuthentication || undefined,
    EnableCloudwatchLogsExports: wanted.logExports?.length ? [...wanted.logExports] : undefined,
    AutoMinorVersionUpgrade: wanted.autoMinorVersionUpgrade,
    NetworkType: wanted.networkType,
  })
}

function modifyParameters(wanted: InstanceAttributes) {
  return defined({
    DBInstanceClass: wanted.instanceClass,
    DBParameterGroupName: wanted.parameterGroup,
    OptionGroupName: wanted.optionGroup,
    VpcSecurityGroupIds: wanted.securityGroups && [...wanted.securityGroups],
    BackupRetentionPeriod: wanted.backupRetentionDays,
    PreferredBackupWindow: wanted.backupWindow,
    PreferredMaintenanceWindow: wanted.maintenanceWindow,
    DeletionProtection: wanted.deletionProtection,
    CopyTagsToSnapshot: wanted.copyTagsToSnapshot,
    StorageType: wanted.storageType,
    Iops: wanted.iops,
    StorageThroughput: wanted.storageThroughput,
    MaxAllocatedStorage: wanted.maxAllocatedStorageGiB,
    MultiAZ: wanted.multiAz,
    PubliclyAccessible: wanted.publiclyAccessible,
    EnableIAMDatabaseAuthentication: wanted.iamAuthentication,
    AutoMinorVersionUpgrade: wanted.autoMinorVersionUpgrade,
    MonitoringInterval: wanted.monitoringIntervalSeconds,
    MonitoringRoleArn: wanted.monitoringRole,
    EnablePerformanceInsights: wanted.performanceInsights,
    CACertificateIdentifier: wanted.certificateAuthority,
    CloudwatchLogsExportConfiguration: wanted.logExports && {
      EnableLogTypes: [...wanted.logExports],
    },
  })
}

/** Parameters that are asked for; leaving one out is not the same as sending it empty. */
function defined<Shape extends object>(parameters: Shape) {
  return Object.fromEntries(
    Object.entries(parameters).filter(([, value]) => value !== undefined),
  ) as { [Key in keyof Shape]?: Exclude<Shape[Key], undefined> }
}
