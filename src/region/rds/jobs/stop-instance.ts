import type { Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { finishSnapshot, unfinishedSnapshots } from './back-up.ts'
import { bringDown } from './bring-up.ts'

/**
 * `stopping`: finishes snapshots, then ends the server with a checkpoint. Its data and its backups stay. A snapshot that a
 * kill has interrupted is taken when the instance runs again.
 */
export function stopInstance(rds: Rds): Work {
  return async (instance, signal) => {
    for (const snapshot of unfinishedSnapshots(rds, instance)) {
      if (instance.isServing) await finishSnapshot(rds, instance, snapshot, signal)
    }
    await bringDown(rds, instance)
    await instance.server.end()
    await instance.end(signal, 'ready', (record) => ({ ...record, stoppedAt: rds.now() }))
    await rds.tell(instance, 'instance stopped')
  }
}
