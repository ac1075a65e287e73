import type { Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { bringDown } from './bring-up.ts'

/** `stopping`: ends the server with a checkpoint. Its data and its backups stay. */
export function stopInstance(rds: Rds): Work {
  return async (instance, signal) => {
    await bringDown(rds, instance)
    await instance.server.end()
    await instance.end(signal, 'ready', (record) => ({ ...record, stoppedAt: rds.now() }))
    await rds.tell(instance, 'instance stopped')
  }
}
