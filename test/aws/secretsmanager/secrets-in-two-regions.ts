import { type ReplicationStatusType, SecretsManager } from '@aws-sdk/client-secrets-manager'
import { HERE, THERE, twoRegions } from '../s3/two-regions.ts'

export { HERE, THERE }

/** Two regions of one home with a Secrets Manager client for each, for a test file. */
export function secretsInTwoRegions() {
  const world = twoRegions()
  const clients = new Map<string, SecretsManager>()
  const sdk = (region: string): SecretsManager => {
    const known = clients.get(region) ?? new SecretsManager(world.client(region))
    clients.set(region, known)
    return known
  }
  const statusOf = async (SecretId: string, region = HERE) => {
    const { ReplicationStatus = [] } = await sdk(region).describeSecret({ SecretId })
    return ReplicationStatus
  }
  return {
    ...world,
    sdk,
    /** How a secret is replicated, as its primary tells. */
    statusOf: async (SecretId: string, region = HERE): Promise<ReplicationStatusType[]> =>
      await statusOf(SecretId, region),
    value: async (region: string, SecretId: string, VersionStage?: string) => {
      const more = VersionStage ? { VersionStage } : {}
      return (await sdk(region).getSecretValue({ SecretId, ...more })).SecretString
    },
    isThere: async (region: string, SecretId: string) =>
      await sdk(region)
        .describeSecret({ SecretId })
        .then(
          () => true,
          (error: Error) => {
            if (error.name === 'ResourceNotFoundException') return false
            throw error
          },
        ),
  }
}

/** One replica, in that status. */
export const one = (Status: string, more: object = {}) => [{ Region: THERE, Status, ...more }]
