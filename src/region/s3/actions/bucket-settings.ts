import { checkSetting } from '../bucket-setting-checks.ts'
import { S3Fault, type S3FaultName } from '../faults.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import type { Action } from '../service.ts'

/** A configuration of a bucket that is kept and told as it was sent. */
export interface BucketSetting {
  /** Its name in the store. */
  readonly name: string
  /** The input's member that holds it. */
  readonly member: string
  /** Whether the answer is that member, or its members. */
  readonly isWhole: boolean
  /** What GET answers when there is none. */
  readonly absent: readonly [S3FaultName, string] | object
  readonly put: { readonly operation: string; readonly action: string; readonly status?: number }
  readonly get: { readonly operation: string; readonly action: string }
  readonly delete?: { readonly operation: string; readonly action: string }
}

/** Source: the pages of these actions in the S3 API Reference; their IAM actions are in the Service Authorization Reference. */
const SETTINGS: readonly BucketSetting[] = [
  {
    name: 'policy',
    member: 'Policy',
    isWhole: true,
    absent: ['NoSuchBucketPolicy', 'The bucket policy does not exist'],
    put: { operation: 'PutBucketPolicy', action: 'PutBucketPolicy', status: 204 },
    get: { operation: 'GetBucketPolicy', action: 'GetBucketPolicy' },
    delete: { operation: 'DeleteBucketPolicy', action: 'DeleteBucketPolicy' },
  },
  {
    name: 'tagging',
    member: 'Tagging',
    isWhole: false,
    absent: ['NoSuchTagSet', 'The TagSet does not exist'],
    put: { operation: 'PutBucketTagging', action: 'PutBucketTagging', status: 204 },
    get: { operation: 'GetBucketTagging', action: 'GetBucketTagging' },
    delete: { operation: 'DeleteBucketTagging', action: 'PutBucketTagging' },
  },
  {
    name: 'replication',
    member: 'ReplicationConfiguration',
    isWhole: true,
    absent: [
      'ReplicationConfigurationNotFoundError',
      'The replication configuration was not found',
    ],
    put: { operation: 'PutBucketReplication', action: 'PutReplicationConfiguration' },
    get: { operation: 'GetBucketReplication', action: 'GetReplicationConfiguration' },
    delete: { operation: 'DeleteBucketReplication', action: 'PutReplicationConfiguration' },
  },
  {
    name: 'lifecycle',
    member: 'LifecycleConfiguration',
    isWhole: false,
    absent: ['NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'],
    put: { operation: 'PutBucketLifecycleConfiguration', action: 'PutLifecycleConfiguration' },
    get: { operation: 'GetBucketLifecycleConfiguration', action: 'GetLifecycleConfiguration' },
    delete: { operation: 'DeleteBucketLifecycle', action: 'PutLifecycleConfiguration' },
  },
  {
    name: 'encryption',
    member: 'ServerSideEncryptionConfiguration',
    isWhole: true,
    // Every bucket has an encryption; deleting another one brings this back.
    absent: {
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
            BucketKeyEnabled: false,
          },
        ],
      },
    },
    put: { operation: 'PutBucketEncryption', action: 'PutEncryptionConfiguration' },
    get: { operation: 'GetBucketEncryption', action: 'GetEncryptionConfiguration' },
    delete: { operation: 'DeleteBucketEncryption', action: 'PutEncryptionConfiguration' },
  },
  {
    name: 'cors',
    member: 'CORSConfiguration',
    isWhole: false,
    absent: ['NoSuchCORSConfiguration', 'The CORS configuration does not exist'],
    put: { operation: 'PutBucketCors', action: 'PutBucketCORS' },
    get: { operation: 'GetBucketCors', action: 'GetBucketCORS' },
    delete: { operation: 'DeleteBucketCors', action: 'PutBucketCORS' },
  },
  {
    name: 'website',
    member: 'WebsiteConfiguration',
    isWhole: false,
    absent: [
      'NoSuchWebsiteConfiguration',
      'The specified bucket does not have a website configuration',
    ],
    put: { operation: 'PutBucketWebsite', action: 'PutBucketWebsite' },
    get: { operation: 'GetBucketWebsite', action: 'GetBucketWebsite' },
    delete: { operation: 'DeleteBucketWebsite', action: 'DeleteBucketWebsite' },
  },
  {
    name: 'logging',
    member: 'BucketLoggingStatus',
    isWhole: false,
    absent: {},
    put: { operation: 'PutBucketLogging', action: 'PutBucketLogging' },
    get: { operation: 'GetBucketLogging', action: 'GetBucketLogging' },
  },
  {
    name: 'accelerate',
    member: 'AccelerateConfiguration',
    isWhole: false,
    absent: {},
    put: {
      operation: 'PutBucketAccelerateConfiguration',
      action: 'PutAccelerateConfiguration',
    },
    get: {
      operation: 'GetBucketAccelerateConfiguration',
      action: 'GetAccelerateConfiguration',
    },
  },
  {
    name: 'request-payment',
    member: 'RequestPaymentConfiguration',
    isWhole: false,
    absent: { Payer: 'BucketOwner' },
    put: { operation: 'PutBucketRequestPayment', action: 'PutBucketRequestPayment' },
    get: { operation: 'GetBucketRequestPayment', action: 'GetBucketRequestPayment' },
  },
  {
    name: 'notification',
    member: 'NotificationConfiguration',
    isWhole: false,
    absent: {},
    put: { operation: 'PutBucketNotificationConfiguration', action: 'PutBucketNotification' },
    get: { operation: 'GetBucketNotificationConfiguration', action: 'GetBucketNotification' },
  },
  {
    name: 'public-access-block',
    member: 'PublicAccessBlockConfiguration',
    isWhole: true,
    absent: [
      'NoSuchPublicAccessBlockConfiguration',
      'The public access block configuration was not found',
    ],
    put: { operation: 'PutPublicAccessBlock', action: 'PutBucketPublicAccessBlock' },
    get: { operation: 'GetPublicAccessBlock', action: 'GetBucketPublicAccessBlock' },
    delete: { operation: 'DeletePublicAccessBlock', action: 'PutBucketPublicAccessBlock' },
  },
  {
    name: 'ownership-controls',
    member: 'OwnershipControls',
    isWhole: true,
    absent: ['OwnershipControlsNotFoundError', 'The bucket ownership controls were not found'],
    put: { operation: 'PutBucketOwnershipControls', action: 'PutBucketOwnershipControls' },
    get: { operation: 'GetBucketOwnershipControls', action: 'GetBucketOwnershipControls' },
    delete: { operation: 'DeleteBucketOwnershipControls', action: 'PutBucketOwnershipControls' },
  },
  {
    name: 'object-lock',
    member: 'ObjectLockConfiguration',
    isWhole: true,
    absent: [
      'ObjectLockConfigurationNotFoundError',
      'Object Lock configuration does not exist for this bucket',
    ],
    put: {
      operation: 'PutObjectLockConfiguration',
      action: 'PutBucketObjectLockConfiguration',
    },
    get: {
      operation: 'GetObjectLockConfiguration',
      action: 'GetBucketObjectLockConfiguration',
    },
  },
]

/** The actions that set, tell and remove the configurations of a bucket, by operation. */
export const bucketSettingActions: Readonly<Record<string, Action>> = Object.fromEntries(
  SETTINGS.flatMap((setting) => [
    [setting.put.operation, put(setting)],
    [setting.get.operation, get(setting)],
    ...(setting.delete ? [[setting.delete.operation, remove(setting, setting.delete.action)]] : []),
  ]),
)

type SettingInput = { Bucket?: string | undefined } & Record<string, unknown>

function put(setting: BucketSetting) {
  return async (s3: S3, input: SettingInput, request: S3Request) => {
    const bucket = s3.bucket(request, setting.put.action, { bucket: input.Bucket })
    const sent = input[setting.member]
    if (sent === undefined) throw new S3Fault('MissingRequestBodyError', 'Request Body is empty')
    const { name } = setting
    const value = checkSetting(s3, bucket, { name, value: sent, caller: request.caller })
    const beside = setting.name === 'lifecycle' ? lifecycleBeside(input) : {}
    const stored = typeof value === 'object' ? { ...value, ...beside } : value
    await bucket.setSetting(setting.name, stored)
    return { ...beside, ...(setting.put.status ? { httpStatus: setting.put.status } : {}) }
  }
}

function get({ name, member, isWhole, absent, get: { action } }: BucketSetting) {
  return async (s3: S3, input: SettingInput, request: S3Request) => {
    const bucket = s3.bucket(request, action, { bucket: input.Bucket })
    const value = bucket.setting<object>(name)
    if (value !== undefined) return isWhole ? { [member]: value } : value
    if (!Array.isArray(absent)) return absent
    const [code, message] = absent as [S3FaultName, string]
    throw new S3Fault(code, message, { elements: { BucketName: bucket.name } })
  }
}

function remove({ name }: BucketSetting, action: string) {
  return async (s3: S3, input: SettingInput, request: S3Request) => {
    const bucket = s3.bucket(request, action, { bucket: input.Bucket })
    await bucket.setSetting(name, undefined)
    return {}
  }
}

/** A lifecycle has a setting that travels in a header. */
function lifecycleBeside(input: SettingInput): object {
  const { TransitionDefaultMinimumObjectSize: size = 'all_storage_classes_128K' } = input
  return { TransitionDefaultMinimumObjectSize: size }
}
