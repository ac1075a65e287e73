import type { Clock } from '../../../core/clock.ts'
import type { Caller } from '../../protocol/service.ts'
import type { SessionKeys } from '../../protocol/signed-headers.ts'

/** How a service comes to work with a role. @throws AuthFault `AccessDenied` when the role does not trust it */
export interface ServiceSessions {
  callerForService(roleArn: string, service: string): Caller
  keysForService(
    roleArn: string,
    service: string,
    durationSeconds: number,
  ): SessionKeys & { readonly userId: string; readonly expiresAt: Date }
}

const SESSION_SECONDS = 3600
/** Keys that end sooner are replaced before they are used: an upload may take its time to begin. */
const RESERVE_MS = 10 * 60_000

/** The temporary keys of roles that S3 works with, each used for a while. Whether the role still trusts S3 is asked each time. */
export class RoleKeys {
  readonly #keysByUser = new Map<string, ReturnType<ServiceSessions['keysForService']>>()

  constructor(
    private readonly sessions: ServiceSessions,
    private readonly clock: Clock,
  ) {}

  /** @throws AuthFault `AccessDenied` */
  assume(roleArn: string, service: string): { caller: Caller; keys: SessionKeys } {
    const caller = this.sessions.callerForService(roleArn, service)
    const known = this.#keysByUser.get(caller.userId)
    if (known && known.expiresAt.getTime() - this.clock.now().getTime() > RESERVE_MS) {
      return { caller, keys: known }
    }
    const keys = this.sessions.keysForService(roleArn, service, SESSION_SECONDS)
    this.#keysByUser.set(caller.userId, keys)
    return { caller, keys }
  }
}
