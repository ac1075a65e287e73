import type { EventName } from '../events.ts'
import type { Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { backUpInstance, unfinishedSnapshots } from './back-up.ts'
import { bringDown, bringUp } from './bring-up.ts'
import { loseKey } from './lose-key.ts'

/** `starting`: after a stop, a crash, or a start of the region. */
export function startInstance(rds: Rds, event: EventName = 'instance started'): Work {
  return async (instance, signal) => {
    if (!rds.keys.isUsable(instance.record.encryption)) {
      await instance.end(signal, 'no key')
      return await loseKey(rds)(instance, signal)
    }
    await bringUp(rds, instance)
    await instance.end(signal, 'ready', ({ stoppedAt: _, keyLostAt: __, ...record }) => record)
    await rds.tell(instance, event)
    if (unfinishedSnapshots(rds, instance).length > 0) {
      await instance.begin('back up', { work: backUpInstance(rds) })
    }
  }
}

/** `rebooting`: ends the server with a checkpoint and starts it with all parameters of its group. */
export function rebootInstance(rds: Rds): Work {
  return async (instance, signal) => {
    await bringDown(rds, instance)
    await rds.tell(instance, 'instance shut down')
    await bringUp(rds, instance)
    await instance.end(signal, 'ready')
    await rds.tell(instance, 'instance restarted')
  }
}
