import type {
  ReplicaRegionType,
  ReplicationStatusType,
} from '../../protocol/models/secrets-manager.ts'
import { invalidParameter, isCustomKey, refuseUnsupported } from '../checks.ts'
import type { ReplicaLink, Secret } from '../secret.ts'
import type { Secrets } from '../secrets.ts'

/** The key that is meant when none is named. */
const DEFAULT_KEY = 'alias/aws/secretsmanager'

/**
 * The regions that a secret is to be replicated to. Unlike AWS: whether there is such a region is not known here; one that the
 * home does not have is waited for.
 *
 * @throws SecretsManagerFault `InvalidParameterException`, `UnsupportedOperation`
 */
export function checkedReplicas(
  { region: own }: Secrets,
  input: {
    readonly AddReplicaRegions?: readonly ReplicaRegionType[] | undefined
    readonly ForceOverwriteReplicaSecret?: boolean | undefined
  },
): ReplicaLink[] {
  const regions = (input.AddReplicaRegions ?? []).map(({ Region }) => Region)
  checkRegions(own, regions)
  return (input.AddReplicaRegions ?? []).map(({ Region = '', KmsKeyId }) => {
    refuseUnsupported({ KmsKeyId: isCustomKey(KmsKeyId) })
    return {
      region: Region,
      ...(KmsKeyId === undefined ? {} : { kmsKeyId: KmsKeyId }),
      isForced: input.ForceOverwriteReplicaSecret === true,
    }
  })
}

/** @throws SecretsManagerFault `InvalidParameterException` */
export function checkRegions(own: string, regions: readonly (string | undefined)[]): void {
  for (const region of regions) {
    if (region === undefined || !/^[a-z]{2,3}(-[a-z]{2,16}){1,3}-\d{1,2}$/.test(region)) {
      throw invalidParameter(`Invalid replica region: ${region ?? ''}.`)
    }
    if (region === own) {
      throw invalidParameter(
        "Invalid replica region: the primary secret's region can't have a replica.",
      )
    }
  }
  if (new Set(regions).size < regions.length) {
    throw invalidParameter('Replica regions must be unique.')
  }
}

/** Where a secret's replicas are, and whether they are as it is. */
export function replicationStatus(secret: Secret): ReplicationStatusType[] {
  return (secret.replicas ?? []).map(({ region, kmsKeyId, delivered, failure }) => ({
    Region: region,
    KmsKeyId: kmsKeyId ?? DEFAULT_KEY,
    Status:
      failure !== undefined ? 'Failed' : delivered === secret.revision ? 'InSync' : 'InProgress',
    ...(failure === undefined ? {} : { StatusMessage: failure }),
  }))
}

/** Where the primary of a secret is that is replicated, or is a replica. */
export function primaryRegionOf({ arn, primary, replicas = [] }: Secret): string | undefined {
  return primary?.region ?? (replicas.length > 0 ? arn.split(':')[3] : undefined)
}

/** A secret with other links; one without any has none. */
export function withLinks(secret: Secret, links: readonly ReplicaLink[]): Secret {
  const { replicas: _, ...rest } = secret
  return links.length > 0 ? { ...rest, replicas: links } : rest
}
