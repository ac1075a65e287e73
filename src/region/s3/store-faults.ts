import { LifeboatError } from '../../core/errors.ts'
import { S3Fault } from './faults.ts'

/** What the engine refuses with, in S3's words; anything else as it is. */
export function asStoreFault(error: unknown): unknown {
  if (!(error instanceof LifeboatError)) return error
  const refused = REFUSALS[error.code]
  return refused ? Object.assign(new S3Fault(...refused), { cause: error }) : error
}

const REFUSALS: Readonly<Record<string, ConstructorParameters<typeof S3Fault>>> = {
  BucketExists: [
    'BucketAlreadyOwnedByYou',
    'Your previous request to create the named bucket succeeded and you already own it.',
  ],
  BucketNotEmpty: ['BucketNotEmpty', 'The bucket you tried to delete is not empty'],
  BucketNotFound: ['NoSuchBucket', 'The specified bucket does not exist'],
  DiskFull: [
    'ServiceUnavailable',
    'The disk that holds the objects is full. Nothing was changed; objects can be read and deleted.',
  ],
  ObjectKeyInvalid: ['InvalidArgument', 'An object key has 1 to 1024 bytes of UTF-8.'],
  ObjectLocked: ['AccessDenied', 'Access Denied because object protected by object lock.'],
  ObjectNotFound: ['NoSuchKey', 'The specified key does not exist.'],
  PreconditionFailed: [
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
  ],
  PartInvalid: ['InvalidPart', 'One or more of the specified parts could not be found.'],
  UploadNotFound: [
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  ],
}
