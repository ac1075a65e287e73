import { LifeboatError } from '../../../core/errors.ts'
import type { LiveInstance } from '../live-instance.ts'
import { withRecoveryMinimums } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'
import { replicationSettings, withParameters } from '../server-settings.ts'
import { dropSlot } from '../snapshot-store.ts'

/** Starts the server of an instance with the parameters that its group has at this moment, and protects it. */
export async function bringUp(
  rds: Rds,
  instance: LiveInstance,
  signal?: AbortSignal,
): Promise<void> {
  const { settings, port, resourceId } = instance.record
  const parameters = rds.parameterGroups.parametersOf(settings.parameterGroup)
  // Before the server writes WAL under them: a restore must know the highest values ever used.
  await instance.change((record) => ({
    ...withParameters(record, parameters),
    recoveryMinimums: withRecoveryMinimums(record.recoveryMinimums, parameters),
  }))
  await rds.backups.detach(resourceId)
  const more = await replicationSettings(rds, instance, parameters)
  await instance.server.start(parameters, { port, more, ...(signal ? { signal } : {}) })
  const { cluster } = instance.server
  await instance.change((record) => ({
    ...record,
    port: cluster.port,
    engineVersion: cluster.binaries.version,
  }))
  await protect(rds, instance)
}

/** Streams the WAL of an instance that has automated backups. Failing to is told and tried again by the scheduler. */
export async function protect(rds: Rds, instance: LiveInstance): Promise<void> {
  if (instance.record.settings.backupRetentionDays === 0) return await dropSlot(instance)
  try {
    await rds.backups.attach(instance)
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error
    rds.report(error)
  }
}

/** Ends the server with a checkpoint; its last WAL arrives before the stream ends. */
export async function bringDown(rds: Rds, instance: LiveInstance): Promise<void> {
  await instance.server.stop('fast')
  await rds.backups.detach(instance.record.resourceId)
}
