import type { Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'

/** `stopping`: ends the server with a checkpoint. Its data and its backups stay. */
export function stopInstance(rds: Rds): Work {
  return async (instance, signal) => {
    await instance.server.stop('fast')
    await instance.server.end()
    await instance.end(signal, 'ready', (record) => ({ ...record, stoppedAt: rds.now() }))
    await rds.tell(instance, 'instance stopped')
  }
}
