import type { Caller } from './service.ts'

/** What a caller is about to do, in the words of IAM policies. */
export interface AccessRequest {
  /** `s3:PutObject` */
  readonly action: string
  /** An ARN. */
  readonly resource: string
  /** Condition keys with their values. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>
  /** The policy of the resource itself, as JSON. */
  readonly resourcePolicy?: string
}

/** Decides whether a caller may. @throws Fault `AccessDenied` */
export type Authorizer = (caller: Caller, request: AccessRequest) => void
