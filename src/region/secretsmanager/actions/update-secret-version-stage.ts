import {
  SecretsManagerFault,
  type UpdateSecretVersionStageCommandInput,
} from '../../protocol/models/secrets-manager.ts'
import { invalidParameter } from '../checks.ts'
import { type Secret, withoutStage, withStage } from '../secret.ts'
import type { Secrets } from '../secrets.ts'

/**
 * UpdateSecretVersionStage: moves a staging label from one version to another, adds it, or takes it away.
 *
 * Whoever moves a label must say which version holds it, so that two movers cannot both succeed.
 * Source: Secrets Manager API Reference, UpdateSecretVersionStage.
 */
export async function updateSecretVersionStage(
  secrets: Secrets,
  input: UpdateSecretVersionStageCommandInput,
) {
  const { VersionStage: stage = '', RemoveFromVersionId: from, MoveToVersionId: to } = input
  if (stage.length < 1 || stage.length > 256) {
    throw invalidParameter('VersionStage has 1 to 256 characters.')
  }
  if (from === undefined && to === undefined) {
    throw invalidParameter('You must provide RemoveFromVersionId, MoveToVersionId or both.')
  }
  const secret = await secrets.change(input.SecretId ?? '', (before) => {
    for (const id of [from, to]) {
      if (id !== undefined && !before.versions.some((version) => version.id === id)) {
        throw new SecretsManagerFault(
          'ResourceNotFoundException',
          `Secrets Manager can't find the specified secret value for VersionId: ${id}`,
        )
      }
    }
    checkHolder(before, { stage, from, to })
    return to === undefined ? withoutStage(before, stage) : withStage(before, stage, to)
  })
  return { ARN: secret.arn, Name: secret.name }
}

function checkHolder(
  secret: Secret,
  { stage, from, to }: { stage: string; from: string | undefined; to: string | undefined },
): void {
  const holder = secret.versions.find(({ stages }) => stages.includes(stage))
  if (holder && holder.id === to) return
  if (holder && from === undefined) {
    throw invalidParameter(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached ` +
        `to version ${holder.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
    )
  }
  if (from !== undefined && holder?.id !== from) {
    throw invalidParameter(
      `The staging label ${stage} is not attached to the version in RemoveFromVersionId.`,
    )
  }
  if (stage === 'AWSCURRENT' && to === undefined) {
    throw invalidParameter(
      'You can only move staging label AWSCURRENT to a different secret version. ' +
        "It can't be completely removed.",
    )
  }
}
