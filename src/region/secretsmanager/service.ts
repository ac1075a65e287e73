import {
  type SecretsManagerActions,
  secretsManagerModel,
} from '../protocol/models/secrets-manager.ts'
import type { Service } from '../protocol/service.ts'
import { secretAccesses } from './accesses.ts'
import { createSecret } from './actions/create-secret.ts'
import { deleteSecret } from './actions/delete-secret.ts'
import { describeSecret } from './actions/describe-secret.ts'
import { getResourcePolicy } from './actions/get-resource-policy.ts'
import { getSecretValue } from './actions/get-secret-value.ts'
import { listSecretVersionIds } from './actions/list-secret-version-ids.ts'
import { listSecrets } from './actions/list-secrets.ts'
import { putSecretValue } from './actions/put-secret-value.ts'
import { restoreSecret } from './actions/restore-secret.ts'
import { tagResource } from './actions/tag-resource.ts'
import { untagResource } from './actions/untag-resource.ts'
import { updateSecret } from './actions/update-secret.ts'
import { updateSecretVersionStage } from './actions/update-secret-version-stage.ts'
import { Secrets, type SecretsOptions } from './secrets.ts'

/** AWS Secrets Manager without rotation, replication, resource policies and customer keys. */
export async function openSecretsManager(o: SecretsOptions): Promise<Service> {
  const secrets = await Secrets.open(o)
  const actions = {
    CreateSecret: (input) => createSecret(secrets, input),
    DeleteSecret: (input) => deleteSecret(secrets, input),
    DescribeSecret: (input) => describeSecret(secrets, input),
    GetResourcePolicy: (input) => getResourcePolicy(secrets, input),
    GetSecretValue: (input) => getSecretValue(secrets, input),
    ListSecrets: (input) => listSecrets(secrets, input),
    ListSecretVersionIds: (input) => listSecretVersionIds(secrets, input),
    PutSecretValue: (input) => putSecretValue(secrets, input),
    RestoreSecret: (input) => restoreSecret(secrets, input),
    TagResource: (input) => tagResource(secrets, input),
    UntagResource: (input) => untagResource(secrets, input),
    UpdateSecret: (input) => updateSecret(secrets, input),
    UpdateSecretVersionStage: (input) => updateSecretVersionStage(secrets, input),
  } satisfies SecretsManagerActions
  return {
    model: secretsManagerModel,
    actions,
    accesses: (operation, input) => secretAccesses(secrets, operation, input),
  }
}
