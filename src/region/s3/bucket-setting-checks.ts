import type { Bucket } from '../../objectstore/bucket.ts'
import type {
  CORSConfiguration,
  LifecycleRule,
  ObjectLockConfiguration,
  OwnershipControls,
  PublicAccessBlockConfiguration,
  ReplicationConfiguration,
  ServerSideEncryptionConfiguration,
  Tagging,
} from '../protocol/models/s3.ts'
import type { Caller } from '../protocol/service.ts'
import { malformedXml } from '../protocol/xml-reader.ts'
import { BUCKET_ACL, type Grant } from './acl.ts'
import { S3Fault } from './faults.ts'
import { checkLifecycle } from './lifecycle-checks.ts'
import { isPublicPolicy } from './public-policy.ts'
import { checkReplication } from './replication-checks.ts'
import type { S3 } from './s3.ts'
import { checkedTags } from './tags.ts'

const CORS_METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE']

type Check = (s3: S3, bucket: Bucket, value: never, caller: Caller) => unknown

/**
 * Checks a bucket setting as AWS does before it stores one. Returns what is to be stored: what was sent, with
 * the names that AWS gives to rules that have none.
 *
 * @throws S3Fault, Fault `MalformedXML`
 */
export function checkSetting(
  s3: S3,
  bucket: Bucket,
  { name, value, caller }: { name: string; value: unknown; caller: Caller },
): unknown {
  return CHECKS[name]?.(s3, bucket, value as never, caller) ?? value
}

const CHECKS: Readonly<Record<string, Check>> = {
  policy: (s3, bucket, text: string) => {
    checkPolicy(bucket.name, text)
    // What decides about accesses must be able to read it.
    const problem = s3.o.findPolicyProblem(text)
    if (problem !== undefined) throw malformedPolicy(problem)
    const block = bucket.setting<PublicAccessBlockConfiguration>('public-access-block')
    if (block?.BlockPublicPolicy && isPublicPolicy(text)) {
      throw new S3Fault(
        'AccessDenied',
        'Access Denied because public policies are blocked by the BlockPublicPolicy block public access setting.',
      )
    }
  },
  tagging: (_, __, tagging: Tagging) => {
    checkedTags(tagging.TagSet ?? [], 'bucket')
  },
  replication: (s3, bucket, configuration: ReplicationConfiguration, caller) =>
    checkReplication(s3, bucket, configuration, caller),
  lifecycle: (s3, _, configuration: { Rules?: LifecycleRule[] }) => ({
    ...configuration,
    Rules: checkLifecycle(configuration.Rules ?? [], () => s3.o.random.hex(48)),
  }),
  encryption: (_, __, configuration: ServerSideEncryptionConfiguration) =>
    checkEncryption(configuration),
  cors: (_, __, { CORSRules = [] }: CORSConfiguration) => {
    if (CORSRules.length === 0 || CORSRules.length > 100) throw malformedXml()
    for (const { AllowedMethods = [], AllowedOrigins = [], AllowedHeaders = [] } of CORSRules) {
      if (AllowedMethods.length === 0 || AllowedOrigins.length === 0) throw malformedXml()
      const method = AllowedMethods.find((name) => !CORS_METHODS.includes(name))
      if (method !== undefined) {
        throw new S3Fault(
          'InvalidRequest',
          `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
        )
      }
      if ([...AllowedOrigins, ...AllowedHeaders].some((name) => name.split('*').length > 2)) {
        throw new S3Fault('InvalidRequest', 'A pattern can not have more than one wildcard.')
      }
    }
  },
  accelerate: (_, __, { Status }: { Status?: string }) => {
    oneOf(Status, ['Enabled', 'Suspended'])
  },
  'request-payment': (_, __, { Payer }: { Payer?: string }) => {
    oneOf(Payer, ['BucketOwner', 'Requester'])
  },
  'ownership-controls': (s3, bucket, { Rules }: OwnershipControls) => {
    if (Rules?.length !== 1) throw malformedXml()
    const ownership = Rules[0]?.ObjectOwnership
    oneOf(ownership, ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'])
    const grants = bucket.setting<readonly Grant[]>(BUCKET_ACL) ?? []
    const givesToOthers = grants.some(({ to }) => !('id' in to) || to.id !== s3.owner().ID)
    if (ownership !== 'BucketOwnerEnforced' || !givesToOthers) return
    throw new S3Fault(
      'InvalidBucketAclWithObjectOwnership',
      "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    )
  },
  'object-lock': (_, bucket, configuration: ObjectLockConfiguration) =>
    checkObjectLock(bucket, configuration),
}

/** Every configuration has one rule; its defaults are told with it. */
function checkEncryption(
  configuration: ServerSideEncryptionConfiguration,
): ServerSideEncryptionConfiguration {
  const { Rules: rules = [] } = configuration
  const [rule] = rules
  if (!rule || rules.length !== 1) throw malformedXml()
  const { ApplyServerSideEncryptionByDefault: byDefault, BlockedEncryptionTypes: blocked } = rule
  for (const type of blocked?.EncryptionType ?? []) oneOf(type, ['NONE', 'SSE-C'])
  if (byDefault) {
    const { SSEAlgorithm: algorithm, KMSMasterKeyID: keyId } = byDefault
    oneOf(algorithm, ['AES256', 'aws:kms', 'aws:kms:dsse'])
    if (algorithm === 'AES256' && keyId !== undefined) {
      throw new S3Fault(
        'InvalidArgument',
        'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
      )
    }
  } else if (!blocked) throw malformedXml()
  return { Rules: [{ ...rule, BucketKeyEnabled: rule.BucketKeyEnabled ?? false }] }
}

/** Source: S3 User Guide, "Bucket policies". */
const MAX_POLICY_BYTES = 20 * 1024

function checkPolicy(bucketName: string, text: string): void {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    throw malformedPolicy('Policies must not exceed 20KB')
  }
  const policy = parsePolicy(text)
  const statements = [policy.Statement].flat()
  if (statements.length === 0)
    throw malformedPolicy('Could not parse the policy: Statement is empty!')
  for (const statement of statements) {
    if (typeof statement !== 'object' || statement === null) {
      throw malformedPolicy('Could not parse the policy: a statement is not an object')
    }
    const { Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource } = statement
    if (Effect !== 'Allow' && Effect !== 'Deny') throw malformedPolicy(`Invalid effect: ${Effect}`)
    if (Principal === undefined && NotPrincipal === undefined) {
      throw malformedPolicy('Missing required field Principal')
    }
    if (Action === undefined && NotAction === undefined) {
      throw malformedPolicy('Missing required field Action')
    }
    const isOurs = [Resource ?? NotResource].flat().every((resource) => {
      const [, pattern] = /^arn:aws:s3:::([^/]+)(\/.*)?$/s.exec(`${resource}`) ?? []
      return pattern !== undefined && mayMean(pattern, bucketName)
    })
    if (!isOurs) throw malformedPolicy('Policy has invalid resource')
  }
}

/** Whether a pattern with `*` and `?` means the bucket: all states of the pattern at once. */
function mayMean(text: string, bucketName: string): boolean {
  const pattern = text.replace(/\*+/g, '*')
  const afterStars = (at: number) => {
    const reached = [at]
    for (let next = at; pattern[next] === '*'; next += 1) reached.push(next + 1)
    return reached
  }
  let states = new Set(afterStars(0))
  for (const character of bucketName) {
    const next = [...states].flatMap((at) => {
      if (pattern[at] === '*') return afterStars(at)
      return pattern[at] === '?' || pattern[at] === character ? afterStars(at + 1) : []
    })
    states = new Set(next)
  }
  return states.has(pattern.length)
}

function parsePolicy(text: string): {
  Statement?: Record<string, unknown> | Record<string, unknown>[]
} {
  const refuse = () => malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
  if (!text.startsWith('{')) throw refuse()
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse()
    throw error
  }
}

function checkObjectLock(bucket: Bucket, configuration: ObjectLockConfiguration): void {
  if (bucket.versioning !== 'enabled') {
    throw new S3Fault(
      'InvalidBucketState',
      "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    )
  }
  if (configuration.ObjectLockEnabled !== 'Enabled') throw malformedXml()
  if (!configuration.Rule) return
  const { Mode, Days, Years } = configuration.Rule.DefaultRetention ?? {}
  oneOf(Mode, ['GOVERNANCE', 'COMPLIANCE'])
  if ((Days === undefined) === (Years === undefined)) throw malformedXml()
  const length = Days ?? Years ?? 0
  if (length > 0 && length <= (Days === undefined ? 100 : 36_500)) return
  throw new S3Fault('InvalidArgument', 'Default retention period must be a positive integer value.')
}

function oneOf(value: string | undefined, allowed: readonly string[]): void {
  if (value === undefined || !allowed.includes(value)) throw malformedXml()
}

function malformedPolicy(message: string) {
  return new S3Fault('MalformedPolicy', message)
}
