import type { ListSecretVersionIdsCommandInput } from '../../protocol/models/secrets-manager.ts'
import { pageOf } from '../page.ts'
import type { Secrets } from '../secrets.ts'

/**
 * ListSecretVersionIds: the versions of a secret, oldest first; deprecated ones when asked for.
 *
 * Source: Secrets Manager API Reference, ListSecretVersionIds.
 */
export async function listSecretVersionIds(
  secrets: Secrets,
  input: ListSecretVersionIdsCommandInput,
) {
  const secret = secrets.get(input.SecretId ?? '')
  const versions = secret.versions.filter(
    ({ stages }) => input.IncludeDeprecated || stages.length > 0,
  )
  const { items, next } = pageOf(versions, input)
  return {
    ARN: secret.arn,
    Name: secret.name,
    Versions: items.map(({ id, stages, createdAt }) => ({
      VersionId: id,
      CreatedDate: new Date(createdAt),
      ...(stages.length > 0 ? { VersionStages: [...stages] } : {}),
    })),
    ...next,
  }
}
