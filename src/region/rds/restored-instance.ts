import type { DBInstance } from '../protocol/models/rds.ts'
import { checkedIdentifier, checkedPort, checkedStorage, type Storage } from './checks.ts'
import { invalidValue } from './faults.ts'
import { checkPortFree } from './free-ports.ts'
import type { InstanceFacts, Origin } from './instance.ts'
import { instanceShape } from './instance-shape.ts'
import { restoreInstance } from './jobs/restore-instance.ts'
import { checkedSettings, type NewInstanceInput, newRecord } from './new-instance.ts'
import type { Rds } from './rds.ts'
import { refuseUnsupported } from './unsupported.ts'

/** What both restores take beside what every new instance takes. */
export interface RestoreInput extends NewInstanceInput {
  readonly Engine?: string | undefined
  readonly DBName?: string | undefined
  readonly AllocatedStorage?: number | undefined
  readonly StorageType?: string | undefined
  readonly Iops?: number | undefined
  readonly StorageThroughput?: number | undefined
  readonly MaxAllocatedStorage?: number | undefined
}

/**
 * Begins a restore to a new instance. Class, storage, encryption, backup retention and master user are the source's;
 * everything else is RDS's default unless it is given.
 *
 * @throws RdsFault for whatever cannot be meant or is not here
 */
export async function beginRestore(
  rds: Rds,
  input: RestoreInput,
  o: { identifier: string; facts: InstanceFacts; origin: Origin },
): Promise<{ DBInstance: DBInstance }> {
  const { facts, identifier } = o
  if (input.Engine !== undefined && input.Engine !== 'postgres') {
    throw invalidValue(`Invalid DB engine: ${input.Engine}`)
  }
  // RDS for PostgreSQL takes no other name for the database of a restore.
  if (input.DBName !== undefined && input.DBName !== facts.databaseName) {
    throw invalidValue('The parameter DBName does not apply to a restore of PostgreSQL.')
  }
  const settings = checkedSettings(rds, input, {
    major: facts.major,
    storage: storageOf(facts, input),
    instanceClass: facts.settings.instanceClass,
    retentionDays: facts.settings.backupRetentionDays,
  })
  rds.keys.check(facts.encryption)
  await checkPortFree(rds, checkedPort(input.Port))
  const record = newRecord(rds, input, {
    identifier,
    origin: o.origin,
    major: facts.major,
    masterUsername: facts.masterUsername,
    databaseName: facts.databaseName,
    settings,
    keyArn: facts.encryption?.keyArn,
    superuserPassword: rds.key.password(facts.sealedSuperuserPassword),
  })
  return { DBInstance: instanceShape(rds, await rds.addInstance(record, restoreInstance(rds))) }
}

/** The identifier that a restore gives, checked and free. @throws RdsFault `DBInstanceAlreadyExistsFault` */
export function checkedTarget(
  rds: Rds,
  input: RestoreInput,
  identifier: string | undefined,
  parameter: string,
): string {
  const checked = checkedIdentifier(identifier, parameter)
  refuseUnsupported(input)
  rds.checkIdentifierFree(checked)
  return checked
}

/** Storage of an instance that is made from another: no less than that has. @throws RdsFault `InvalidParameterValue` */
export function storageOf(
  { settings }: Pick<InstanceFacts, 'settings'>,
  input: Pick<
    RestoreInput,
    'AllocatedStorage' | 'StorageType' | 'Iops' | 'StorageThroughput' | 'MaxAllocatedStorage'
  >,
): Storage {
  const size = input.AllocatedStorage ?? settings.allocatedStorageGiB
  if (size < settings.allocatedStorageGiB) {
    throw invalidValue('The allocated storage of a restore can not be less than its source has.')
  }
  const isOtherType = input.StorageType !== undefined && input.StorageType !== settings.storageType
  return checkedStorage({
    AllocatedStorage: size,
    StorageType: input.StorageType ?? settings.storageType,
    Iops: input.Iops ?? (isOtherType ? undefined : settings.iops),
    StorageThroughput:
      input.StorageThroughput ?? (isOtherType ? undefined : settings.storageThroughput),
    MaxAllocatedStorage: input.MaxAllocatedStorage,
  })
}
