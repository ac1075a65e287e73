import { decodePath } from '../protocol/canonical-request.ts'
import { Fault } from '../protocol/fault.ts'
import { splitTarget } from '../protocol/raw-request.ts'
import { S3Fault } from './faults.ts'

/** What a request is about: nothing (the account), a bucket, or an object. */
export interface Address {
  readonly bucket: string | undefined
  readonly key: string | undefined
}

/** Source: S3 User Guide, "Object key naming": in UTF-8. */
const MAX_KEY_BYTES = 1024

/**
 * Reads the bucket from the host (`bucket.s3.REGION.amazonaws.com`, `bucket.localhost`) or else from the path.
 *
 * @param path  decoded
 * @throws S3Fault `KeyTooLongError`
 */
export function addressOf(host: string, path: string): Address {
  const hosted = bucketInHost(host)
  const rest = path.slice(1)
  if (hosted !== undefined) return { bucket: hosted, key: checkedKey(rest) }
  const slash = rest.indexOf('/')
  if (slash < 0) return { bucket: rest === '' ? undefined : rest, key: undefined }
  return { bucket: rest.slice(0, slash), key: checkedKey(rest.slice(slash + 1)) }
}

/** As `addressOf`, of a request target as it was sent; undefined for one that is no address. */
export function addressOfTarget(host: string, target: string): Address | undefined {
  try {
    return addressOf(host, decodePath(splitTarget(target).path))
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

/** Undefined for an address of the service itself. */
function bucketInHost(host: string): string | undefined {
  const name = host.toLowerCase().replace(/:\d+$/, '')
  const labels =
    /^(.*?)\.?(?:s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com|(?:s3(?:[.-][a-z0-9-]+)?\.)?localhost)$/
  return labels.exec(name)?.[1] || undefined
}

function checkedKey(key: string): string | undefined {
  if (key === '') return undefined
  const sizeBytes = Buffer.byteLength(key)
  if (sizeBytes <= MAX_KEY_BYTES) return key
  throw new S3Fault('KeyTooLongError', 'Your key is too long', {
    elements: { Size: `${sizeBytes}`, MaxSizeAllowed: `${MAX_KEY_BYTES}` },
  })
}

/**
 * Whether a bucket may have the name.
 *
 * Source: S3 User Guide, "General purpose bucket naming rules".
 */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !/\.\.|^\d+\.\d+\.\d+\.\d+$|^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|\.mrap$|--x-s3$|--table-s3$/.test(
      name,
    )
  )
}
