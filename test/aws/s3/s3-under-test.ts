import { S3 } from '@aws-sdk/client-s3'
import { beforeAll } from 'vitest'
import { CREDENTIALS, REGION, regionUnderTest } from '../region-under-test.ts'

/** A region and an S3 client for it, for a test file. */
export function s3UnderTest(o: Parameters<typeof regionUnderTest>[0] = {}) {
  const region = regionUnderTest(o)
  let s3: S3
  const connect = () => {
    s3 = new S3({ ...region.client(), forcePathStyle: true })
  }
  beforeAll(connect)
  return {
    ...region,
    /** The client, after a restart a new one. */
    sdk: () => s3,
    restart: async () => {
      await region.restart()
      connect()
    },
    /** A new bucket, versioned if asked. */
    bucket: async (Bucket: string, { isVersioned = false } = {}) => {
      await s3.createBucket({ Bucket })
      if (isVersioned) await setVersioning(s3, Bucket, 'Enabled')
      return Bucket
    },
    text: async (Bucket: string, Key: string, VersionId?: string) => {
      const got = await s3.getObject({ Bucket, Key, ...(VersionId ? { VersionId } : {}) })
      return await got.Body!.transformToString()
    },
  }
}

export async function setVersioning(s3: S3, Bucket: string, Status: 'Enabled' | 'Suspended') {
  await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status } })
}

/** The code, status and headers of a refusal. A call that succeeds fails the test. */
export async function refused(call: Promise<unknown>) {
  const outcome = await call.then(
    (result) => ({ result }),
    (error) => ({ error }),
  )
  if ('result' in outcome) throw new Error(`the call succeeded: ${JSON.stringify(outcome.result)}`)
  const { name, Code, $metadata, $response, message } = outcome.error
  return {
    code: Code ?? name,
    status: $metadata?.httpStatusCode,
    message,
    headers: $response?.headers ?? {},
  }
}

export { CREDENTIALS, REGION }
