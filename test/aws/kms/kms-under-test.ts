import { KMS } from '@aws-sdk/client-kms'
import { beforeAll } from 'vitest'
import { iamUnderTest, type Keys } from '../iam/iam-under-test.ts'

/** A region with a KMS client of its root user, and clients of others, for a test file. */
export function kmsUnderTest() {
  const region = iamUnderTest()
  let kms: KMS
  const connect = () => {
    kms = new KMS(region.client())
  }
  beforeAll(connect)
  const root = () => {
    // Requests are signed with the time of the region, which a test may have put forward.
    kms.config.systemClockOffset = region.clock.now().getTime() - Date.now()
    return kms
  }
  return {
    ...region,
    kms: root,
    kmsAs: (credentials: Keys) => new KMS(region.as(credentials)),
    restart: async () => {
      await region.restart()
      connect()
    },
    /** A new key's id. */
    key: async (more: Parameters<KMS['createKey']>[0] = {}) =>
      (await root().createKey(more)).KeyMetadata?.KeyId ?? '',
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
