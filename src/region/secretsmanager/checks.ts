import { SecretsManagerFault } from '../protocol/models/secrets-manager.ts'
import type { Tag } from './secret.ts'
import type { Secrets, SecretValue } from './secrets.ts'

/** What several actions check in the same way. Source: Secrets Manager API Reference, each action. */

const MAX_VALUE_BYTES = 65_536
const MAX_TAGS = 50

/** The keys that mean "the account's default", which is the region's own sealing key. */
const DEFAULT_KEYS = ['alias/aws/secretsmanager', 'aws/secretsmanager']

export function invalidParameter(message: string) {
  return new SecretsManagerFault('InvalidParameterException', message)
}

/** Refuses what an embedded region could only pretend to do. */
export function refuseUnsupported(claims: Readonly<Record<string, boolean>>): void {
  for (const [parameter, isAsked] of Object.entries(claims)) {
    if (!isAsked) continue
    throw new SecretsManagerFault(
      'UnsupportedOperation',
      `${parameter} is not available in an embedded region.`,
    )
  }
}

/** Whether a key other than the default one is asked for: there is no KMS in an embedded region. */
export function isCustomKey(kmsKeyId: string | undefined): boolean {
  return kmsKeyId !== undefined && !DEFAULT_KEYS.includes(kmsKeyId)
}

/** The value that a request carries, or undefined when it carries none. */
export function checkedValue(input: SecretValue): SecretValue | undefined {
  const { SecretString, SecretBinary } = input
  if (SecretString === undefined && SecretBinary === undefined) return undefined
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw invalidParameter(
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    )
  }
  const length = SecretBinary?.length ?? Buffer.byteLength(SecretString ?? '')
  if (length < 1 || length > MAX_VALUE_BYTES) {
    throw invalidParameter(`A secret value has 1 to ${MAX_VALUE_BYTES} bytes.`)
  }
  return { SecretString, SecretBinary }
}

/** The client's token, which becomes the version's id, or a new one. */
export function checkedToken(token: string | undefined, secrets: Secrets): string {
  if (token === undefined) return secrets.newVersionId()
  if (token.length < 32 || token.length > 64) {
    throw invalidParameter('ClientRequestToken must be 32-64 characters long.')
  }
  return token
}

export function checkedTags(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
) {
  const checked = tags.map(({ Key, Value }): Tag => {
    if (!Key || Key.length > 128 || (Value ?? '').length > 256 || Key.startsWith('aws:')) {
      throw invalidParameter(
        'A tag key has 1 to 128 characters, without the prefix aws:, and a value at most 256.',
      )
    }
    return { Key, Value: Value ?? '' }
  })
  if (new Set(checked.map(({ Key }) => Key)).size < checked.length) {
    throw invalidParameter('Duplicate tag keys found.')
  }
  if (checked.length > MAX_TAGS) throw invalidParameter(`A secret has at most ${MAX_TAGS} tags.`)
  return checked
}

export function checkedStages(stages: readonly string[] | undefined): readonly string[] {
  const checked = stages ?? ['AWSCURRENT']
  const isFine = checked.every((stage) => stage.length >= 1 && stage.length <= 256)
  if (!isFine || checked.length < 1 || checked.length > 20) {
    throw invalidParameter('VersionStages has 1 to 20 labels of 1 to 256 characters.')
  }
  return checked
}
