import { type StsActions, stsModel } from '../protocol/models/sts.ts'
import type { Caller, Service } from '../protocol/service.ts'
import { assumeRole } from './actions/assume-role.ts'
import { getCallerIdentity } from './actions/get-caller-identity.ts'

/** Where sessions of roles come from: IAM knows the roles. */
export interface SessionStarter {
  /** The longest session that a role allows, in seconds; undefined when there is no such role. */
  maxSecondsOf(roleArn: string): number | undefined
  /** @throws Fault `AccessDenied`, `MalformedPolicyDocument` */
  start(
    caller: Caller,
    request: {
      readonly roleArn: string
      readonly sessionName: string
      readonly durationSeconds: number
      readonly externalId: string | undefined
      readonly policy: string | undefined
      readonly policyArns: readonly string[]
    },
  ): {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken: string
    readonly expiresAt: Date
    readonly userId: string
    readonly arn: string
  }
}

/** AWS STS, as far as asking who one is and assuming roles. */
export function stsService(sessions: SessionStarter): Service {
  const actions = {
    AssumeRole: (input, caller) => assumeRole(sessions, input, caller),
    GetCallerIdentity: getCallerIdentity,
  } satisfies StsActions
  // Asking who one is needs no right; AssumeRole is decided with the role's trust policy, where it is known.
  return { model: stsModel, actions, accesses: () => [] }
}
