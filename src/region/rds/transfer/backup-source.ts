import type { PeerOperation } from '../../peer/peer.ts'
import { type DisclosedFacts, disclose } from '../disclosed-facts.ts'
import { instanceNotFound, invalidInstanceState } from '../faults.ts'
import { factsOf } from '../instance.ts'
import type { LiveInstance } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { departure } from '../replication/ask-source.ts'

/** The automated backups of an instance, in another region. */
export interface BackupReplica {
  /** Of the automated backups there. */
  readonly arn: string
  readonly region: string
}

/** The instance whose backups are replicated. */
export interface BackupSource extends DisclosedFacts {
  readonly arn: string
  /** Whether the instance is gone, and its backups retained: nothing more will come. */
  readonly isGone: boolean
}

/** What the same service in another region may ask about backups that are replicated, by either side. */
export function backupSourceOperations(rds: Rds): Record<string, PeerOperation> {
  return {
    DescribeBackupSource: async ({ identifier }: { identifier: string }) => ({
      output: describe(rds, rds.getInstance(identifier).record.resourceId),
    }),
    FollowBackups: async ({ source, replica }: { source: string; replica: BackupReplica }) => {
      const output = describe(rds, source)
      const instance = rds.findByResourceId(source)
      if (instance) await remember(instance, replica)
      return { output }
    },
    ForgetBackups: async ({ source, arn }: { source: string; arn: string }) => {
      const instance = rds.findByResourceId(source)
      if (instance) await forget(instance, arn)
      return { output: {} }
    },
    FindBackupReplica: async ({ source }: { source: string }) => {
      const replicated = rds.replicated.find(source)
      return { output: { follows: replicated !== undefined && !replicated.ended } }
    },
  }
}

/** @throws RdsFault `DBInstanceNotFoundFault`, `InvalidDBInstanceStateFault`, `KMSKeyNotAccessibleFault` */
function describe(rds: Rds, resourceId: string): BackupSource {
  const record = rds.findByResourceId(resourceId)?.record
  const facts = record ? factsOf(record) : rds.retained.find(resourceId)?.instance
  if (!facts) throw instanceNotFound(resourceId)
  const { identifier, settings, encryption } = facts
  if (settings.backupRetentionDays === 0) {
    throw invalidInstanceState(
      `Automated backups are not enabled for the DB instance ${identifier}.`,
    )
  }
  rds.keys.check(encryption)
  return { arn: rds.names.arn('db', identifier), isGone: !record, ...disclose(rds, facts) }
}

async function remember(instance: LiveInstance, replica: BackupReplica): Promise<void> {
  const { backupReplicas = [] } = instance.record
  if (backupReplicas.some(({ arn }) => arn === replica.arn)) return
  await instance.change((record) => ({
    ...record,
    backupReplicas: [...(record.backupReplicas ?? []), replica],
  }))
}

async function forget(instance: LiveInstance, arn: string): Promise<void> {
  const { backupReplicas = [] } = instance.record
  if (!backupReplicas.some((one) => one.arn === arn)) return
  await instance.change((record) => ({
    ...record,
    backupReplicas: (record.backupReplicas ?? []).filter((one) => one.arn !== arn),
  }))
}

/** Forgets those that ended while this region was away. @throws as `Peer.ask` */
export async function forgetEnded(rds: Rds, instance: LiveInstance): Promise<void> {
  const { backupReplicas = [], resourceId: source } = instance.record
  for (const { region, arn } of backupReplicas) {
    if (await departure(rds, region, 'FindBackupReplica', { source })) await forget(instance, arn)
  }
}
