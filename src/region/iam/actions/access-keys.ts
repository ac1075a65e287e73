import type {
  CreateAccessKeyRequest,
  DeleteAccessKeyRequest,
  ListAccessKeysRequest,
  StatusType,
  UpdateAccessKeyRequest,
} from '../../protocol/models/iam.ts'
import type { Caller } from '../../protocol/service.ts'
import { invalid, limitExceeded, pageOf } from '../checks.ts'
import { type Iam, noSuchEntity } from '../iam.ts'
import { sealSecret } from '../key-ring.ts'
import type { AccessKeyRecord } from '../records.ts'
import { userNameOf } from './users.ts'

const MAX_KEYS = 2

/** CreateAccessKey: the one time that the secret is shown. Source: IAM API Reference, CreateAccessKey. */
export async function createAccessKey(iam: Iam, input: CreateAccessKeyRequest, caller: Caller) {
  const userName = input.UserName ?? userNameOf(caller)
  const id = iam.newId('AKIA')
  const secret = iam.newSecret()
  const createdAt = iam.timestamp()
  iam.directory.change((edit) => {
    const user = iam.getUser(userName)
    if (keysOf(iam, user.id).length >= MAX_KEYS) throw limitExceeded('AccessKeysPerUser', MAX_KEYS)
    const sealed = sealSecret(iam, id, secret)
    const key = { id, userName, userId: user.id, isActive: true, createdAt, sealed }
    edit.put('access-keys', id, key)
  })
  return {
    AccessKey: {
      UserName: userName,
      AccessKeyId: id,
      Status: 'Active' as StatusType,
      SecretAccessKey: secret,
      CreateDate: new Date(createdAt),
    },
  }
}

/** ListAccessKeys: without secrets. Source: IAM API Reference, ListAccessKeys. */
export async function listAccessKeys(iam: Iam, input: ListAccessKeysRequest, caller: Caller) {
  const userName = input.UserName ?? userNameOf(caller)
  const { items, rest } = pageOf(keysOf(iam, iam.getUser(userName).id), input)
  const AccessKeyMetadata = items.map(({ id, isActive, createdAt }) => ({
    UserName: userName,
    AccessKeyId: id,
    Status: (isActive ? 'Active' : 'Inactive') as StatusType,
    CreateDate: new Date(createdAt),
  }))
  return { AccessKeyMetadata, ...rest }
}

/** UpdateAccessKey: makes a key inactive, or active again. Source: IAM API Reference, UpdateAccessKey. */
export async function updateAccessKey(iam: Iam, input: UpdateAccessKeyRequest, caller: Caller) {
  const isActive = input.Status === 'Active'
  if (!isActive && input.Status !== 'Inactive') throw invalid('Status is Active or Inactive.')
  const userName = input.UserName ?? userNameOf(caller)
  iam.directory.change((edit) => {
    const key = getKey(iam, userName, input.AccessKeyId ?? '')
    edit.put('access-keys', key.id, { ...key, isActive })
  })
  return {}
}

/** DeleteAccessKey. Source: IAM API Reference, DeleteAccessKey. */
export async function deleteAccessKey(iam: Iam, input: DeleteAccessKeyRequest, caller: Caller) {
  const userName = input.UserName ?? userNameOf(caller)
  iam.directory.change((edit) => {
    edit.delete('access-keys', getKey(iam, userName, input.AccessKeyId ?? '').id)
  })
  return {}
}

function keysOf(iam: Iam, userId: string): AccessKeyRecord[] {
  return iam.directory.list('access-keys').filter((key) => key.userId === userId)
}

function getKey(iam: Iam, userName: string, id: string): AccessKeyRecord {
  const user = iam.getUser(userName)
  const key = iam.directory.get('access-keys', id)
  if (key?.userId === user.id) return key
  throw noSuchEntity(`The Access Key with id ${id} cannot be found.`)
}
