import type { SigningKey } from './protocol/sigv4.ts'
import type { RootCredentials } from './root-credentials.ts'

/** The account that owns everything in embedded regions. */
export const ACCOUNT_ID = '000000000000'

/** The key of the account's root user. */
export function rootKey({ accessKeyId, secretAccessKey }: RootCredentials): SigningKey {
  return {
    secretAccessKey,
    caller: {
      accountId: ACCOUNT_ID,
      arn: `arn:aws:iam::${ACCOUNT_ID}:root`,
      userId: ACCOUNT_ID,
      accessKeyId,
    },
  }
}
