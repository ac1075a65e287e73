import type { Caller } from '../../protocol/service.ts'

/**
 * GetCallerIdentity: who signed this request.
 *
 * Source: AWS STS API Reference, GetCallerIdentity.
 */
export async function getCallerIdentity(_input: object, caller: Caller) {
  return { UserId: caller.userId, Account: caller.accountId, Arn: caller.arn }
}
