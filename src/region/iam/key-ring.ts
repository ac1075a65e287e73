import type { Caller, RoleSession } from '../protocol/service.ts'
import type { KeyRing, SigningKey } from '../protocol/sigv4.ts'
import type { Iam } from './iam.ts'
import type { UserRecord } from './records.ts'

/** What a session token says; it is sealed, so only this home's regions can make one or read it. */
interface TokenContent {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly arn: string
  readonly userId: string
  readonly roleName: string
  readonly roleId: string
  readonly policies?: readonly string[]
  readonly service?: string
  readonly rights?: readonly string[]
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

const TOKEN_PLACE = 'session-token'
const KEY_PLACE = (id: string) => `access-key ${id}`

/** All keys that sign: the root user's, those of users, and temporary ones, which their token holds. */
export class IamKeyRing implements KeyRing {
  constructor(
    private readonly iam: Iam,
    private readonly root: { readonly accessKeyId: string; readonly key: SigningKey },
  ) {}

  get(accessKeyId: string, sessionToken?: string): SigningKey | undefined {
    if (sessionToken !== undefined) return this.#temporary(accessKeyId, sessionToken)
    return accessKeyId === this.root.accessKeyId ? this.root.key : this.#ofUser(accessKeyId)
  }

  #ofUser(accessKeyId: string): SigningKey | undefined {
    const { directory, sealing } = this.iam
    const key = directory.effective('access-keys', accessKeyId)
    const user = key && directory.effective('users', key.userName.toLowerCase())
    if (!key?.isActive || user?.id !== key.userId) return undefined
    return {
      secretAccessKey: sealing.unseal(key.sealed, KEY_PLACE(key.id)),
      caller: callerOf(user, this.iam.accountId, accessKeyId),
    }
  }

  #temporary(accessKeyId: string, token: string): SigningKey | undefined {
    const content = this.#open(token)
    if (content?.accessKeyId !== accessKeyId) return undefined
    const { arn, userId, roleName, roleId, policies, service, rights } = content
    const session: RoleSession = {
      roleName,
      roleId,
      policies,
      issuedAt: new Date(content.issuedAtMs),
      service,
      rights,
    }
    return {
      secretAccessKey: content.secretAccessKey,
      caller: { accountId: this.iam.accountId, arn, userId, accessKeyId, session },
      expiresAt: new Date(content.expiresAtMs),
    }
  }

  #open(token: string): TokenContent | undefined {
    // Canonical base64 of at least a nonce and a tag: anything else was not sealed here.
    if (!/^[A-Za-z0-9+/]{40,}={0,2}$/.test(token)) return undefined
    try {
      return JSON.parse(this.iam.sealing.unseal(token, TOKEN_PLACE))
    } catch (error) {
      // The cipher tells a forged token by an error without a code of its own.
      if (error instanceof Error) return undefined
      throw error
    }
  }
}

/** Seals what the ring reads from the token again. */
export function sealToken(iam: Iam, content: TokenContent): string {
  return iam.sealing.seal(JSON.stringify(content), TOKEN_PLACE)
}

export function sealSecret(iam: Iam, accessKeyId: string, secret: string): string {
  return iam.sealing.seal(secret, KEY_PLACE(accessKeyId))
}

function callerOf(user: UserRecord, accountId: string, accessKeyId: string): Caller {
  return { accountId, arn: user.arn, userId: user.id, accessKeyId }
}
