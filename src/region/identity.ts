import type { Clock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { ACCOUNT_ID, rootKey } from './account.ts'
import { PolicyAuthorizer } from './iam/authorizer.ts'
import { Iam } from './iam/iam.ts'
import { IamKeyRing } from './iam/key-ring.ts'
import { RoleSessions } from './iam/role-sessions.ts'
import type { RootCredentials } from './root-credentials.ts'

/** Who may sign and who may do what: IAM's data plane, which every process of a home has for itself. */
export interface Identity {
  readonly iam: Iam
  readonly keys: IamKeyRing
  readonly authorizer: PolicyAuthorizer
  readonly sessions: RoleSessions
}

/**
 * Opens the directory of users, roles and policies. It needs no other process: requests are decided by it also while nobody
 * answers IAM's API.
 *
 * @param folder   holds the directory, and is shared by the processes of a home
 * @param delayMs  how long changes take until requests are decided by them
 * @throws LifeboatError `FolderNotUsable`, `StateDamaged`
 */
export async function openIdentity(o: {
  folder: string
  delayMs: number
  credentials: RootCredentials
  clock: Clock
}): Promise<Identity> {
  const { folder, delayMs, clock, credentials } = o
  const iam = await Iam.open({
    accountId: ACCOUNT_ID,
    folder,
    delayMs,
    clock,
    random: systemRandom,
  })
  const authorizer = new PolicyAuthorizer(iam)
  const root = { accessKeyId: credentials.accessKeyId, key: rootKey(credentials) }
  return {
    iam,
    keys: new IamKeyRing(iam, root),
    authorizer,
    sessions: new RoleSessions(iam, authorizer),
  }
}
