import type { Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'

/** How long an instance waits for its key before it is given up. Source: RDS User Guide, "Encrypting Amazon RDS resources". */
export const KEY_AWAITED_MS = 7 * 24 * 3_600_000

/**
 * `inaccessible-encryption-credentials-recoverable`: the KMS key cannot be used, so that the server is ended. Its data stays,
 * and StartDBInstance brings it back once the key can be used again.
 *
 * Unlike AWS: the loss of a key is noticed at once, and there within hours.
 */
export function loseKey(rds: Rds): Work {
  return async (instance) => {
    await instance.change((record) => ({ ...record, keyLostAt: record.keyLostAt ?? rds.now() }))
    await instance.server.end()
    await rds.backups.detach(instance.record.resourceId)
    await rds.tell(instance, 'key lost')
  }
}
