import type { Peers } from '../peer/peers.ts'
import {
  type SecretsManagerActions,
  SecretsManagerFault,
  type SecretsManagerFaultName,
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
import { removeRegionsFromReplication } from './actions/remove-regions-from-replication.ts'
import { replicateSecretToRegions } from './actions/replicate-secret-to-regions.ts'
import { restoreSecret } from './actions/restore-secret.ts'
import { stopReplicationToReplica } from './actions/stop-replication-to-replica.ts'
import { tagResource } from './actions/tag-resource.ts'
import { untagResource } from './actions/untag-resource.ts'
import { updateSecret } from './actions/update-secret.ts'
import { updateSecretVersionStage } from './actions/update-secret-version-stage.ts'
import { REPLICATION_SERVICE, receiveReplicas } from './replication/receive-replica.ts'
import { Removals } from './replication/removals.ts'
import { Replicator } from './replication/replicator.ts'
import { Secrets, type SecretsOptions } from './secrets.ts'

export interface OpenedSecretsManager {
  readonly service: Service
  /** Begins to replicate: first what is still to be done from before. */
  begin(): void
  close(): Promise<void>
}

/** AWS Secrets Manager without rotation, resource policies and customer keys. */
export async function openSecretsManager(
  o: SecretsOptions & { readonly peers: Peers; readonly onError: (error: unknown) => void },
): Promise<OpenedSecretsManager> {
  const secrets = await Secrets.open(o)
  const removals = await Removals.open(o.documents, secrets)
  const peer = o.peers.of(REPLICATION_SERVICE, (shape, message) => {
    return new SecretsManagerFault(shape as SecretsManagerFaultName, message)
  })
  receiveReplicas(peer, secrets)
  const replicator = new Replicator({ ...o, secrets, removals, peer })
  return {
    service: {
      model: secretsManagerModel,
      actions: actionsOf(secrets, removals),
      accesses: (operation, input) => secretAccesses(secrets, operation, input),
    },
    begin: () => replicator.begin(),
    close: () => replicator.close(),
  }
}

function actionsOf(secrets: Secrets, removals: Removals) {
  return {
    CreateSecret: (input) => createSecret(secrets, input),
    DeleteSecret: (input) => deleteSecret(secrets, input),
    DescribeSecret: (input) => describeSecret(secrets, input),
    GetResourcePolicy: (input) => getResourcePolicy(secrets, input),
    GetSecretValue: (input) => getSecretValue(secrets, input),
    ListSecrets: (input) => listSecrets(secrets, input),
    ListSecretVersionIds: (input) => listSecretVersionIds(secrets, input),
    PutSecretValue: (input) => putSecretValue(secrets, input),
    RemoveRegionsFromReplication: (input) =>
      removeRegionsFromReplication({ secrets, removals }, input),
    ReplicateSecretToRegions: (input) => replicateSecretToRegions(secrets, input),
    RestoreSecret: (input) => restoreSecret(secrets, input),
    StopReplicationToReplica: (input) => stopReplicationToReplica(secrets, input),
    TagResource: (input) => tagResource(secrets, input),
    UntagResource: (input) => untagResource(secrets, input),
    UpdateSecret: (input) => updateSecret(secrets, input),
    UpdateSecretVersionStage: (input) => updateSecretVersionStage(secrets, input),
  } satisfies SecretsManagerActions
}
