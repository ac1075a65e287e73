import { AuthFault } from '../../protocol/auth-fault.ts'
import type { Authorizer } from '../../protocol/authorization.ts'
import {
  type GetKeyPolicyCommandInput,
  KmsFault,
  type ListKeyPoliciesCommandInput,
  type PutKeyPolicyCommandInput,
} from '../../protocol/models/kms.ts'
import type { Caller } from '../../protocol/service.ts'
import type { Keys } from '../keys.ts'
import { checkedPolicy } from '../policy.ts'

/** The only name that a key policy can have. */
const DEFAULT = 'default'

/** GetKeyPolicy. Source: KMS API Reference, GetKeyPolicy. */
export async function getKeyPolicy(keys: Keys, input: GetKeyPolicyCommandInput) {
  checkName(input.PolicyName)
  return { Policy: keys.getById(input.KeyId ?? '').policy, PolicyName: DEFAULT }
}

/** ListKeyPolicies. Source: KMS API Reference, ListKeyPolicies. */
export async function listKeyPolicies(keys: Keys, input: ListKeyPoliciesCommandInput) {
  keys.getById(input.KeyId ?? '')
  return { PolicyNames: [DEFAULT], Truncated: false }
}

/**
 * PutKeyPolicy: who may use the key, from the next request on. A policy under which the caller could not change it again is
 * refused, unless the check is bypassed.
 *
 * Source: KMS API Reference, PutKeyPolicy.
 */
export async function putKeyPolicy(
  { keys, authorize }: { keys: Keys; authorize: Authorizer },
  input: PutKeyPolicyCommandInput,
  caller: Caller,
) {
  checkName(input.PolicyName)
  const policy = checkedPolicy(keys, input.Policy ?? '')
  const key = keys.getById(input.KeyId ?? '')
  if (input.BypassPolicyLockoutSafetyCheck !== true) {
    checkNotLockedOut(authorize, caller, { resource: key.arn, resourcePolicy: policy })
  }
  await keys.change(key.id, (before) => ({ ...before, policy }))
  return {}
}

function checkNotLockedOut(
  authorize: Authorizer,
  caller: Caller,
  about: { resource: string; resourcePolicy: string },
): void {
  try {
    authorize(caller, { action: 'kms:PutKeyPolicy', ...about, mustPolicyAgree: true })
  } catch (error) {
    if (!(error instanceof AuthFault)) throw error
    throw new KmsFault(
      'MalformedPolicyDocumentException',
      'The new key policy will not allow you to update the key policy in the future.',
    )
  }
}

function checkName(name: string | undefined): void {
  if (name === undefined || name === DEFAULT) return
  throw new KmsFault('NotFoundException', `No such policy exists: ${name}`)
}
