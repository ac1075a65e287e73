import { LifeboatError } from '../../../core/errors.ts'
import type { Origin } from '../instance.ts'
import type { LiveInstance, Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { backUpInstance } from './back-up.ts'
import { createInstance } from './create-instance.ts'
import { createReplica } from './create-replica.ts'
import { deleteInstance } from './delete-instance.ts'
import { loseKey } from './lose-key.ts'
import { modifyInstance } from './modify-instance.ts'
import { promoteReplica } from './promote-replica.ts'
import { restoreInstance } from './restore-instance.ts'
import { rebootInstance, startInstance } from './start-instance.ts'
import { stopInstance } from './stop-instance.ts'

/** A server that dies more often than this within a minute is not started again. */
const MAX_CRASHES = 5
const CRASH_SPAN_MS = 60_000

/**
 * Goes on with what an instance is at by its status: when the region starts, whichever way it ended, and when a work could
 * not even store how it failed.
 */
export async function resumeInstance(rds: Rds, instance: LiveInstance): Promise<void> {
  switch (instance.record.status) {
    case 'creating':
      return instance.resume(creationOf(rds, instance.record.origin))
    case 'backing-up':
    case 'available':
      if (instance.isServing) {
        if (instance.record.status === 'backing-up') instance.resume(backUpInstance(rds))
        return
      }
      await instance.suffer('crash', startInstance(rds, 'instance restarted'))
      return
    case 'modifying':
      return instance.resume(instance.record.promotion ? promoteReplica(rds) : modifyInstance(rds))
    case 'starting':
      return instance.resume(startInstance(rds))
    case 'rebooting':
      return instance.resume(rebootInstance(rds))
    case 'stopping':
      return instance.resume(stopInstance(rds))
    case 'deleting':
      return instance.resume(deleteInstance(rds))
    case 'inaccessible-encryption-credentials-recoverable':
      if (instance.record.keyLostAt === undefined) instance.resume(loseKey(rds))
      return
    case 'stopped':
    case 'inaccessible-encryption-credentials':
    case 'failed':
    case 'incompatible-parameters':
    case 'incompatible-restore':
      return
  }
}

function creationOf(rds: Rds, { kind }: Origin): Work {
  if (kind === 'new') return createInstance(rds)
  return kind === 'replica' ? createReplica(rds) : restoreInstance(rds)
}

/** Starts servers again that end by themselves, and says so in events. */
export function watchCrashes(rds: Rds): void {
  const crashes = new Map<LiveInstance, number[]>()
  rds.onCrash = (instance) => {
    const now = rds.clock.monotonicMs()
    const recent = (crashes.get(instance) ?? []).filter((at) => now - at < CRASH_SPAN_MS)
    crashes.set(instance, [...recent, now])
    const isHopeless = recent.length >= MAX_CRASHES
    const work = isHopeless ? giveUp(rds) : recoverInstance(rds)
    instance.suffer(isHopeless ? 'fail' : 'crash', work).catch((error) => rds.report(error))
  }
  rds.onWorkFailed = (instance, error) => workFailed(rds, instance, error)
}

function recoverInstance(rds: Rds): Work {
  return async (instance, signal) => {
    await rds.tell(instance, 'recovery began')
    await startInstance(rds, 'instance restarted')(instance, signal)
    await rds.tell(instance, 'recovery ended')
  }
}

function giveUp(rds: Rds): Work {
  return async (instance) => {
    await rds.tell(instance, 'instance failed')
    await instance.server.stop('immediate')
    await rds.backups.detach(instance.record.resourceId)
  }
}

/** A work died of something that it did not foresee: the status says so, and what can still run is ended. */
async function workFailed(rds: Rds, instance: LiveInstance, error: unknown): Promise<void> {
  if (instance.isClosed) return
  rds.report(error)
  const { status, origin, settings } = instance.record
  const hasOwnParameters = !rds.parameterGroups.isDefault(settings.parameterGroup)
  const isServerFailure = error instanceof LifeboatError && error.code === 'PostgresFailed'
  if (status === 'creating' && origin.kind !== 'new') {
    await instance.suffer('no restore', async () => {
      await rds.tell(instance, 'restore failed')
      await instance.server.removeData()
    })
  } else if (isServerFailure && hasOwnParameters) {
    await instance.suffer('bad settings', async () => rds.tell(instance, 'bad parameters'))
  } else {
    await instance.suffer('fail', giveUp(rds))
  }
}
