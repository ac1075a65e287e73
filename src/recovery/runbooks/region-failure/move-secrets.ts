import { withDatabase } from '../../../probe/database.ts'
import { fingerprint, loginTo, type RecoveryTools } from '../data-corruption/tools.ts'
import type { Promoted } from './promote.ts'
import { type RegionFailure, recoveryRegion } from './tools.ts'

export type MovedSecrets = {
  readonly secrets: readonly { readonly name: string; readonly version: string }[]
}

/** Makes the copies of the secrets in the recovery region secrets of their own, points them to its database, and logs in with them. */
export async function moveSecrets(
  { workload }: RegionFailure,
  { endpoint, instance }: Promoted,
  tools: RecoveryTools,
  execution: string,
): Promise<MovedSecrets> {
  const region = await recoveryRegion(tools, workload)
  const { secret, adminSecret } = workload.database
  const moved = await Promise.all(
    [...new Set([secret, adminSecret])].map(async (name) => {
      await region.secrets.promoteReplica(name)
      const token = fingerprint(`${execution}/secrets/${name}/${endpoint.host}:${endpoint.port}`)
      const version = await region.secrets.pointDatabaseSecret(
        name,
        { ...endpoint, instance },
        token,
      )
      const login = await loginTo({ region }, name, workload)
      await withDatabase(login, { purpose: 'login' }, (database) => database.query('select 1'))
      return { name, version }
    }),
  )
  return { secrets: moved }
}
