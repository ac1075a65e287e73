import type { GetResourcePolicyCommandInput } from '../../protocol/models/secrets-manager.ts'
import type { Secrets } from '../secrets.ts'

/**
 * GetResourcePolicy: a secret of an embedded region has none, and PutResourcePolicy is not available.
 *
 * Source: Secrets Manager API Reference, GetResourcePolicy.
 */
export async function getResourcePolicy(secrets: Secrets, input: GetResourcePolicyCommandInput) {
  const { arn, name } = secrets.getLive(input.SecretId ?? '')
  return { ARN: arn, Name: name }
}
