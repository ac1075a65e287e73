import { type AccessRequest, tagContext } from '../protocol/authorization.ts'
import type { Caller } from '../protocol/service.ts'
import type { Iam } from './iam.ts'
import type { IdentityKind } from './identities.ts'

/** What the inputs of IAM's actions name resources by. */
interface Named {
  readonly UserName?: string
  readonly NewUserName?: string
  readonly RoleName?: string
  readonly PolicyName?: string
  readonly PolicyArn?: string
  readonly Path?: string
  readonly NewPath?: string
  readonly PathPrefix?: string
  readonly Tags?: readonly unknown[]
}

/** Actions on the caller's own user when they name none. */
const ABOUT_USER = /^(GetUser|(Create|Update|Delete)AccessKey|ListAccessKeys)$/

/**
 * What an action of IAM is about: its user, role or policy, else everything.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS IAM".
 */
export function iamAccesses(
  iam: Iam,
  operation: string,
  input: Named,
  caller: Caller,
): AccessRequest[] {
  const accesses = accessesOf(iam, operation, input, caller)
  // To give tags to what is made is a right of its own.
  const made = (input.Tags ?? []).length > 0 ? /^Create(User|Role|Policy)$/.exec(operation) : null
  const tagging = made ? accesses.map((access) => ({ ...access, action: `iam:Tag${made[1]}` })) : []
  return [...accesses, ...tagging]
}

function accessesOf(iam: Iam, operation: string, input: Named, caller: Caller): AccessRequest[] {
  const action = `iam:${operation}`
  const { UserName, RoleName, PolicyName, PolicyArn, Path = '/', PathPrefix = '/' } = input
  const about = (kind: IdentityKind, name: string, context: AccessRequest['context'] = {}) => {
    const found = iam.directory.get(kind, name.toLowerCase())
    const isFound = found?.name === name
    const arn = isFound ? found.arn : iam.arn(kind === 'users' ? 'user' : 'role', Path, name)
    const tags = isFound ? tagContext('aws:ResourceTag', found.tags) : {}
    return { action, resource: arn, context: { ...tags, ...context } }
  }
  const attached =
    /^(Attach|Detach)/.test(operation) && PolicyArn ? { 'iam:PolicyARN': PolicyArn } : {}
  if (UserName !== undefined)
    return [about('users', UserName, attached), ...renamed(iam, action, input)]
  if (RoleName !== undefined) return [about('roles', RoleName, attached)]
  if (PolicyArn !== undefined) return [{ action, resource: PolicyArn }]
  if (operation === 'CreatePolicy') {
    return [{ action, resource: iam.arn('policy', Path, PolicyName ?? '') }]
  }
  if (operation === 'ListUsers') return [{ action, resource: iam.arn('user', PathPrefix, '') }]
  if (operation === 'ListRoles') return [{ action, resource: iam.arn('role', PathPrefix, '') }]
  if (ABOUT_USER.test(operation)) return [{ action, resource: caller.arn }]
  return [{ action, resource: '*' }]
}

/** UpdateUser needs the right on the user's new name, too: else a name could be taken that nobody may touch. */
function renamed(iam: Iam, action: string, input: Named): AccessRequest[] {
  const { UserName = '', NewUserName, NewPath } = input
  if (NewUserName === undefined && NewPath === undefined) return []
  const path = NewPath ?? iam.directory.get('users', UserName.toLowerCase())?.path ?? '/'
  return [{ action, resource: iam.arn('user', path, NewUserName ?? UserName) }]
}
