import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { beforeAll } from 'vitest'
import { regionUnderTest } from '../region-under-test.ts'

/** A region and a Secrets Manager client for it, for a test file. */
export function secretsUnderTest() {
  const region = regionUnderTest()
  let secrets: SecretsManager
  const connect = () => {
    secrets = new SecretsManager(region.client())
  }
  beforeAll(connect)
  return {
    ...region,
    /** The client, after a restart a new one. */
    sdk: () => secrets,
    restart: async () => {
      await region.restart()
      connect()
    },
    value: async (SecretId: string, VersionStage?: string) =>
      (await secrets.getSecretValue({ SecretId, ...(VersionStage ? { VersionStage } : {}) }))
        .SecretString,
  }
}

export const DAY_MS = 86_400_000

/** A version id of the form that clients make. */
export const token = (n: number) => `token-of-the-client-with-32-chars-${n}`
