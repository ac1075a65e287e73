import { type AssumeRoleRequest, StsFault } from '../../protocol/models/sts.ts'
import type { Caller } from '../../protocol/service.ts'
import type { SessionStarter } from '../service.ts'

const HOUR_S = 3600

/**
 * AssumeRole: temporary keys of a role, for those whom the role's trust policy names.
 *
 * Unlike AWS: there are no session tags, source identity and MFA.
 * Source: AWS STS API Reference, AssumeRole.
 */
export async function assumeRole(
  sessions: SessionStarter,
  input: AssumeRoleRequest,
  caller: Caller,
) {
  refuseUnsupported(input)
  const roleArn = input.RoleArn ?? ''
  const sessionName = input.RoleSessionName ?? ''
  if (!/^[\w+=,.@-]{2,64}$/.test(sessionName)) {
    throw invalid(
      'RoleSessionName must have 2 to 64 alphanumeric characters or the following: +=,.@-',
    )
  }
  if (!/^arn:aws:iam::\d{12}:role\/\S{1,512}$/.test(roleArn)) throw invalid(`${roleArn} is invalid`)
  if (input.ExternalId !== undefined && !/^[\w+=,.@:/-]{2,1224}$/.test(input.ExternalId)) {
    throw invalid('ExternalId is not valid.')
  }
  const policyArns = (input.PolicyArns ?? []).map(({ arn }) => arn ?? '')
  const started = sessions.start(caller, {
    roleArn,
    sessionName,
    durationSeconds: checkedDuration(input.DurationSeconds, sessions.maxSecondsOf(roleArn), caller),
    externalId: input.ExternalId,
    policy: checkedPolicySize(input.Policy, policyArns),
    policyArns,
  })
  return {
    Credentials: {
      AccessKeyId: started.accessKeyId,
      SecretAccessKey: started.secretAccessKey,
      SessionToken: started.sessionToken,
      Expiration: started.expiresAt,
    },
    AssumedRoleUser: { AssumedRoleId: started.userId, Arn: started.arn },
    ...(input.Policy === undefined
      ? {}
      : { PackedPolicySize: Math.ceil((input.Policy.length * 100) / MAX_POLICY_LENGTH) }),
  }
}

const MAX_POLICY_LENGTH = 2048
const MAX_POLICY_ARNS = 10

function checkedPolicySize(policy: string | undefined, arns: readonly string[]) {
  if ((policy ?? '').length > MAX_POLICY_LENGTH || arns.length > MAX_POLICY_ARNS) {
    throw new StsFault('PackedPolicyTooLargeException', 'The session policies are too large.')
  }
  return policy
}

/** A role that does not exist has no longest session: that it is missing is told as a denial, by the next check. */
function checkedDuration(asked: number | undefined, most: number | undefined, { session }: Caller) {
  const seconds = asked ?? HOUR_S
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > 12 * HOUR_S) {
    throw invalid('DurationSeconds must be between 900 and 43200.')
  }
  if (session && seconds > HOUR_S) {
    throw invalid(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    )
  }
  if (most !== undefined && seconds > most) {
    throw invalid('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')
  }
  return seconds
}

function refuseUnsupported(input: AssumeRoleRequest): void {
  const { Tags, TransitiveTagKeys, SerialNumber, TokenCode, SourceIdentity } = input
  const { ProvidedContexts, MinimumSessionTokenSize } = input
  const asked = { Tags, TransitiveTagKeys, SerialNumber, TokenCode, SourceIdentity }
  const all = Object.entries({ ...asked, ProvidedContexts, MinimumSessionTokenSize })
  for (const [parameter, value] of all) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    throw new StsFault(
      'UnsupportedOperation',
      `${parameter} is not available in an embedded region.`,
    )
  }
}

function invalid(message: string) {
  return new StsFault('ValidationException', message)
}
