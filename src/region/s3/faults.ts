import { LifeboatError } from '../../core/errors.ts'
import { AuthFault } from '../protocol/auth-fault.ts'
import { Fault } from '../protocol/fault.ts'

/**
 * S3's errors with their status. The model lists few of them.
 *
 * Source: S3 API Reference, "Error responses", and the errors on the pages of each action.
 */
const S3_FAULTS = {
  AccessControlListNotSupported: 400,
  AccessDenied: 403,
  AccessForbidden: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  BadRequest: 400,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IllegalLocationConstraintException: 400,
  IllegalVersioningConfigurationException: 400,
  IncompleteBody: 400,
  InternalError: 500,
  ExpiredToken: 400,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketAclWithBlockPublicAccessError: 400,
  InvalidBucketAclWithObjectOwnership: 400,
  InvalidBucketName: 400,
  InvalidBucketState: 409,
  InvalidDigest: 400,
  InvalidEncryptionAlgorithmError: 400,
  InvalidLocationConstraint: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidPartNumber: 416,
  InvalidPolicyDocument: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidRetentionPeriod: 400,
  InvalidStorageClass: 400,
  InvalidTag: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedPolicy: 400,
  MalformedXML: 400,
  MaxMessageLengthExceeded: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  MissingSecurityHeader: 400,
  MissingRequestBodyError: 400,
  NoSuchBucket: 404,
  NoSuchBucketPolicy: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchKey: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchObjectLockConfiguration: 404,
  NoSuchPublicAccessBlockConfiguration: 404,
  NoSuchTagSet: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NoSuchWebsiteConfiguration: 404,
  NotImplemented: 501,
  NotModified: 304,
  ObjectLockConfigurationNotFoundError: 404,
  OperationAborted: 409,
  OwnershipControlsNotFoundError: 404,
  PermanentRedirect: 301,
  PreconditionFailed: 412,
  ReplicationConfigurationNotFoundError: 404,
  RequestTimeTooSkewed: 403,
  ServerSideEncryptionConfigurationNotFoundError: 404,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  TooManyBuckets: 400,
  UnexpectedContent: 400,
} as const satisfies Record<string, number>

export type S3FaultName = keyof typeof S3_FAULTS

/** What an error says beside its code and message. */
export interface S3FaultDetail {
  /** Elements of the error document: `Key`, `BucketName` … */
  readonly elements?: Readonly<Record<string, string>>
  /** Headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An error of S3. */
export class S3Fault extends Fault<S3FaultName> {
  constructor(
    shape: S3FaultName,
    message: string,
    readonly detail: S3FaultDetail = {},
  ) {
    super(shape, message, { wireCode: shape, httpStatus: S3_FAULTS[shape] })
  }
}

/** A refusal of the S3 of another region. */
export function s3FaultNamed(shape: string, message: string): Error {
  if (Object.hasOwn(S3_FAULTS, shape)) return new S3Fault(shape as S3FaultName, message)
  return new LifeboatError('Unexpected', `another region refused with ${shape}: ${message}`)
}

/** What other parts of a region refuse with, in S3's words. */
export function asS3Fault(fault: Fault, isPresigned: boolean): Fault {
  if (fault instanceof S3Fault) return fault
  if (fault instanceof AuthFault) return authFault(fault, isPresigned)
  if (fault.shape === 'MalformedQueryString') return new S3Fault('InvalidURI', fault.message)
  if (fault.shape === 'InternalFailure') return new S3Fault('InternalError', fault.message)
  if (fault.shape === 'UnsupportedOperation') return new S3Fault('NotImplemented', fault.message)
  return fault
}

function authFault(fault: AuthFault, isPresigned: boolean): S3Fault {
  if (fault.scope) return wrongRegion(fault.scope, isPresigned)
  switch (fault.shape) {
    case 'MissingAuthenticationToken':
      return new S3Fault('AccessDenied', 'Access Denied')
    case 'IncompleteSignature':
      return new S3Fault(
        isPresigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed',
        fault.message,
      )
    case 'InvalidClientTokenId':
      return new S3Fault(
        'InvalidAccessKeyId',
        'The AWS Access Key Id you provided does not exist in our records.',
      )
    case 'RequestExpired':
      return isPresigned
        ? new S3Fault('AccessDenied', 'Request has expired')
        : new S3Fault(
            'RequestTimeTooSkewed',
            "The difference between the request time and the server's time is too large.",
          )
    case 'AccessDenied':
      return new S3Fault('AccessDenied', fault.message)
    case 'ExpiredToken':
      return new S3Fault('ExpiredToken', 'The provided token has expired.')
    case 'SignatureDoesNotMatch':
      return new S3Fault('SignatureDoesNotMatch', fault.message)
  }
}

/** Clients read from it which region to sign for. */
function wrongRegion(o: { region: string; expected: string }, isPresigned: boolean): S3Fault {
  const { region, expected } = o
  const wrong = `the region '${region}' is wrong; expecting '${expected}'`
  return new S3Fault(
    isPresigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed',
    isPresigned
      ? `Error parsing the X-Amz-Credential parameter; ${wrong}`
      : `The authorization header is malformed; ${wrong}`,
    { elements: { Region: expected }, headers: { 'x-amz-bucket-region': expected } },
  )
}
