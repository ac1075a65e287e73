import type { EventName } from '../events.ts'
import type { LiveInstance } from '../live-instance.ts'
import { withRecoveryMinimums } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'
import { backUpInstance, newAutomatedSnapshot } from './back-up.ts'

/**
 * Ends `creating`: the server accepts connections and its endpoint is known. The first backup goes on while the status
 * is `backing-up`; without automated backups that takes no time.
 */
export async function beginToServe(
  rds: Rds,
  instance: LiveInstance,
  signal: AbortSignal,
  {
    parameters,
    event,
    about,
  }: { parameters: Readonly<Record<string, string>>; event: EventName; about?: string },
): Promise<void> {
  const { port, binaries } = instance.server.cluster
  const { settings } = await instance.end(
    signal,
    'ready',
    ({ sealedMasterPassword: _, ...record }) => ({
      ...record,
      port,
      engineVersion: binaries.version,
      createdAt: record.createdAt ?? rds.now(),
      appliedParameters: parameters,
      recoveryMinimums: withRecoveryMinimums(record.recoveryMinimums, parameters),
      ...rds.presentBackupWindow(record),
    }),
  )
  if (settings.backupRetentionDays > 0) {
    await rds.snapshots.add(newAutomatedSnapshot(rds, instance))
  }
  await rds.tell(instance, event, about)
  await backUpInstance(rds)(instance, signal)
}
