import { SecretsManagerFault } from '../protocol/models/secrets-manager.ts'

/** A secret as it is stored: everything is JSON, values are sealed. */
export interface Secret {
  readonly name: string
  readonly arn: string
  readonly description?: string
  readonly kmsKeyId?: string
  readonly tags: readonly Tag[]
  /** ISO 8601, all of them. */
  readonly createdAt: string
  readonly changedAt: string
  /** To the day, as AWS keeps it. */
  readonly accessedAt?: string
  /** Both while a deletion is scheduled. */
  readonly deletedAt?: string
  readonly gonePast?: string
  /** Oldest first. */
  readonly versions: readonly SecretVersion[]
  /** Of a primary secret: where else it is to be. */
  readonly replicas?: readonly ReplicaLink[]
  /** Of a secret that has or had replicas: counts the changes that they follow. */
  readonly revision?: number
  /** Of a replica: where its primary is, and the revision of that which it has. */
  readonly primary?: { readonly region: string; readonly revision: number }
  /** Of a replica that was promoted: where its primary was, and the revision that it had, until that has been told. */
  readonly promotedFrom?: { readonly region: string; readonly revision: number }
}

/** A region that a secret is replicated to. */
export interface ReplicaLink {
  readonly region: string
  readonly kmsKeyId?: string
  /** Whether another secret of the name is to give way there. */
  readonly isForced: boolean
  /** The revision that is there. */
  readonly delivered?: number
  /** Why it is not there, and will not be until somebody asks again. */
  readonly failure?: string
}

export interface SecretVersion {
  readonly id: string
  readonly createdAt: string
  /** Staging labels. A version without any is deprecated. */
  readonly stages: readonly string[]
  /** The encrypted value; see `SealingKey`. */
  readonly sealed: string
}

export interface Tag {
  readonly Key: string
  readonly Value: string
}

/** Source: Secrets Manager User Guide, "Secrets Manager quotas". */
const MAX_STAGES = 20
const KEPT_VERSIONS = 100
const KEPT_MS = 24 * 3_600_000

/**
 * Moves a staging label to a version, away from whichever had it. AWSPREVIOUS follows: it goes to the
 * version that AWSCURRENT leaves.
 */
export function withStage(secret: Secret, stage: string, versionId: string): Secret {
  const holder = secret.versions.find(({ stages }) => stages.includes(stage))
  if (holder?.id === versionId) return secret
  const moved = secret.versions.map((version) => {
    const others = version.stages.filter((name) => name !== stage)
    return { ...version, stages: version.id === versionId ? [...others, stage] : others }
  })
  if (moved.some(({ stages }) => stages.length > MAX_STAGES)) {
    throw new SecretsManagerFault(
      'LimitExceededException',
      `A version has at most ${MAX_STAGES} staging labels.`,
    )
  }
  const changed = { ...secret, versions: moved }
  return stage === 'AWSCURRENT' && holder ? withStage(changed, 'AWSPREVIOUS', holder.id) : changed
}

/** Takes a staging label away from the version that has it. */
export function withoutStage(secret: Secret, stage: string): Secret {
  const versions = secret.versions.map((version) => ({
    ...version,
    stages: version.stages.filter((name) => name !== stage),
  }))
  return { ...secret, versions }
}

/**
 * Adds a version with its labels. The first version is always current; deprecated versions beyond the
 * hundredth are dropped once they are a day old.
 */
export function withVersion(
  secret: Secret,
  version: Omit<SecretVersion, 'stages'>,
  stages: readonly string[],
): Secret {
  const labels = new Set(secret.versions.length === 0 ? [...stages, 'AWSCURRENT'] : stages)
  const added: Secret = {
    ...secret,
    changedAt: version.createdAt,
    versions: [...secret.versions, { ...version, stages: [] }],
  }
  const staged = [...labels].reduce((next, stage) => withStage(next, stage, version.id), added)
  return expireDeprecated(staged, new Date(version.createdAt))
}

function expireDeprecated(secret: Secret, now: Date): Secret {
  let excess = secret.versions.length - KEPT_VERSIONS
  const versions = secret.versions.filter(({ stages, createdAt }) => {
    const isOld = now.getTime() - Date.parse(createdAt) > KEPT_MS
    if (excess <= 0 || stages.length > 0 || !isOld) return true
    excess -= 1
    return false
  })
  return { ...secret, versions }
}
