import type { LiveInstance } from '../live-instance.ts'
import { withRecoveryMinimums } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'

/** Ends `creating`: the server runs, its endpoint is known, and its first backup comes next. */
export async function beginToServe(
  rds: Rds,
  instance: LiveInstance,
  signal: AbortSignal,
  parameters: Readonly<Record<string, string>>,
): Promise<void> {
  const { port, binaries } = instance.server.cluster
  await instance.end(signal, 'ready', ({ sealedMasterPassword: _, ...record }) => ({
    ...record,
    port,
    engineVersion: binaries.version,
    createdAt: record.createdAt ?? rds.now(),
    appliedParameters: parameters,
    recoveryMinimums: withRecoveryMinimums(record.recoveryMinimums, parameters),
  }))
  await instance.end(signal, 'ready')
}
