import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { Turns } from '../../core/turns.ts'
import type { PostgresBinaries } from '../../postgres/binaries.ts'
import type { Peer } from '../peer/peer.ts'
import type { Authorizer } from '../protocol/authorization.ts'
import type { DocumentStore } from '../protocol/documents.ts'
import type { VerifiedRequest } from '../protocol/sigv4.ts'
import { AutomatedBackups, type RestoreWindow } from './automated-backups.ts'
import { EngineVersions } from './engine-versions.ts'
import { type EventName, Events } from './events.ts'
import { instanceAlreadyExists, instanceNotFound, RdsFault } from './faults.ts'
import type { InstanceFacts, InstanceRecord } from './instance.ts'
import { InstanceServer } from './instance-server.ts'
import { LiveInstance, type Work } from './live-instance.ts'
import { ParameterGroups } from './parameters/parameter-groups.ts'
import { parseBackupWindow } from './preferred-windows.ts'
import { occurrenceAt } from './recurring-window.ts'
import type { RegionKey } from './region-key.ts'
import { RegionNames } from './region-names.ts'
import { ReplicaWatch } from './replication/replica-watch.ts'
import { RetainedBackupsStore } from './retained-backups.ts'
import { type SnapshotRecord, Snapshots } from './snapshots.ts'
import { type KeyService, StorageKeys } from './storage-keys.ts'
import { SubnetGroups } from './subnet-groups.ts'
import { BackupReplication } from './transfer/backup-replication.ts'
import { ReplicatedBackupsStore } from './transfer/replicated-backups.ts'
import { SnapshotCopies } from './transfer/snapshot-copies.ts'

/** Source: RDS User Guide, "Quotas in Amazon RDS". */
const INSTANCE_QUOTA = 40
const STOPPED_AT_MOST_MS = 7 * 24 * 3_600_000

export interface RdsOptions {
  readonly region: string
  readonly accountId: string
  /** Holds data directories, backups, snapshots and the region's key; other accounts may enter it. */
  readonly folder: string
  /** Shared by all regions of a home. */
  readonly templates: string
  readonly documents: DocumentStore
  readonly keyService: KeyService
  /** How it talks to RDS of other regions. */
  readonly peer: Peer
  /** Verifies a request that was signed as a URL for another region. @throws Fault */
  readonly verifyUrl: (url: string, region: string) => VerifiedRequest
  readonly authorize: Authorizer
  /** Newest major first, at least one. */
  readonly binaries: readonly PostgresBinaries[]
  readonly clock: Clock
  readonly random: Random
  /** Gets every failure of work that nobody waits for. Nothing in it may be a secret (I12). */
  readonly onError: (error: unknown) => void
}

/** Amazon RDS of one region: what its actions, its works and its scheduler share. */
export class Rds {
  readonly names: RegionNames
  readonly keys: StorageKeys
  readonly versions: EngineVersions
  readonly events: Events
  readonly snapshots: Snapshots
  readonly retained: RetainedBackupsStore
  readonly backups: AutomatedBackups
  readonly parameterGroups: ParameterGroups
  readonly subnetGroups: SubnetGroups
  readonly replicas: ReplicaWatch
  readonly copies: SnapshotCopies
  readonly replicated: ReplicatedBackupsStore
  readonly backupReplication: BackupReplication
  readonly #instances = new Map<string, LiveInstance>()
  /** Identifiers are given one at a time. */
  readonly #naming = new Turns()
  readonly #progress = new Map<string, number>()

  constructor(
    private readonly o: RdsOptions,
    readonly key: RegionKey,
  ) {
    this.names = new RegionNames(o.region, o.accountId, o.random)
    this.keys = new StorageKeys(o.keyService)
    this.versions = new EngineVersions(o.binaries)
    this.events = new Events(o.documents, o.clock)
    this.snapshots = new Snapshots(o.documents)
    this.retained = new RetainedBackupsStore(o.documents)
    this.backups = new AutomatedBackups({
      folder: (resourceId) => this.folder('backups', resourceId),
      keys: this.keys,
      clock: o.clock,
      onGap: (instance) => {
        this.tell(instance, 'gap in backups').catch((error) => this.report(error))
      },
      onProblem: (error) => this.report(error),
    })
    this.parameterGroups = new ParameterGroups(
      o.documents,
      o.binaries.map(({ major }) => major),
    )
    this.subnetGroups = new SubnetGroups(o.documents, this.names)
    this.replicas = new ReplicaWatch(this)
    this.copies = new SnapshotCopies(this)
    this.replicated = new ReplicatedBackupsStore(o.documents)
    this.backupReplication = new BackupReplication(this)
    for (const record of LiveInstance.stored(o.documents)) this.#track(record)
  }

  get clock(): Clock {
    return this.o.clock
  }

  get authorize(): Authorizer {
    return this.o.authorize
  }

  get verifyUrl(): RdsOptions['verifyUrl'] {
    return this.o.verifyUrl
  }

  get peer(): Peer {
    return this.o.peer
  }

  get random(): Random {
    return this.o.random
  }

  now(): string {
    return this.o.clock.now().toISOString()
  }

  folder(kind: 'instances' | 'backups' | 'snapshots', name = ''): string {
    return join(this.o.folder, kind, name)
  }

  report(error: unknown): void {
    this.o.onError(error)
  }

  instances(): LiveInstance[] {
    return [...this.#instances.values()]
  }

  /** By identifier, in any case, or ARN. */
  findInstance(identifier: string): LiveInstance | undefined {
    const name = this.names.nameOf('db', identifier)?.toLowerCase()
    return this.instances().find(({ record }) => record.identifier === name)
  }

  /** @throws RdsFault `DBInstanceNotFoundFault` */
  getInstance(identifier: string): LiveInstance {
    const instance = this.findInstance(identifier)
    if (!instance) throw instanceNotFound(identifier)
    return instance
  }

  findByResourceId(resourceId: string): LiveInstance | undefined {
    return this.#instances.get(resourceId)
  }

  /** Facts of an instance that is there, or whose automated backups are retained, or replicated to here. */
  findFacts(resourceId: string): InstanceFacts | undefined {
    const stored = this.retained.find(resourceId) ?? this.replicated.find(resourceId)
    return this.findByResourceId(resourceId)?.record ?? stored?.instance
  }

  /** As `findFacts`, by the ARN of the automated backups. */
  findFactsByBackupArn(arn: string): InstanceFacts | undefined {
    const name = this.names.nameOf('auto-backup', arn)
    const live = this.instances().map(({ record }) => record)
    const stored = [...this.retained.list(), ...this.replicated.list()]
    const facts = [...live, ...stored.map(({ instance }) => instance)]
    return facts.find(({ automatedBackupsName }) => automatedBackupsName === name)
  }

  /**
   * Stores an instance and begins the work that its status names.
   *
   * @throws RdsFault `DBInstanceAlreadyExistsFault`, `InstanceQuotaExceededFault`
   */
  async addInstance(record: InstanceRecord, work: Work): Promise<InstanceRecord> {
    return await this.#naming.take(async () => {
      this.checkIdentifierFree(record.identifier)
      if (this.#instances.size >= INSTANCE_QUOTA) {
        throw new RdsFault(
          'InstanceQuotaExceededFault',
          `Cannot create more than ${INSTANCE_QUOTA} DB instances.`,
        )
      }
      const instance = this.#track(record)
      try {
        await instance.add()
      } catch (error) {
        this.#instances.delete(record.resourceId)
        throw error
      }
      instance.resume(work)
      return record
    })
  }

  /** Runs work during which no other identifier is given away. */
  async naming<T>(work: () => Promise<T>): Promise<T> {
    return await this.#naming.take(work)
  }

  /** Also counts identifiers that an instance is about to get. @throws RdsFault `DBInstanceAlreadyExistsFault` */
  checkIdentifierFree(identifier: string): void {
    if (this.isIdentifierTaken(identifier)) throw instanceAlreadyExists()
  }

  /** Whether an instance other than the one named has an identifier, or is about to get it. */
  isIdentifierTaken(identifier: string, exceptResourceId?: string): boolean {
    return this.instances()
      .filter(({ record }) => record.resourceId !== exceptResourceId)
      .some(({ record }) => [record.identifier, record.applying?.identifier].includes(identifier))
  }

  async forgetInstance(instance: LiveInstance): Promise<void> {
    await instance.forget()
    this.#instances.delete(instance.record.resourceId)
  }

  /** When a stopped instance is started again: after seven days, as on AWS. */
  automaticRestartTime(stoppedAt: string): Date {
    return new Date(Date.parse(stoppedAt) + STOPPED_AT_MOST_MS)
  }

  /** Whether the server of an instance runs with the parameters that its group has. */
  parameterStatus(record: InstanceRecord): 'in-sync' | 'pending-reboot' {
    const group = this.parameterGroups.parametersOf(record.settings.parameterGroup)
    const names = new Set([...Object.keys(group), ...Object.keys(record.appliedParameters)])
    const isSame = [...names].every((name) => group[name] === record.appliedParameters[name])
    return isSame || record.createdAt === undefined ? 'in-sync' : 'pending-reboot'
  }

  /**
   * From when to when an instance can be restored: any moment. Undefined before its first backup, and without
   * automated backups.
   *
   * Unlike AWS: after a loss of WAL there are several windows; this is the last. Moments in the others can be restored to.
   */
  restoreWindow(facts: InstanceFacts): RestoreWindow | undefined {
    return this.restoreWindows(facts).at(-1)
  }

  /** Every stretch of time that can be restored to, oldest first. */
  restoreWindows({ resourceId, settings }: InstanceFacts): RestoreWindow[] {
    if (settings.backupRetentionDays === 0) return []
    return this.backups.restoreWindows(resourceId, settings.backupRetentionDays)
  }

  /** The backup window in which an instance makes its first backup counts as used. */
  presentBackupWindow({ settings }: InstanceRecord): { usedBackupWindow?: string } {
    const window = parseBackupWindow(settings.backupWindow)
    const began = occurrenceAt(window, this.o.clock.now())
    return began ? { usedBackupWindow: began.toISOString() } : {}
  }

  /** Resolves when every restore from the backups of an instance that has begun has ended. */
  async restoresFrom(resourceId: string): Promise<void> {
    const users = this.instances().filter(({ record }) => this.#isMadeFrom(record, resourceId))
    await Promise.all(users.map((instance) => instance.settled()))
  }

  /** Whether an instance is being made from a snapshot, or from the backups of another. */
  isInUse(resourceId: string): boolean {
    return this.instances().some(({ record }) => this.#isMadeFrom(record, resourceId))
  }

  #isMadeFrom({ status, origin }: InstanceRecord, resourceId: string): boolean {
    if (status !== 'creating' || origin.kind === 'new' || origin.kind === 'replica') return false
    if (origin.kind === 'point in time') return origin.source === resourceId
    const snapshot = this.snapshots.findByResourceId(origin.snapshot)
    const isAutomated = snapshot?.type === 'automated'
    return [origin.snapshot, isAutomated && snapshot.instance.resourceId].includes(resourceId)
  }

  /** How much of a snapshot has been taken, in percent. */
  progressOf({ resourceId }: SnapshotRecord): number {
    return this.#progress.get(resourceId) ?? 0
  }

  setProgress({ resourceId }: SnapshotRecord, fraction: number): void {
    this.#progress.set(resourceId, Math.min(99, Math.floor(fraction * 100)))
  }

  /** Deletes a snapshot: its entry, then its data (I3). */
  async removeSnapshot(snapshot: SnapshotRecord): Promise<void> {
    await this.snapshots.remove(snapshot.identifier)
    this.#progress.delete(snapshot.resourceId)
    if (snapshot.type === 'automated') return
    await rm(this.folder('snapshots', snapshot.resourceId), { recursive: true, force: true })
  }

  /** Deletes the entries of automated snapshots of an instance, all or those that `isGone` says. */
  async removeAutomatedSnapshots(
    resourceId: string,
    isGone: (snapshot: SnapshotRecord) => boolean = () => true,
  ): Promise<void> {
    for (const snapshot of this.snapshots.list()) {
      const isTheirs = snapshot.type === 'automated' && snapshot.instance.resourceId === resourceId
      if (isTheirs && isGone(snapshot)) await this.removeSnapshot(snapshot)
    }
  }

  async tell(instance: LiveInstance, name: EventName, more = ''): Promise<void> {
    const { identifier } = instance.record
    const arn = this.names.arn('db', identifier)
    await this.events.record({ source: 'db-instance', identifier, arn }, name, more)
  }

  #track(record: InstanceRecord): LiveInstance {
    const instance = new LiveInstance(
      this.o.documents,
      record,
      (one) => this.#serverOf(one),
      (one, error) => this.#tellFailure(one, error),
    )
    this.#instances.set(record.resourceId, instance)
    return instance
  }

  /** What happens when a server ends by itself; set by the works, which know how to go on. */
  onCrash: (instance: LiveInstance) => void = () => undefined
  onWorkFailed: (instance: LiveInstance, error: unknown) => Promise<void> = async () => undefined

  async #tellFailure(instance: LiveInstance, error: unknown): Promise<void> {
    try {
      await this.onWorkFailed(instance, error)
    } catch (second) {
      // Not even the status could be stored, as on a full disk: the scheduler tries again.
      this.report(error)
      this.report(second)
    }
  }

  #serverOf(instance: LiveInstance): InstanceServer {
    const { record } = instance
    return new InstanceServer({
      folder: this.folder('instances', record.resourceId),
      templates: this.o.templates,
      binaries: this.versions.get(record.major),
      password: this.key.password(record.sealedSuperuserPassword),
      clock: this.o.clock,
      onCrash: () => this.onCrash(instance),
    })
  }
}
