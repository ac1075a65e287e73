import type { RegionClient } from '../../aws/region-client.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Monitor } from '../../recovery/monitor.ts'
import { monitorOf, type Workload } from '../../recovery/recovery.ts'
import { checkNamesOf } from '../../recovery/workload.ts'
import { type AwsAccess, regionClient } from '../aws-access.ts'
import type { Executive } from '../executive.ts'
import type { Invocation } from '../invocation.ts'
import type { Scenes } from './scenes.ts'
import type { Stage } from './stage.ts'

const PROTECTED_WITHIN_MS = 60_000
const RED_WITHIN_MS = 30_000

/** Lifeboat's watch over the shop: its checks, and whether it could be restored. */
export class Watch {
  private constructor(
    readonly region: RegionClient,
    private readonly workload: Workload,
    private readonly monitor: Monitor,
  ) {}

  static async begin(o: {
    workload: Workload
    access: AwsAccess
    executive: Executive
    stage: Stage
    invocation: Invocation
  }): Promise<Watch> {
    const { workload, invocation, stage } = o
    const region = regionClient(o.access, workload.region, invocation)
    stage.atTheEnd('connections', async () => region.close())
    const around = { region, database: o.executive.database, clock: invocation.clock }
    const monitor = await monitorOf(workload, around)
    stage.atTheEnd('the watch', () => monitor.stop())
    monitor.start()
    return new Watch(region, workload, monitor)
  }

  /** Waits for the first automated backup and for a moment at which every check passed. */
  async untilProtected(scenes: Scenes): Promise<void> {
    const { instance } = this.workload.database
    const isReady = await scenes.waitUntil(
      () => 'waiting for the first automated backup and a green check',
      PROTECTED_WITHIN_MS,
      async () =>
        this.monitor.state === 'passed' &&
        !!(await this.region.databaseBackups.restoreWindow(instance)),
    )
    if (!isReady) {
      const reasons = this.monitor.results.map(({ reason }) => reason).join(', ')
      throw new LifeboatError(
        'RecoveryPointUnknown',
        `the shop did not become protected: ${reasons}`,
      )
    }
    const window = await this.region.databaseBackups.restoreWindow(instance)
    scenes.note('✔', `protected: can be restored to ${window?.latest.toISOString()}`)
    scenes.note('✔', `watched: ${checkNamesOf(this.workload).join('; ')}`)
  }

  /** Waits for every check to fail: the mistakes hit all that is watched. */
  async untilRed(scenes: Scenes): Promise<void> {
    const isRed = await scenes.waitUntil(
      () => 'nobody has noticed yet',
      RED_WITHIN_MS,
      () => this.monitor.results.every(({ state }) => state === 'failed'),
    )
    if (!isRed) {
      throw new LifeboatError('CheckCannotFail', 'not every check has noticed the mistakes')
    }
    for (const { check, reason } of this.monitor.results) {
      scenes.note('✘', `check '${check}' is red: ${reason?.replace(/: '.*/, '')}`)
    }
  }
}
