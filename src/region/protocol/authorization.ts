import { AuthFault } from './auth-fault.ts'
import type { Caller } from './service.ts'

/** What a caller is about to do, in the words of IAM policies. */
export interface AccessRequest {
  /** `s3:PutObject` */
  readonly action: string
  /** An ARN, or `*` where the action has no resource. */
  readonly resource: string
  /** Condition keys with their values. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>
  /** The policy of the resource itself, as JSON. */
  readonly resourcePolicy?: string
  /** Whether that policy must agree, as of a KMS key: then not even the root user may what it does not allow. */
  readonly mustPolicyAgree?: boolean
  /** Whether the resource itself gives it to the caller by other means, as an ACL does: a policy may still deny it. */
  readonly isGranted?: boolean
}

/** Decides whether a caller may. @throws Fault `AccessDenied` */
export type Authorizer = (caller: Caller, request: AccessRequest) => void

/** What services ask about the policies of their resources beside whether a caller may. */
export interface ResourcePolicies {
  /** Why a text is no policy of a resource, in words fit for the client; undefined when it is one. */
  flawOf(policy: string): string | undefined
  /** Whether the policy of a resource lets an AWS service do something by itself, as `cloudwatch.amazonaws.com`. */
  allowsService(service: string, request: AccessRequest): boolean
}

/** AWS's words for a denial; a reason begins with "because" or "with". */
export function accessDenied(
  caller: Caller,
  { action, resource }: AccessRequest,
  reason?: string,
): AuthFault {
  return new AuthFault(
    'AccessDenied',
    `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${resource}` +
      (reason === undefined ? '' : ` ${reason}`),
  )
}

/** The condition keys that tags make: `aws:RequestTag/k` or `aws:ResourceTag/k`, and `aws:TagKeys`. */
export function tagContext(
  prefix: 'aws:RequestTag' | 'aws:ResourceTag',
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): Record<string, string | readonly string[]> {
  const values = tags.map(({ Key, Value }) => [`${prefix}/${Key ?? ''}`, Value ?? ''] as const)
  const keys = prefix === 'aws:RequestTag' && tags.length > 0
  return {
    ...Object.fromEntries(values),
    ...(keys ? { 'aws:TagKeys': tags.map(({ Key }) => Key ?? '') } : {}),
  }
}
