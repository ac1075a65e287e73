import { EcsFault } from '../../protocol/models/ecs.ts'

/** A secret, or a part of it, that a container's variable takes its value from. */
export interface SecretReference {
  readonly region: string
  /** The secret's ARN, without what follows it in the reference. */
  readonly arn: string
  /** A key of the JSON object that the secret's text is; undefined for the whole text. */
  readonly jsonKey: string | undefined
  readonly versionStage: string | undefined
  readonly versionId: string | undefined
}

const ARN =
  /^(arn:aws[\w-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:[^:]+)(?::([^:]*):([^:]*):([^:]*))?$/

/**
 * Reads a `valueFrom`: `arn:…:secret:NAME`, or with `:JSON-KEY:STAGE:VERSION-ID`, each of which may be empty.
 *
 * @throws EcsFault `UnsupportedOperation` for a parameter of Systems Manager, which every other text is
 * Source: ECS Developer Guide, "Pass Secrets Manager secrets through Amazon ECS environment variables".
 */
export function parseSecretReference(valueFrom: string): SecretReference {
  const [, arn, region, jsonKey, versionStage, versionId] = ARN.exec(valueFrom) ?? []
  if (arn === undefined || region === undefined) {
    throw new EcsFault(
      'UnsupportedOperation',
      `The secret '${valueFrom}' is no ARN of a secret of Secrets Manager; parameters of Systems Manager are not ` +
        'available in an embedded region.',
    )
  }
  return {
    region,
    arn,
    jsonKey: jsonKey || undefined,
    versionStage: versionStage || undefined,
    versionId: versionId || undefined,
  }
}
