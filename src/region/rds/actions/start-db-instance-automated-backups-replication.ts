import type { StartDBInstanceAutomatedBackupsReplicationMessage } from '../../protocol/models/rds.ts'
import { automatedBackupShape, replicatedBackup } from '../automated-backup-shape.ts'
import { checkedRetention } from '../checks.ts'
import { sealedHere } from '../disclosed-facts.ts'
import { invalidCombination, invalidValue, RdsFault } from '../faults.ts'
import { checkPreSignedUrl } from '../pre-signed-url.ts'
import type { Rds } from '../rds.ts'
import { regionIn } from '../replication/replica.ts'
import { checkedTags } from '../tags.ts'
import type { BackupSource } from '../transfer/backup-source.ts'
import type { ReplicatedBackups } from '../transfer/replicated-backups.ts'

/** Source: RDS User Guide, "Replicating automated backups to another AWS Region". */
const QUOTA = 20
const DEFAULT_RETENTION_DAYS = 7

/**
 * StartDBInstanceAutomatedBackupsReplication: keeps the automated backups of an instance of another region in this one too, so
 * that the instance can be restored here when that region is gone.
 *
 * Unlike AWS: WAL comes as it is written, not every five minutes.
 * Source: Amazon RDS API Reference, StartDBInstanceAutomatedBackupsReplication.
 */
export async function startDBInstanceAutomatedBackupsReplication(
  rds: Rds,
  input: StartDBInstanceAutomatedBackupsReplicationMessage,
) {
  const source = input.SourceDBInstanceArn ?? ''
  const sourceRegion = regionIn(source)
  if (sourceRegion === undefined || !source.includes(':db:')) {
    throw invalidValue(`Invalid DB instance ARN: ${source}`)
  }
  if (sourceRegion === rds.names.region) {
    throw invalidValue('Automated backups are replicated from another region; this is theirs.')
  }
  checkPreSignedUrl(rds, {
    operation: 'StartDBInstanceAutomatedBackupsReplication',
    sourceRegion,
    source: ['SourceDBInstanceArn', source],
    input: { ...input },
    url: input.PreSignedUrl,
  })
  const backupRetentionDays = checkedRetention(
    input.BackupRetentionPeriod ?? DEFAULT_RETENTION_DAYS,
  )
  if (backupRetentionDays === 0) throw invalidValue('BackupRetentionPeriod must be from 1 to 35.')
  const tags = checkedTags(input.Tags)
  const { output: described } = await rds.peer.ask<BackupSource>({
    region: sourceRegion,
    operation: 'DescribeBackupSource',
    input: { identifier: source },
  })
  const keyArn = await checkedKey(rds, input.KmsKeyId, described)
  return await rds.naming(async () => {
    const known = await ended(rds, described, keyArn)
    const { resourceId } = described.facts
    const encryption =
      known?.instance.encryption ??
      (keyArn === undefined ? undefined : rds.keys.create(keyArn, resourceId))
    const facts = sealedHere(rds, described, encryption)
    const replicated: ReplicatedBackups = {
      instance: {
        ...facts,
        automatedBackupsName:
          known?.instance.automatedBackupsName ?? rds.names.newResourceId('ab').toLowerCase(),
        settings: { ...facts.settings, backupRetentionDays },
        tags,
      },
      sourceArn: described.arn,
      sourceRegion,
    }
    await rds.replicated.put(replicated)
    rds.backupReplication.begin(resourceId)
    await rds.backupReplication.tell(replicated, 'backup replication began')
    return {
      DBInstanceAutomatedBackup: automatedBackupShape(rds, replicatedBackup(rds, replicated)),
    }
  })
}

/** What an earlier replication of the same instance has left, which goes on. */
async function ended(
  rds: Rds,
  { facts: { resourceId }, arn }: BackupSource,
  keyArn: string | undefined,
): Promise<ReplicatedBackups | undefined> {
  const known = rds.replicated.find(resourceId)
  if (!known) {
    if (rds.replicated.list().length < QUOTA) return undefined
    throw new RdsFault(
      'DBInstanceAutomatedBackupQuotaExceededFault',
      `The automated backups of at most ${QUOTA} DB instances are replicated to a region.`,
    )
  }
  if (!known.ended) throw invalidState(`The automated backups of ${arn} are replicated already.`)
  if (known.instance.encryption?.keyArn !== keyArn) {
    throw invalidState(
      `There are replicated backups of ${arn} with another KMS key. Delete them first.`,
    )
  }
  await rds.backupReplication.end(resourceId)
  return known
}

/** @throws RdsFault `InvalidParameterCombination`, `KMSKeyNotAccessibleFault` */
async function checkedKey(
  rds: Rds,
  keyId: string | undefined,
  { keyArn, arn }: BackupSource,
): Promise<string | undefined> {
  if (keyArn === undefined) {
    if (keyId === undefined) return undefined
    throw invalidCombination(`KmsKeyId can not be given: the DB instance ${arn} is not encrypted.`)
  }
  if (keyId !== undefined) return await rds.keys.checked(keyId)
  throw invalidCombination(
    `Specify KmsKeyId, a key of ${rds.names.region}: the DB instance ${arn} is encrypted, and its key does not leave its region.`,
  )
}

function invalidState(message: string) {
  return new RdsFault('InvalidDBInstanceAutomatedBackupStateFault', message)
}
