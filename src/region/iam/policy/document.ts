/** A policy as it is understood; only `parsePolicy` makes one. */
export interface PolicyDocument {
  /** Whether `${…}` stands for values of the request: only the newer version has that. */
  readonly hasVariables: boolean
  readonly statements: readonly Statement[]
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  /** Undefined in policies that are attached to whom they are about. */
  readonly principals: Principals | undefined
  readonly actions: Listed
  /** Undefined in trust policies: their resource is the role. */
  readonly resources: Listed | undefined
  readonly conditions: readonly Condition[]
}

/** A list of patterns, or all but those. */
export interface Listed {
  readonly isNegated: boolean
  readonly patterns: readonly string[]
}

export interface Principals {
  readonly isNegated: boolean
  readonly list: readonly PrincipalPattern[]
}

/** As `AWS`: an account, an ARN or an id; `Service`: a host name. Kind `*` is everybody. */
export interface PrincipalPattern {
  readonly kind: string
  readonly value: string
}

export interface Condition {
  /** As `StringLike`, without the parts that the next two tell. */
  readonly operator: string
  readonly quantifier: 'ForAllValues' | 'ForAnyValue' | undefined
  readonly isIfExists: boolean
  readonly key: string
  readonly values: readonly string[]
}

/** What a policy is attached to: that decides which elements it must have. */
export type PolicyKind = 'identity' | 'resource' | 'trust'

/** Why a text is no policy, in words fit for the client. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
}
