import type { Caller } from '../protocol/service.ts'
import type { IdentityRecord } from './records.ts'

/**
 * The condition keys that tell of the one who asks and of the moment.
 *
 * Unlike AWS: requests come over the loopback interface, which counts as a secure transport, because nothing on
 * it leaves the machine.
 * Source: IAM User Guide, "AWS global condition context keys".
 */
export function principalContext(
  caller: Caller,
  identity: IdentityRecord | undefined,
  now: Date,
): Record<string, string | readonly string[]> {
  const { accountId, arn, userId, session } = caller
  const isUser = !session && arn.includes(':user/')
  const tags = (identity?.tags ?? []).map(({ Key, Value }) => [`aws:PrincipalTag/${Key}`, Value])
  return {
    ...Object.fromEntries(tags),
    'aws:CurrentTime': now.toISOString(),
    'aws:EpochTime': `${Math.floor(now.getTime() / 1000)}`,
    'aws:PrincipalAccount': accountId,
    // Of a session it is the role's.
    'aws:PrincipalArn': session && identity ? identity.arn : arn,
    'aws:PrincipalType': session ? 'AssumedRole' : isUser ? 'User' : 'Account',
    'aws:PrincipalIsAWSService': 'false',
    'aws:SecureTransport': 'true',
    'aws:SourceIp': '127.0.0.1',
    'aws:ViaAWSService': 'false',
    'aws:userid': userId,
    ...(isUser ? { 'aws:username': arn.slice(arn.lastIndexOf('/') + 1) } : {}),
    ...(session
      ? {
          'aws:TokenIssueTime': session.issuedAt.toISOString(),
          'aws:MultiFactorAuthPresent': 'false',
        }
      : {}),
  }
}
