import type { AccessRequest } from './authorization.ts'
import type { Fault } from './fault.ts'
import type { ServiceModel } from './model.ts'
import type { RawHead } from './raw-request.ts'

/** Who signed a request: proven by the signature, before any action sees it. */
export interface Caller {
  readonly accountId: string
  readonly arn: string
  readonly userId: string
  readonly accessKeyId: string
  /** Of a caller that has assumed a role. */
  readonly session?: RoleSession
}

export interface RoleSession {
  readonly roleName: string
  /** Of the role as it was when it was assumed: one of the same name that was made later is another. */
  readonly roleId: string
  /** Policies, as JSON, that limit the session further. */
  readonly policies: readonly string[] | undefined
  readonly issuedAt: Date
  /** Of a service that works with the role by itself, as `s3.amazonaws.com`: nobody else can have such a session. */
  readonly service?: string | undefined
  /** Of a service that works without a role: what it may, as policies. */
  readonly rights?: readonly string[] | undefined
}

/**
 * One AWS service of an embedded region: the model it follows and the actions it has.
 *
 * An action that the model knows and `actions` lacks is answered with `UnsupportedOperation`.
 */
export interface Service {
  readonly model: ServiceModel
  readonly actions: Readonly<Record<string, Action>>
  /**
   * What an operation does to which resources: the caller must be allowed all of it before the action runs.
   * None: anybody who signs may.
   */
  readonly accesses: (operation: string, input: never, caller: Caller) => readonly AccessRequest[]
  /** Of a service whose requests may be larger than those of others. */
  readonly bodyLimit?: (head: RawHead) => BodyLimit
}

/** How large the body of a request may be, and what is said of one that is larger. */
export interface BodyLimit {
  readonly maxBytes: number
  readonly tooLarge: Fault
}

/** Takes an input decoded by the model's schema; what it returns is encoded by the output's schema. */
export type Action = (input: never, caller: Caller) => Promise<object>

/**
 * The actions of a service, typed by its SDK's aggregated client: `Actions<RDS>['CreateDBInstance']` is
 * `(input: CreateDBInstanceMessage, caller: Caller) => Promise<CreateDBInstanceResult>`.
 */
export type Actions<Client> = {
  readonly [Method in keyof Client & string as Client[Method] extends Call<never, object>
    ? Capitalize<Method>
    : never]?: Client[Method] extends Call<infer Input, infer Output>
    ? (input: Input, caller: Caller) => Promise<Omit<Output, '$metadata'>>
    : never
}

/** The three ways in which the SDK's aggregated client lets an operation be called. */
interface Call<Input, Output> {
  (input: Input, options?: never): Promise<Output>
  (input: Input, callback: never): void
  (input: Input, options: never, callback: never): void
}
