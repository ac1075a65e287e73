import { addressOfTarget } from './address.ts'
import { findBucketEntry } from './bucket-directory.ts'

/**
 * The region of the bucket that a request is for, before anything of it is verified: for routing alone.
 *
 * @param folder    where the regions of a home tell each other of their buckets
 * @param o.target  of the request line
 */
export function regionOfBucket(
  folder: string,
  { host, target }: { host: string; target: string },
): string | undefined {
  return findBucketEntry(folder, addressOfTarget(host, target)?.bucket ?? '')?.region
}
