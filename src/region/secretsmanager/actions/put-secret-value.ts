import type { PutSecretValueCommandInput } from '../../protocol/models/secrets-manager.ts'
import {
  checkedStages,
  checkedToken,
  checkedValue,
  invalidParameter,
  refuseUnsupported,
} from '../checks.ts'
import { addVersion } from '../new-version.ts'
import type { Secrets } from '../secrets.ts'

/**
 * PutSecretValue: a version, current unless other staging labels are given.
 *
 * Source: Secrets Manager API Reference, PutSecretValue.
 */
export async function putSecretValue(secrets: Secrets, input: PutSecretValueCommandInput) {
  const value = checkedValue(input)
  if (!value) throw invalidParameter('You must provide either SecretString or SecretBinary.')
  const token = checkedToken(input.ClientRequestToken, secrets)
  const stages = checkedStages(input.VersionStages)
  refuseUnsupported({ RotationToken: input.RotationToken !== undefined })

  const secret = await secrets.change(input.SecretId ?? '', (before) =>
    addVersion(secrets, before, { token, value, stages }),
  )
  const version = secret.versions.find(({ id }) => id === token)
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: token,
    VersionStages: [...(version?.stages ?? [])],
  }
}
