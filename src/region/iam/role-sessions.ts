import { AuthFault } from '../protocol/auth-fault.ts'
import { accessDenied } from '../protocol/authorization.ts'
import type { Caller } from '../protocol/service.ts'
import { isRoot, type PolicyAuthorizer } from './authorizer.ts'
import { AWS_MANAGED_POLICIES } from './aws-managed-policies.ts'
import { checkedPolicy } from './checks.ts'
import type { Iam } from './iam.ts'
import { sealToken } from './key-ring.ts'
import type { RoleRecord } from './records.ts'
import { ensureLinkedRole } from './service-linked-roles.ts'

export interface SessionRequest {
  readonly roleArn: string
  readonly sessionName: string
  readonly durationSeconds: number
  readonly externalId: string | undefined
  /** Policies that limit the session, as JSON and by the ARNs of managed ones. */
  readonly policy: string | undefined
  readonly policyArns: readonly string[]
}

export interface StartedSession {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAt: Date
  readonly userId: string
  readonly arn: string
}

/** Starts sessions of roles, for those whom the role's trust policy names. */
export class RoleSessions {
  constructor(
    private readonly iam: Iam,
    private readonly authorizer: PolicyAuthorizer,
  ) {}

  /** The longest session that the role allows, in seconds; undefined when there is no such role. */
  maxSecondsOf(roleArn: string): number | undefined {
    return this.#find(roleArn)?.maxSessionSeconds
  }

  /**
   * @throws AuthFault `AccessDenied`, also for a role that does not exist
   * @throws IamFault `MalformedPolicyDocumentException` for a session policy that is none
   */
  start(caller: Caller, request: SessionRequest): StartedSession {
    const { roleArn, sessionName, externalId } = request
    const access = { action: 'sts:AssumeRole', resource: roleArn }
    // Source: STS API Reference, AssumeRole: not with the credentials of the account's root user.
    if (isRoot(caller))
      throw new AuthFault('AccessDenied', 'Roles may not be assumed by root accounts.')
    const role = this.#find(roleArn)
    const context = {
      'sts:RoleSessionName': sessionName,
      ...(externalId === undefined ? {} : { 'sts:ExternalId': externalId }),
    }
    if (!role || !this.authorizer.mayAssume(caller, role, context)) {
      throw accessDenied(caller, access)
    }
    const policies = this.#sessionPolicies(request)
    const { durationSeconds } = request
    return this.#issue(role, sessionName, durationSeconds, policies ? { policies } : {})
  }

  /**
   * Who an AWS service is when it works with a role, as `s3.amazonaws.com` does to replicate: it may what the
   * role may.
   *
   * @throws AuthFault `AccessDenied` unless the role is there and trusts the service
   */
  callerForService(roleArn: string, service: string): Caller {
    const { accountId } = this.iam
    const role = this.#roleForService(roleArn, service)
    return {
      accountId,
      arn: `arn:aws:sts::${accountId}:assumed-role/${role.name}/${service}`,
      userId: `${role.id}:${service}`,
      accessKeyId: service,
      session: {
        roleName: role.name,
        roleId: role.id,
        policies: undefined,
        issuedAt: this.iam.now(),
        service,
      },
    }
  }

  /**
   * Keys with which a service signs as `callerForService`, in any region of the home. They never leave the region's
   * process but as signatures.
   *
   * @throws AuthFault `AccessDenied` unless the role is there and trusts the service
   */
  keysForService(roleArn: string, service: string, durationSeconds: number): StartedSession {
    const role = this.#roleForService(roleArn, service)
    return this.#issue(role, service, durationSeconds, { service })
  }

  /**
   * Keys with which a service signs that works without a role, as `route53.amazonaws.com` does to read alarms. They can be made
   * by a process of the home only, as its tokens are sealed.
   *
   * @param rights  all that it may, as a policy
   */
  keysForServiceItself(service: string, rights: string, durationSeconds: number): StartedSession {
    const itself = { name: service, id: service }
    return this.#issue(itself, 'itself', durationSeconds, { service, rights: [rights] })
  }

  /** As `keysForService`, with the role that is linked to the service, as `AWSServiceRoleForRDS` is to `rds.amazonaws.com`. */
  keysForLinkedService(service: string, durationSeconds: number): StartedSession {
    return this.#issue(ensureLinkedRole(this.iam, service), service, durationSeconds, { service })
  }

  #roleForService(roleArn: string, service: string): RoleRecord {
    const role = this.#find(roleArn)
    if (role && this.authorizer.trustsService(role, service)) return role
    throw new AuthFault('AccessDenied', `${service} may not assume the role ${roleArn}.`)
  }

  #issue(
    role: Pick<RoleRecord, 'name' | 'id'>,
    sessionName: string,
    durationSeconds: number,
    further: { policies?: readonly string[]; service?: string; rights?: readonly string[] },
  ): StartedSession {
    const issuedAtMs = this.iam.now().getTime()
    const expiresAtMs = issuedAtMs + durationSeconds * 1000
    const started = {
      accessKeyId: this.iam.newId('ASIA'),
      secretAccessKey: this.iam.newSecret(),
      arn: `arn:aws:sts::${this.iam.accountId}:assumed-role/${role.name}/${sessionName}`,
      userId: `${role.id}:${sessionName}`,
    }
    const sessionToken = sealToken(this.iam, {
      ...started,
      roleName: role.name,
      roleId: role.id,
      ...further,
      issuedAtMs,
      expiresAtMs,
    })
    return { ...started, sessionToken, expiresAt: new Date(expiresAtMs) }
  }

  #find(roleArn: string) {
    const name = roleArn.slice(roleArn.lastIndexOf('/') + 1).toLowerCase()
    const role = this.iam.directory.effective('roles', name)
    return role?.arn === roleArn ? role : undefined
  }

  /** As they are now: later versions of a managed policy do not reach sessions that have begun. */
  #sessionPolicies({ policy, policyArns }: SessionRequest): string[] | undefined {
    if (policy === undefined && policyArns.length === 0) return undefined
    if (policy !== undefined) checkedPolicy(policy, 'identity', { most: policy.length })
    const managed = policyArns.map((arn) => {
      const found = AWS_MANAGED_POLICIES.get(arn) ?? this.iam.getPolicy(arn)
      return found.versions.find(({ id }) => id === found.defaultVersionId)?.document ?? ''
    })
    return [...(policy === undefined ? [] : [policy]), ...managed]
  }
}
