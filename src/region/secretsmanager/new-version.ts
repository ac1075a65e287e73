import { SecretsManagerFault } from '../protocol/models/secrets-manager.ts'
import { type Secret, withVersion } from './secret.ts'
import type { Secrets, SecretValue } from './secrets.ts'

/**
 * Adds a version under a client's token, or changes nothing when the token has been used for this very value:
 * a request that is sent twice makes one version.
 *
 * @throws SecretsManagerFault `ResourceExistsException` when the token was used for another value
 * Source: Secrets Manager API Reference, PutSecretValue, ClientRequestToken.
 */
export function addVersion(
  secrets: Secrets,
  secret: Secret,
  o: { token: string; value: SecretValue; stages: readonly string[] },
): Secret {
  const existing = secret.versions.find(({ id }) => id === o.token)
  if (!existing) {
    const sealed = secrets.seal(o.value, secret.arn, o.token)
    const createdAt = secrets.now().toISOString()
    return withVersion(secret, { id: o.token, createdAt, sealed }, o.stages)
  }
  if (secrets.isValue(secret, existing, o.value)) return secret
  throw new SecretsManagerFault(
    'ResourceExistsException',
    `You can't use ClientRequestToken ${o.token} because that value is already in use ` +
      `for a version of secret ${secret.arn}.`,
  )
}
