import { IamFault } from '../protocol/models/iam.ts'
import type { Collections } from './directory.ts'
import type { Iam } from './iam.ts'
import type { IdentityRecord } from './records.ts'
import { refuseLinked } from './service-linked-roles.ts'

/** Users and roles, as far as they are alike: both have policies and tags. */
export type IdentityKind = 'users' | 'roles'

/** @throws IamFault `NoSuchEntityException` */
export function getIdentity(iam: Iam, kind: IdentityKind, name: string): IdentityRecord {
  return kind === 'users' ? iam.getUser(name) : iam.getRole(name)
}

/**
 * Replaces a user or a role by what `next` makes of it.
 *
 * @throws IamFault `NoSuchEntityException`, `UnmodifiableEntityException`
 */
export function changeIdentity<Kind extends IdentityKind>(
  iam: Iam,
  kind: Kind,
  name: string,
  next: (record: Collections[Kind]) => Collections[Kind],
): Collections[Kind] {
  return iam.directory.change((edit) => {
    const before = getIdentity(iam, kind, name) as Collections[Kind]
    refuseLinked(before)
    const after = next(before)
    edit.put(kind, name.toLowerCase(), after)
    return after
  })
}

/** @throws IamFault `EntityAlreadyExistsException`, also for a name that differs in case alone */
export function addIdentity<Kind extends IdentityKind>(
  iam: Iam,
  kind: Kind,
  record: Collections[Kind],
): void {
  iam.directory.change((edit) => {
    if (iam.directory.get(kind, record.name.toLowerCase())) {
      throw alreadyExists(kind === 'users' ? 'User' : 'Role', record.name)
    }
    edit.put(kind, record.name.toLowerCase(), record)
  })
}

/** Refuses to delete a user or role that has policies. */
export function refuseWithPolicies({ inline, attached }: IdentityRecord): void {
  if (attached.length > 0) {
    throw deleteConflict('Cannot delete entity, must detach all policies first.')
  }
  if (inline.length > 0) throw deleteConflict('Cannot delete entity, must delete policies first.')
}

export function alreadyExists(what: string, name: string) {
  return new IamFault('EntityAlreadyExistsException', `${what} with name ${name} already exists.`)
}

export function deleteConflict(message: string) {
  return new IamFault('DeleteConflictException', message)
}
