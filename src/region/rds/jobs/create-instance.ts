import { assert } from '../../../core/assert.ts'
import type { LiveInstance, Work } from '../live-instance.ts'
import { setUpMasterUser } from '../master-user.ts'
import type { Rds } from '../rds.ts'
import { beginToServe } from './begin-to-serve.ts'

/**
 * `creating`: makes an empty server with its roles and its database, from nothing, also when a killed region has
 * left half of one.
 */
export function createInstance(rds: Rds): Work {
  return async (instance: LiveInstance, signal: AbortSignal) => {
    const { record, server } = instance
    assert(record.sealedMasterPassword, 'a new instance keeps its password until its server has it')
    const parameters = rds.parameterGroups.parametersOf(record.settings.parameterGroup)
    await server.create(parameters, record.port)
    signal.throwIfAborted()
    await setUpMasterUser(server, {
      username: record.masterUsername,
      password: rds.key.password(record.sealedMasterPassword),
      databaseName: record.databaseName,
    })
    await beginToServe(rds, instance, signal, { parameters, event: 'instance created' })
  }
}
