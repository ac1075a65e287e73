import type { RestoreDBInstanceToPointInTimeMessage } from '../../protocol/models/rds.ts'
import type { RestoreWindow } from '../automated-backups.ts'
import { instanceNotFound, invalidCombination, RdsFault } from '../faults.ts'
import type { InstanceFacts } from '../instance.ts'
import type { Rds } from '../rds.ts'
import { beginRestore, checkedTarget } from '../restored-instance.ts'

/**
 * RestoreDBInstanceToPointInTime: a new instance with the data of another as it was at a moment. The source may be
 * gone, when its automated backups were retained.
 *
 * Answers at once with status `creating`; callers poll DescribeDBInstances.
 * Source: Amazon RDS API Reference, RestoreDBInstanceToPointInTime.
 */
export async function restoreDBInstanceToPointInTime(
  rds: Rds,
  input: RestoreDBInstanceToPointInTimeMessage,
) {
  const facts = findSource(rds, input)
  const target = checkedTarget(
    rds,
    input,
    input.TargetDBInstanceIdentifier,
    'TargetDBInstanceIdentifier',
  )
  if (facts.settings.backupRetentionDays === 0) {
    throw new RdsFault(
      'PointInTimeRestoreNotEnabledFault',
      `Point in time restore is not enabled for the DB instance ${facts.identifier}.`,
    )
  }
  const time = recoveryPoint(rds, facts, input)
  return await beginRestore(rds, input, {
    identifier: target,
    facts,
    origin: { kind: 'point in time', source: facts.resourceId, time: time.toISOString() },
  })
}

/** @throws RdsFault `InvalidParameterCombination`, `DBInstanceNotFoundFault`, `DBInstanceAutomatedBackupNotFoundFault` */
function findSource(rds: Rds, input: RestoreDBInstanceToPointInTimeMessage): InstanceFacts {
  const {
    SourceDBInstanceIdentifier: identifier,
    SourceDbiResourceId: resourceId,
    SourceDBInstanceAutomatedBackupsArn: arn,
  } = input
  if ([identifier, resourceId, arn].filter((name) => name !== undefined).length !== 1) {
    throw invalidCombination(
      'Exactly one of SourceDBInstanceIdentifier, SourceDbiResourceId and ' +
        'SourceDBInstanceAutomatedBackupsArn must be given.',
    )
  }
  if (identifier !== undefined) return rds.getInstance(identifier).record
  const found =
    resourceId === undefined ? rds.findFactsByBackupArn(arn ?? '') : rds.findFacts(resourceId)
  if (found) return found
  if (resourceId !== undefined) throw instanceNotFound(resourceId)
  throw new RdsFault(
    'DBInstanceAutomatedBackupNotFoundFault',
    `The automated backup ${arn} does not exist.`,
  )
}

/**
 * The moment that is asked for. The latest is fixed here, so that a restore which is begun again after a kill ends
 * at the same one.
 *
 * @throws RdsFault `InvalidParameterCombination`, `InvalidRestoreFault` that names the windows
 */
function recoveryPoint(
  rds: Rds,
  facts: InstanceFacts,
  { RestoreTime: time, UseLatestRestorableTime: isLatest }: RestoreDBInstanceToPointInTimeMessage,
): Date {
  if (isLatest && time !== undefined) {
    throw invalidCombination('RestoreTime and UseLatestRestorableTime can not both be given.')
  }
  if (!isLatest && time === undefined) {
    throw invalidCombination('One of RestoreTime and UseLatestRestorableTime must be given.')
  }
  const windows = rds.restoreWindows(facts)
  const newest = windows.at(-1)
  if (!newest) {
    throw new RdsFault(
      'InvalidRestoreFault',
      `The DB instance ${facts.identifier} has no backup to restore from yet.`,
    )
  }
  if (time === undefined) return newest.latest
  if (windows.some(({ earliest, latest }) => earliest <= time && time <= latest)) return time
  throw new RdsFault(
    'InvalidRestoreFault',
    `The restore time ${time.toISOString()} of the DB instance ${facts.identifier} is not within its restore ` +
      `window: ${windows.map(formatWindow).join(', ')}.`,
  )
}

function formatWindow({ earliest, latest }: RestoreWindow): string {
  return `${earliest.toISOString()} to ${latest.toISOString()}`
}
