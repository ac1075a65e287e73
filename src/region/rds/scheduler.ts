import { RdsFault } from './faults.ts'
import type { InstanceRecord } from './instance.ts'
import type { InstanceRequest } from './instance-status.ts'
import { backUpInstance, newAutomatedSnapshot } from './jobs/back-up.ts'
import { protect } from './jobs/bring-up.ts'
import { expireBackups, expireReplicated, expireRetained } from './jobs/expire-backups.ts'
import { KEY_AWAITED_MS, loseKey } from './jobs/lose-key.ts'
import { modifyInstance } from './jobs/modify-instance.ts'
import { resumeInstance } from './jobs/resume.ts'
import { startInstance } from './jobs/start-instance.ts'
import type { LiveInstance, Work } from './live-instance.ts'
import { withModification } from './modification.ts'
import { parseBackupWindow, parseMaintenanceWindow } from './preferred-windows.ts'
import type { Rds } from './rds.ts'
import { occurrenceAt } from './recurring-window.ts'

/** How often the windows are looked at, in milliseconds. */
const TICK_MS = 500
/** How often what is too old is deleted, and what failed is tried again, by the region's clock. */
const HOUSEKEEPING_MS = 60_000

const NOTHING = { settings: {}, atOnce: {}, inWindow: {} }

/**
 * What happens by the clock: daily backups in the backup window, waiting modifications in the maintenance window, the
 * end of retention, the restart of an instance that has been stopped for seven days.
 */
export class Scheduler {
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #keptHouseAt: number | undefined

  constructor(private readonly rds: Rds) {}

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const unfinished = new Set(
        this.rds.snapshots
          .list()
          .filter(({ status, copyOf }) => status === 'creating' && !copyOf)
          .map(({ instance }) => instance.resourceId),
      )
      for (const instance of this.rds.instances()) {
        const isUnfinished = unfinished.has(instance.record.resourceId)
        await this.#told(() => this.#careFor(instance, isUnfinished))
      }
      await this.#told(() => this.#keepHouse())
      await this.#told(() => this.rds.clock.sleep(TICK_MS, signal))
    }
  }

  async #careFor(instance: LiveInstance, hasUnfinishedSnapshots: boolean): Promise<void> {
    const { record } = instance
    const now = this.rds.clock.now()
    if (record.status === 'stopped' && record.stoppedAt !== undefined) {
      if (this.rds.automaticRestartTime(record.stoppedAt) > now) return
      await this.rds.tell(instance, 'seven days over')
      await this.#begin(instance, 'start', startInstance(this.rds))
    }
    await this.#careForKey(instance, now)
    if (record.status !== 'available' || !instance.isServing) return

    if (hasUnfinishedSnapshots) {
      await this.#begin(instance, 'back up', backUpInstance(this.rds))
    } else if (isTimeToBackUp(record, now)) {
      await this.#beginDailyBackup(instance, now)
    } else if (isTimeToModify(record, now)) {
      await this.#beginModification(instance, now)
    }
  }

  async #careForKey(instance: LiveInstance, now: Date): Promise<void> {
    const { encryption, keyLostAt } = instance.record
    if (!this.rds.keys.isUsable(encryption)) await instance.suffer('no key', loseKey(this.rds))
    if (keyLostAt === undefined || now.getTime() - Date.parse(keyLostAt) < KEY_AWAITED_MS) return
    await instance.suffer('key gone', (one) => this.rds.tell(one, 'key gone'))
  }

  async #beginDailyBackup(instance: LiveInstance, now: Date): Promise<void> {
    const snapshot = newAutomatedSnapshot(this.rds, instance)
    await this.#begin(instance, 'back up', backUpInstance(this.rds), async (record) => {
      await this.rds.snapshots.add(snapshot)
      return { ...record, usedBackupWindow: backupWindowAt(record, now) ?? '' }
    })
  }

  async #beginModification(instance: LiveInstance, now: Date): Promise<void> {
    const prepare = async (record: InstanceRecord) => ({
      ...withModification(this.#withFreeIdentifier(record), NOTHING, true),
      usedMaintenanceWindow: maintenanceWindowAt(record, now) ?? '',
    })
    await this.rds.naming(() => this.#begin(instance, 'modify', modifyInstance(this.rds), prepare))
  }

  /** A name that somebody else got while it was waiting is not waited for any longer. */
  #withFreeIdentifier(record: InstanceRecord): InstanceRecord {
    const { identifier, ...others } = record.pending
    const isTaken =
      identifier !== undefined && this.rds.isIdentifierTaken(identifier, record.resourceId)
    return isTaken ? { ...record, pending: others } : record
  }

  /** Somebody else may have begun something in between: then it is their turn. */
  async #begin(
    instance: LiveInstance,
    request: InstanceRequest,
    work: Work,
    prepare = async (record: InstanceRecord) => record,
  ): Promise<void> {
    try {
      await instance.begin(request, { work, prepare })
    } catch (error) {
      if (error instanceof RdsFault && error.shape === 'InvalidDBInstanceStateFault') return
      throw error
    }
  }

  async #keepHouse(): Promise<void> {
    const now = this.rds.clock.now().getTime()
    if (this.#keptHouseAt !== undefined && now - this.#keptHouseAt < HOUSEKEEPING_MS) return
    this.#keptHouseAt = now
    for (const instance of this.rds.instances()) {
      await this.#told(() => this.#revive(instance))
      await this.#told(() => this.#renewProtection(instance))
      await this.#told(() => expireBackups(this.rds, instance.record))
    }
    await expireRetained(this.rds)
    await expireReplicated(this.rds)
    await this.rds.events.expire()
  }

  /** A work that could not even store how it failed, as on a full disk, is begun again. */
  async #revive(instance: LiveInstance): Promise<void> {
    const { status } = instance.record
    const isFine = status === 'available' && instance.isServing
    if (instance.isIdle && !isFine) await resumeInstance(this.rds, instance)
  }

  /** An instance that ought to have backups and has none, or whose WAL is not streamed, gets them. */
  async #renewProtection(instance: LiveInstance): Promise<void> {
    const { status, settings, resourceId } = instance.record
    if (status !== 'available' || !instance.isServing || settings.backupRetentionDays === 0) return
    await protect(this.rds, instance)
    if (this.rds.backups.find(resourceId)?.backups().length !== 0) return
    await this.#begin(instance, 'back up', backUpInstance(this.rds), async (record) => {
      await this.rds.snapshots.add(newAutomatedSnapshot(this.rds, instance))
      return record
    })
  }

  /** One instance's trouble must not keep the others from their care. */
  async #told(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.rds.report(error)
    }
  }
}

function isTimeToBackUp(record: InstanceRecord, now: Date): boolean {
  const began = backupWindowAt(record, now)
  if (record.settings.backupRetentionDays === 0 || began === undefined) return false
  return began !== record.usedBackupWindow
}

function isTimeToModify(record: InstanceRecord, now: Date): boolean {
  const began = maintenanceWindowAt(record, now)
  if (Object.keys(record.pending).length === 0 || began === undefined) return false
  return began !== record.usedMaintenanceWindow
}

function backupWindowAt({ settings }: InstanceRecord, now: Date): string | undefined {
  return occurrenceAt(parseBackupWindow(settings.backupWindow), now)?.toISOString()
}

function maintenanceWindowAt({ settings }: InstanceRecord, now: Date): string | undefined {
  return occurrenceAt(parseMaintenanceWindow(settings.maintenanceWindow), now)?.toISOString()
}
