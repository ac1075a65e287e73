import { type AccessRequest, tagContext } from '../protocol/authorization.ts'
import { primaryRegionOf } from './replication/replica-links.ts'
import type { Secrets } from './secrets.ts'

/** What the inputs of Secrets Manager's actions name resources by. */
interface Named {
  readonly SecretId?: string
  readonly Name?: string
  readonly Tags?: readonly unknown[]
  readonly AddReplicaRegions?: readonly { readonly Region?: string }[]
  readonly ForceOverwriteReplicaSecret?: boolean
}

/**
 * What an action is about: its secret, by the secret's ARN however the request names it, else everything.
 *
 * To give tags to a new secret is a right of its own. Unlike AWS: a secret that is not there yet has an ARN without the random end.
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Secrets Manager".
 */
export function secretAccesses(secrets: Secrets, operation: string, input: Named): AccessRequest[] {
  const action = `secretsmanager:${operation}`
  const name = input.SecretId ?? input.Name
  if (name === undefined) return [{ action, resource: '*' }]
  const secret = secrets.find(name)
  if (secret) {
    const context = {
      ...tagContext('aws:ResourceTag', secret.tags),
      ...replicationContext(input),
      'secretsmanager:Name': secret.name,
      'secretsmanager:SecretPrimaryRegion': primaryRegionOf(secret) ?? secrets.region,
    }
    return [{ action, resource: secret.arn, context }]
  }
  const resource = name.startsWith('arn:') ? name : secrets.arnWithoutSuffix(name)
  const context = { ...replicationContext(input), 'secretsmanager:Name': name }
  const hasTags = operation === 'CreateSecret' && (input.Tags ?? []).length > 0
  const tagging = { action: 'secretsmanager:TagResource', resource, context }
  return [{ action, resource, context }, ...(hasTags ? [tagging] : [])]
}

function replicationContext({ AddReplicaRegions, ForceOverwriteReplicaSecret }: Named) {
  const regions = (AddReplicaRegions ?? []).flatMap(({ Region }) => Region ?? [])
  return {
    ...(regions.length > 0 ? { 'secretsmanager:AddReplicaRegions': regions } : {}),
    ...(ForceOverwriteReplicaSecret === undefined
      ? {}
      : { 'secretsmanager:ForceOverwriteReplicaSecret': `${ForceOverwriteReplicaSecret}` }),
  }
}
