import {
  type AccessRequest,
  type Authorizer,
  accessDenied,
  type ResourcePolicies,
} from '../protocol/authorization.ts'
import type { Caller } from '../protocol/service.ts'
import { AWS_MANAGED_POLICIES } from './aws-managed-policies.ts'
import type { Iam } from './iam.ts'
import { KnownPolicies } from './known-policies.ts'
import { type PolicyDocument, PolicyError } from './policy/document.ts'
import { type Decision, evaluate, type Policies, type PolicySource } from './policy/evaluate.ts'
import { principalContext } from './principal-context.ts'
import type { IdentityRecord, RoleRecord } from './records.ts'

/** Decides about requests by the policies that are in effect. The root user may do all that no resource's policy denies it. */
export class PolicyAuthorizer implements ResourcePolicies {
  readonly #known = new KnownPolicies()

  constructor(private readonly iam: Iam) {}

  /** @throws AuthFault `AccessDenied`, in AWS's words */
  readonly authorize: Authorizer = (caller, request) => {
    const { mustPolicyAgree: isTrustNeeded = false, isGranted } = request
    if (isRoot(caller) && !isTrustNeeded) return this.#refuseIfDeniedByResource(caller, request)
    const decision = this.#decide(caller, request, {
      resource: this.#resourcePolicyOf(caller, request),
      isTrustNeeded,
      isGranted,
    })
    if (!decision.isAllowed) throw accessDenied(caller, request, reasonOf(request, decision))
  }

  /**
   * A bucket's policy may deny the root user anything but to mend the policy.
   *
   * Source: S3 User Guide, "Policies and permissions in Amazon S3".
   */
  #refuseIfDeniedByResource(caller: Caller, request: AccessRequest): void {
    if (request.resourcePolicy === undefined || MENDS_POLICY.test(request.action)) return
    const policy = this.#readOrUndefined(request.resourcePolicy)
    const decision = this.#decide(caller, request, { resource: policy })
    if (decision.isAllowed || !decision.isExplicit) return
    throw accessDenied(caller, request, reasonOf(request, decision))
  }

  #readOrUndefined(text: string): PolicyDocument | undefined {
    try {
      return this.#known.read(text, 'resource')
    } catch (error) {
      if (error instanceof PolicyError) return undefined
      throw error
    }
  }

  /** Whether a caller may assume a role: the role's trust policy must agree. */
  mayAssume(caller: Caller, role: RoleRecord, context: AccessRequest['context']): boolean {
    const request = {
      action: 'sts:AssumeRole',
      resource: role.arn,
      ...(context ? { context } : {}),
    }
    const resource = this.#known.read(role.trust, 'trust')
    return this.#decide(caller, request, { resource, isTrustNeeded: true }).isAllowed
  }

  /** A policy that cannot be understood may deny anything: it denies everything, but to the root user. */
  #resourcePolicyOf(caller: Caller, request: AccessRequest): PolicyDocument | undefined {
    if (request.resourcePolicy === undefined) return undefined
    try {
      return this.#known.read(request.resourcePolicy, 'resource')
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      throw accessDenied(caller, request, 'because its resource-based policy is malformed')
    }
  }

  /** Whether a role lets an AWS service work with it, as `s3.amazonaws.com`. */
  trustsService(role: RoleRecord, service: string): boolean {
    const { accountId } = this.iam
    const question = {
      principal: { accountId, arn: service, userId: service, service },
      action: 'sts:AssumeRole',
      resource: role.arn,
      context: { 'aws:SourceAccount': accountId, 'aws:PrincipalIsAWSService': 'true' },
    }
    const resource = this.#known.read(role.trust, 'trust')
    return evaluate(question, { identity: [], resource, isTrustNeeded: true }).isAllowed
  }

  flawOf(policy: string): string | undefined {
    try {
      this.#known.read(policy, 'resource')
      return undefined
    } catch (error) {
      if (error instanceof PolicyError) return error.message
      throw error
    }
  }

  allowsService(service: string, request: AccessRequest): boolean {
    const { accountId } = this.iam
    if (request.resourcePolicy === undefined || this.flawOf(request.resourcePolicy)) return false
    const { action, resource, context } = request
    const question = {
      principal: { accountId, arn: service, userId: service, service },
      action,
      resource,
      context: {
        'aws:SourceAccount': accountId,
        'aws:SourceOwner': accountId,
        'aws:PrincipalIsAWSService': 'true',
        ...context,
      },
    }
    const policy = this.#known.read(request.resourcePolicy, 'resource')
    return evaluate(question, { identity: [], resource: policy }).isAllowed
  }

  #decide(caller: Caller, request: AccessRequest, about: Partial<Policies>): Decision {
    const identity = this.#identityOf(caller)
    const role = caller.session ? identity : undefined
    const { accountId, arn, userId, session } = caller
    const question = {
      principal: { accountId, arn, userId, roleArn: role?.arn, roleId: role?.id },
      action: request.action,
      resource: request.resource,
      context: { ...principalContext(caller, identity, this.iam.now()), ...request.context },
    }
    const documents = [...(session?.rights ?? []), ...this.#documentsOf(identity)]
    return evaluate(question, {
      identity: documents.map((text) => this.#known.read(text, 'identity')),
      session: session?.policies?.map((text) => this.#known.read(text, 'identity')),
      ...about,
    })
  }

  /** The user or the role that the caller is; undefined when it was deleted meanwhile, and for root. */
  #identityOf({ arn, userId, session }: Caller): IdentityRecord | undefined {
    const { directory } = this.iam
    const name = session?.roleName ?? arn.slice(arn.lastIndexOf('/') + 1)
    const found = directory.effective(session ? 'roles' : 'users', name.toLowerCase())
    return found?.id === (session?.roleId ?? userId) ? found : undefined
  }

  #documentsOf(identity: IdentityRecord | undefined): string[] {
    if (!identity) return []
    const managed = identity.attached.flatMap((arn) => {
      const policy = AWS_MANAGED_POLICIES.get(arn) ?? this.iam.directory.effective('policies', arn)
      return policy?.versions.find(({ id }) => id === policy.defaultVersionId)?.document ?? []
    })
    return [...identity.inline.map(({ document }) => document), ...managed]
  }
}

const MENDS_POLICY = /^s3:(Get|Put|Delete)BucketPolicy$/

export function isRoot({ accountId, arn }: Caller): boolean {
  return arn === `arn:aws:iam::${accountId}:root`
}

const SOURCES: Readonly<Record<PolicySource, string>> = {
  identity: 'identity-based',
  resource: 'resource-based',
  session: 'session',
}

function reasonOf(
  { action }: AccessRequest,
  { isExplicit, source }: Extract<Decision, { isAllowed: false }>,
): string {
  const kind = SOURCES[source]
  if (!isExplicit) return `because no ${kind} policy allows the ${action} action`
  return `with an explicit deny in ${source === 'identity' ? 'an' : 'a'} ${kind} policy`
}
