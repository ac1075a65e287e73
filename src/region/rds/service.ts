import { mkdir, readdir, rm } from 'node:fs/promises'
import { LifeboatError } from '../../core/errors.ts'
import type { MetricSource } from '../metric-source.ts'
import { type RdsActions, rdsModel } from '../protocol/models/rds.ts'
import type { Service } from '../protocol/service.ts'
import { rdsAccesses } from './accesses.ts'
import { addTagsToResource } from './actions/add-tags-to-resource.ts'
import { copyDBSnapshot } from './actions/copy-db-snapshot.ts'
import { createDBInstance } from './actions/create-db-instance.ts'
import { createDBInstanceReadReplica } from './actions/create-db-instance-read-replica.ts'
import { createDBParameterGroup } from './actions/create-db-parameter-group.ts'
import { createDBSnapshot } from './actions/create-db-snapshot.ts'
import { createDBSubnetGroup } from './actions/create-db-subnet-group.ts'
import { deleteDBInstance } from './actions/delete-db-instance.ts'
import { deleteDBInstanceAutomatedBackup } from './actions/delete-db-instance-automated-backup.ts'
import { deleteDBParameterGroup } from './actions/delete-db-parameter-group.ts'
import { deleteDBSnapshot } from './actions/delete-db-snapshot.ts'
import { deleteDBSubnetGroup } from './actions/delete-db-subnet-group.ts'
import { describeDBEngineVersions } from './actions/describe-db-engine-versions.ts'
import { describeDBInstanceAutomatedBackups } from './actions/describe-db-instance-automated-backups.ts'
import { describeDBInstances } from './actions/describe-db-instances.ts'
import { describeDBLogFiles } from './actions/describe-db-log-files.ts'
import { describeDBParameterGroups } from './actions/describe-db-parameter-groups.ts'
import { describeDBParameters } from './actions/describe-db-parameters.ts'
import { describeDBSnapshots } from './actions/describe-db-snapshots.ts'
import { describeDBSubnetGroups } from './actions/describe-db-subnet-groups.ts'
import { describeEvents } from './actions/describe-events.ts'
import { describeOrderableDBInstanceOptions } from './actions/describe-orderable-db-instance-options.ts'
import { describePendingMaintenanceActions } from './actions/describe-pending-maintenance-actions.ts'
import { downloadDBLogFilePortion } from './actions/download-db-log-file-portion.ts'
import { listTagsForResource } from './actions/list-tags-for-resource.ts'
import { modifyDBInstance } from './actions/modify-db-instance.ts'
import { modifyDBParameterGroup } from './actions/modify-db-parameter-group.ts'
import { promoteReadReplica } from './actions/promote-read-replica.ts'
import { rebootDBInstance } from './actions/reboot-db-instance.ts'
import { removeTagsFromResource } from './actions/remove-tags-from-resource.ts'
import { resetDBParameterGroup } from './actions/reset-db-parameter-group.ts'
import { restoreDBInstanceFromDBSnapshot } from './actions/restore-db-instance-from-db-snapshot.ts'
import { restoreDBInstanceToPointInTime } from './actions/restore-db-instance-to-point-in-time.ts'
import { startDBInstance } from './actions/start-db-instance.ts'
import { startDBInstanceAutomatedBackupsReplication } from './actions/start-db-instance-automated-backups-replication.ts'
import { stopDBInstance } from './actions/stop-db-instance.ts'
import { stopDBInstanceAutomatedBackupsReplication } from './actions/stop-db-instance-automated-backups-replication.ts'
import { InstanceMetrics } from './instance-metrics.ts'
import { resumeInstance, watchCrashes } from './jobs/resume.ts'
import { Rds, type RdsOptions } from './rds.ts'
import { RegionKey } from './region-key.ts'
import { sourceOperations } from './replication/source.ts'
import { Scheduler } from './scheduler.ts'
import { backupSourceOperations } from './transfer/backup-source.ts'
import { snapshotOperations } from './transfer/snapshot-copies.ts'
import { supplyOperations } from './transfer/supply-operations.ts'

/** How long the start of a region waits for its servers; those that take longer go on starting. */
const START_PATIENCE_MS = 5_000

/** Amazon RDS for PostgreSQL. Goes on with what a killed region was at. */
export async function openRds(
  o: RdsOptions,
): Promise<{ service: Service; metrics: MetricSource; close(): Promise<void> }> {
  await mkdir(o.folder, { recursive: true, mode: 0o711 })
  const rds = new Rds(o, await RegionKey.open(o.folder))
  watchCrashes(rds)
  o.peer.serve({
    ...sourceOperations(rds),
    ...supplyOperations(rds),
    ...snapshotOperations(rds),
    ...backupSourceOperations(rds),
  })
  await sweep(rds)
  await openBackups(rds)
  const instances = rds.instances()
  for (const instance of instances) await resumeInstance(rds, instance)
  const settled = Promise.all(instances.map((instance) => instance.settled()))
  await Promise.race([settled, o.clock.sleep(START_PATIENCE_MS)])
  const scheduler = new Scheduler(rds)
  scheduler.start()
  rds.replicas.start()
  rds.copies.resume()
  rds.backupReplication.resume()

  const service: Service = {
    model: rdsModel,
    actions: actionsOf(rds),
    accesses: (operation, input) => rdsAccesses(rds, operation, input),
  }
  const close = async () => {
    await Promise.all([scheduler.stop(), rds.replicas.stop()])
    await Promise.all([rds.copies.close(), rds.backupReplication.close()])
    await Promise.all(rds.instances().map((instance) => instance.close()))
    await rds.backups.close()
  }
  return { service, metrics: new InstanceMetrics(rds), close }
}

function actionsOf(rds: Rds) {
  return {
    AddTagsToResource: (input) => addTagsToResource(rds, input),
    CopyDBSnapshot: (input) => copyDBSnapshot(rds, input),
    CreateDBInstance: (input) => createDBInstance(rds, input),
    CreateDBInstanceReadReplica: (input) => createDBInstanceReadReplica(rds, input),
    CreateDBParameterGroup: (input) => createDBParameterGroup(rds, input),
    CreateDBSnapshot: (input) => createDBSnapshot(rds, input),
    CreateDBSubnetGroup: (input) => createDBSubnetGroup(rds, input),
    DeleteDBInstanceAutomatedBackup: (input) => deleteDBInstanceAutomatedBackup(rds, input),
    DeleteDBInstance: (input) => deleteDBInstance(rds, input),
    DeleteDBParameterGroup: (input) => deleteDBParameterGroup(rds, input),
    DeleteDBSnapshot: (input) => deleteDBSnapshot(rds, input),
    DeleteDBSubnetGroup: (input) => deleteDBSubnetGroup(rds, input),
    DescribeDBEngineVersions: (input) => describeDBEngineVersions(rds, input),
    DescribeDBInstanceAutomatedBackups: (input) => describeDBInstanceAutomatedBackups(rds, input),
    DescribeDBInstances: (input) => describeDBInstances(rds, input),
    DescribeDBLogFiles: (input) => describeDBLogFiles(rds, input),
    DescribeDBParameterGroups: (input) => describeDBParameterGroups(rds, input),
    DescribeDBParameters: (input) => describeDBParameters(rds, input),
    DescribeDBSnapshots: (input) => describeDBSnapshots(rds, input),
    DescribeDBSubnetGroups: (input) => describeDBSubnetGroups(rds, input),
    DescribeEvents: (input) => describeEvents(rds, input),
    DescribeOrderableDBInstanceOptions: (input) => describeOrderableDBInstanceOptions(rds, input),
    DescribePendingMaintenanceActions: (input) => describePendingMaintenanceActions(rds, input),
    DownloadDBLogFilePortion: (input) => downloadDBLogFilePortion(rds, input),
    ListTagsForResource: (input) => listTagsForResource(rds, input),
    ModifyDBInstance: (input) => modifyDBInstance(rds, input),
    ModifyDBParameterGroup: (input) => modifyDBParameterGroup(rds, input),
    PromoteReadReplica: (input) => promoteReadReplica(rds, input),
    RebootDBInstance: (input) => rebootDBInstance(rds, input),
    RemoveTagsFromResource: (input) => removeTagsFromResource(rds, input),
    ResetDBParameterGroup: (input) => resetDBParameterGroup(rds, input),
    RestoreDBInstanceFromDBSnapshot: (input) => restoreDBInstanceFromDBSnapshot(rds, input),
    RestoreDBInstanceToPointInTime: (input) => restoreDBInstanceToPointInTime(rds, input),
    StartDBInstanceAutomatedBackupsReplication: (input) =>
      startDBInstanceAutomatedBackupsReplication(rds, input),
    StartDBInstance: (input) => startDBInstance(rds, input),
    StopDBInstanceAutomatedBackupsReplication: (input) =>
      stopDBInstanceAutomatedBackupsReplication(rds, input),
    StopDBInstance: (input) => stopDBInstance(rds, input),
  } satisfies RdsActions
}

/** Opens the backups of instances that do not run, so that their restore windows are known. */
async function openBackups(rds: Rds): Promise<void> {
  const live = rds.instances().map(({ record }) => record)
  const stored = [...rds.retained.list(), ...rds.replicated.list()]
  for (const facts of [...live, ...stored.map(({ instance }) => instance)]) {
    if (facts.settings.backupRetentionDays === 0) continue
    try {
      await rds.backups.open(facts)
    } catch (error) {
      // Damaged backups of one instance must not keep the others from starting.
      if (!(error instanceof LifeboatError)) throw error
      rds.report(error)
    }
  }
}

/** Removes folders that no entry points at: a kill came between the entry and the data (I3). */
async function sweep(rds: Rds): Promise<void> {
  const hasBackups = (resourceId: string) =>
    (rds.findByResourceId(resourceId)?.record.settings.backupRetentionDays ?? 0) > 0 ||
    rds.retained.find(resourceId) !== undefined ||
    rds.replicated.find(resourceId) !== undefined
  const isWanted = {
    instances: (name: string) => rds.findByResourceId(name) !== undefined,
    backups: hasBackups,
    snapshots: (name: string) => rds.snapshots.findByResourceId(name) !== undefined,
  }
  for (const kind of ['instances', 'backups', 'snapshots'] as const) {
    await mkdir(rds.folder(kind), { recursive: true, mode: kind === 'instances' ? 0o711 : 0o700 })
    for (const name of await readdir(rds.folder(kind))) {
      if (!isWanted[kind](name)) await rm(rds.folder(kind, name), { recursive: true, force: true })
    }
  }
}
