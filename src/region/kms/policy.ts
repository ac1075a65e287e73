import { KmsFault } from '../protocol/models/kms.ts'
import type { Keys } from './keys.ts'

const MAX_BYTES = 32_768

/** Lets the policies of the account's users and roles decide. Source: KMS Developer Guide, "Default key policy". */
export function defaultPolicy(keys: Keys): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${keys.o.accountId}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  })
}

/** @throws KmsFault `MalformedPolicyDocumentException`, `LimitExceededException` */
export function checkedPolicy(keys: Keys, policy: string): string {
  if (Buffer.byteLength(policy) > MAX_BYTES) {
    throw new KmsFault('LimitExceededException', `A key policy has at most ${MAX_BYTES} bytes.`)
  }
  const problem = keys.o.findPolicyProblem(policy)
  if (problem === undefined) return policy
  throw new KmsFault('MalformedPolicyDocumentException', problem)
}
