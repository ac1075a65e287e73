import type {
  CancelKeyDeletionCommandInput,
  DisableKeyCommandInput,
  EnableKeyCommandInput,
  ScheduleKeyDeletionCommandInput,
} from '../../protocol/models/kms.ts'
import { KmsFault } from '../../protocol/models/kms.ts'
import { checkNotPendingDeletion, invalid } from '../checks.ts'
import type { KeyRecord } from '../key.ts'
import type { Keys } from '../keys.ts'

const DAY_MS = 24 * 3_600_000

/** EnableKey: what was encrypted with it can be read again. Source: KMS API Reference, EnableKey. */
export async function enableKey(keys: Keys, input: EnableKeyCommandInput) {
  await switchKey(keys, input.KeyId, true)
  return {}
}

/** DisableKey: nobody can use it until it is enabled again. Source: KMS API Reference, DisableKey. */
export async function disableKey(keys: Keys, input: DisableKeyCommandInput) {
  await switchKey(keys, input.KeyId, false)
  return {}
}

async function switchKey(keys: Keys, keyId: string | undefined, isEnabled: boolean) {
  await keys.change(keyId ?? '', (key) => {
    checkNotPendingDeletion(key)
    return { ...key, isEnabled }
  })
}

/**
 * ScheduleKeyDeletion: the key cannot be used from now on, and its material is destroyed at the end of the waiting period.
 *
 * Source: KMS API Reference, ScheduleKeyDeletion.
 */
export async function scheduleKeyDeletion(keys: Keys, input: ScheduleKeyDeletionCommandInput) {
  const days = input.PendingWindowInDays ?? 30
  if (!Number.isInteger(days) || days < 7 || days > 30) {
    throw invalid('PendingWindowInDays is 7 to 30.')
  }
  const deletionAt = new Date(keys.now().getTime() + days * DAY_MS)
  const { arn } = await keys.change(input.KeyId ?? '', (key) => {
    checkNotPendingDeletion(key)
    return { ...key, deletionAt: deletionAt.toISOString() }
  })
  return {
    KeyId: arn,
    DeletionDate: deletionAt,
    KeyState: 'PendingDeletion' as const,
    PendingWindowInDays: days,
  }
}

/** CancelKeyDeletion: the key is disabled then. Source: KMS API Reference, CancelKeyDeletion. */
export async function cancelKeyDeletion(keys: Keys, input: CancelKeyDeletionCommandInput) {
  const { arn } = await keys.change(input.KeyId ?? '', (key): KeyRecord => {
    const { deletionAt, ...kept } = key
    if (deletionAt !== undefined) return { ...kept, isEnabled: false }
    throw new KmsFault('KMSInvalidStateException', `${key.arn} is not pending deletion.`)
  })
  return { KeyId: arn }
}
