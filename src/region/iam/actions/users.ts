import type {
  CreateUserRequest,
  DeleteUserRequest,
  GetUserRequest,
  ListGroupsForUserRequest,
  ListUsersRequest,
  UpdateUserRequest,
} from '../../protocol/models/iam.ts'
import type { Caller } from '../../protocol/service.ts'
import { isRoot } from '../authorizer.ts'
import {
  checkedName,
  checkedPath,
  checkedTags,
  invalid,
  pageOf,
  refuseUnsupported,
} from '../checks.ts'
import type { Iam } from '../iam.ts'
import { addIdentity, alreadyExists, deleteConflict, refuseWithPolicies } from '../identities.ts'
import type { UserRecord } from '../records.ts'

/** CreateUser: a user without keys and policies. Source: IAM API Reference, CreateUser. */
export async function createUser(iam: Iam, input: CreateUserRequest) {
  refuseUnsupported({ PermissionsBoundary: input.PermissionsBoundary })
  const name = checkedName('userName', input.UserName)
  const path = checkedPath(input.Path)
  const user: UserRecord = {
    name,
    path,
    id: iam.newId('AIDA'),
    arn: iam.arn('user', path, name),
    createdAt: iam.timestamp(),
    tags: checkedTags(input.Tags),
    inline: [],
    attached: [],
  }
  addIdentity(iam, 'users', user)
  return { User: userShape(user) }
}

/** GetUser: by default the one that asks. Source: IAM API Reference, GetUser. */
export async function getUser(iam: Iam, input: GetUserRequest, caller: Caller) {
  if (input.UserName === undefined && isRoot(caller)) {
    const { accountId: UserId, arn: Arn } = caller
    const CreateDate = new Date('2006-01-01T00:00:00Z')
    // As on AWS the root user has no name and no path.
    return { User: { UserName: undefined, Path: undefined, UserId, Arn, CreateDate } }
  }
  return { User: userShape(iam.getUser(input.UserName ?? userNameOf(caller))) }
}

/** ListUsers: without their tags, as AWS. Source: IAM API Reference, ListUsers. */
export async function listUsers(iam: Iam, input: ListUsersRequest) {
  const prefix = input.PathPrefix ?? '/'
  const all = iam.directory.list('users').filter(({ path }) => path.startsWith(prefix))
  const { items, rest } = pageOf(all, input)
  return { Users: items.map((user) => ({ ...userShape(user), Tags: undefined })), ...rest }
}

/** ListGroupsForUser: there are no groups in an embedded region. */
export async function listGroupsForUser(iam: Iam, input: ListGroupsForUserRequest) {
  iam.getUser(input.UserName ?? '')
  return { Groups: [], IsTruncated: false }
}

/** UpdateUser: another name or path; keys and policies stay. Source: IAM API Reference, UpdateUser. */
export async function updateUser(iam: Iam, input: UpdateUserRequest) {
  const name = input.UserName ?? ''
  const newName = checkedName('newUserName', input.NewUserName ?? name)
  const newPath = input.NewPath === undefined ? undefined : checkedPath(input.NewPath)
  iam.directory.change((edit) => {
    const user = iam.getUser(name)
    const [from, to] = [name.toLowerCase(), newName.toLowerCase()]
    if (from !== to && iam.directory.get('users', to)) throw alreadyExists('User', newName)
    const path = newPath ?? user.path
    if (from !== to) edit.delete('users', from)
    edit.put('users', to, { ...user, name: newName, path, arn: iam.arn('user', path, newName) })
    for (const key of iam.directory.list('access-keys')) {
      if (key.userId === user.id) edit.put('access-keys', key.id, { ...key, userName: newName })
    }
  })
  return {}
}

/** DeleteUser: only one without keys and policies. Source: IAM API Reference, DeleteUser. */
export async function deleteUser(iam: Iam, input: DeleteUserRequest) {
  const name = input.UserName ?? ''
  iam.directory.change((edit) => {
    const user = iam.getUser(name)
    refuseWithPolicies(user)
    if (iam.directory.list('access-keys').some(({ userId }) => userId === user.id)) {
      throw deleteConflict('Cannot delete entity, must delete access keys first.')
    }
    edit.delete('users', name.toLowerCase())
  })
  return {}
}

/** The user that asks. @throws IamFault `ValidationException` for one who is no user */
export function userNameOf({ arn, session }: Caller): string {
  if (!session && arn.includes(':user/')) return arn.slice(arn.lastIndexOf('/') + 1)
  throw invalid('Must specify userName when calling with non-User credentials')
}

function userShape({ name, path, id, arn, createdAt, tags }: UserRecord) {
  return {
    Path: path,
    UserName: name,
    UserId: id,
    Arn: arn,
    CreateDate: new Date(createdAt),
    ...(tags.length > 0 ? { Tags: [...tags] } : {}),
  }
}
