import { withDatabase } from '../../../probe/database.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import { fingerprint, loginTo, type RecoveryTools } from '../data-corruption/tools.ts'
import { act, awsIn, check, type FailoverFacts, IN_RECOVERY, quoted } from './by-hand.ts'
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

export function moveSecretsByHand(facts: FailoverFacts): TypedLine[] {
  const { workload, region, source } = facts
  const { secret, adminSecret } = workload.database
  const isReplica = source.kind === 'replica'
  const where = isReplica
    ? `${quoted(source.endpoint.host)} ${source.endpoint.port}`
    : '"$HOST" "$PORT"'
  const bySecret = [...new Set([secret, adminSecret])].flatMap((name) => {
    const one = { 'secret-id': name }
    const owner = awsIn(region, 'secretsmanager describe-secret', one, 'PrimaryRegion')
    const own = awsIn(region, 'secretsmanager stop-replication-to-replica', one, 'ARN')
    return [
      act(
        `make the copy of '${name}' a secret of its own`,
        `case $(${owner}) in ${region} | None) echo '  it is' ;; *) ${own} ;; esac`,
      ),
      act(
        `point it to '${source.instance}'; nothing of it is printed`,
        `within 60 point ${quoted(name)} ${region} ${where} ${source.instance}`,
      ),
      check('it logs in where it says', `login ${quoted(name)} ${region}`),
      check('and that takes writes', `says f ${IN_RECOVERY}`),
    ]
  })
  const endpoint = act('where does it answer?', `endpoint ${source.instance} ${region}`)
  return [...(isReplica ? [] : [endpoint]), ...bySecret]
}
