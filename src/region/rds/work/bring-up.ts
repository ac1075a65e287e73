import type { LiveInstance } from '../live-instance.ts'
import { withRecoveryMinimums } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'

/** Starts the server of an instance with the parameters that its group has at this moment. */
export async function bringUp(rds: Rds, instance: LiveInstance): Promise<void> {
  const { settings, port } = instance.record
  const parameters = rds.parameterGroups.parametersOf(settings.parameterGroup)
  // Before the server writes WAL under them: a restore must know the highest values ever used.
  await instance.change((record) => ({
    ...record,
    appliedParameters: parameters,
    recoveryMinimums: withRecoveryMinimums(record.recoveryMinimums, parameters),
  }))
  await instance.server.start(parameters, port)
  const { cluster } = instance.server
  await instance.change((record) => ({
    ...record,
    port: cluster.port,
    engineVersion: cluster.binaries.version,
  }))
}
