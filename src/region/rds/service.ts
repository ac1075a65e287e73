import { mkdir, readdir, rm } from 'node:fs/promises'
import { type RdsActions, rdsModel } from '../protocol/models/rds.ts'
import type { Service } from '../protocol/service.ts'
import { addTagsToResource } from './actions/add-tags-to-resource.ts'
import { createDBInstance } from './actions/create-db-instance.ts'
import { createDBParameterGroup } from './actions/create-db-parameter-group.ts'
import { createDBSubnetGroup } from './actions/create-db-subnet-group.ts'
import { deleteDBInstance } from './actions/delete-db-instance.ts'
import { deleteDBParameterGroup } from './actions/delete-db-parameter-group.ts'
import { deleteDBSubnetGroup } from './actions/delete-db-subnet-group.ts'
import { describeDBEngineVersions } from './actions/describe-db-engine-versions.ts'
import { describeDBInstances } from './actions/describe-db-instances.ts'
import { describeDBParameterGroups } from './actions/describe-db-parameter-groups.ts'
import { describeDBParameters } from './actions/describe-db-parameters.ts'
import { describeDBSubnetGroups } from './actions/describe-db-subnet-groups.ts'
import { describeEvents } from './actions/describe-events.ts'
import { describeOrderableDBInstanceOptions } from './actions/describe-orderable-db-instance-options.ts'
import { describePendingMaintenanceActions } from './actions/describe-pending-maintenance-actions.ts'
import { listTagsForResource } from './actions/list-tags-for-resource.ts'
import { modifyDBInstance } from './actions/modify-db-instance.ts'
import { modifyDBParameterGroup } from './actions/modify-db-parameter-group.ts'
import { rebootDBInstance } from './actions/reboot-db-instance.ts'
import { removeTagsFromResource } from './actions/remove-tags-from-resource.ts'
import { resetDBParameterGroup } from './actions/reset-db-parameter-group.ts'
import { startDBInstance } from './actions/start-db-instance.ts'
import { stopDBInstance } from './actions/stop-db-instance.ts'
import { Rds, type RdsOptions } from './rds.ts'
import { RegionKey } from './region-key.ts'
import { resumeInstance, watchCrashes } from './work/resume.ts'

/** How long the start of a region waits for its servers; those that take longer go on starting. */
const START_PATIENCE_MS = 5_000

/** Amazon RDS for PostgreSQL. Goes on with what a killed region was at. */
export async function openRds(
  o: RdsOptions,
): Promise<{ service: Service; close(): Promise<void> }> {
  await mkdir(o.folder, { recursive: true, mode: 0o711 })
  const rds = new Rds(o, await RegionKey.open(o.folder))
  watchCrashes(rds)
  await sweep(rds)
  const instances = rds.instances()
  for (const instance of instances) await resumeInstance(rds, instance)
  const settled = Promise.all(instances.map((instance) => instance.settled()))
  await Promise.race([settled, o.clock.sleep(START_PATIENCE_MS)])

  const close = async () => {
    await Promise.all(rds.instances().map((instance) => instance.close()))
  }
  return { service: { model: rdsModel, actions: actionsOf(rds) }, close }
}

function actionsOf(rds: Rds) {
  return {
    AddTagsToResource: (input) => addTagsToResource(rds, input),
    CreateDBInstance: (input) => createDBInstance(rds, input),
    CreateDBParameterGroup: (input) => createDBParameterGroup(rds, input),
    CreateDBSubnetGroup: (input) => createDBSubnetGroup(rds, input),
    DeleteDBInstance: (input) => deleteDBInstance(rds, input),
    DeleteDBParameterGroup: (input) => deleteDBParameterGroup(rds, input),
    DeleteDBSubnetGroup: (input) => deleteDBSubnetGroup(rds, input),
    DescribeDBEngineVersions: (input) => describeDBEngineVersions(rds, input),
    DescribeDBInstances: (input) => describeDBInstances(rds, input),
    DescribeDBParameterGroups: (input) => describeDBParameterGroups(rds, input),
    DescribeDBParameters: (input) => describeDBParameters(rds, input),
    DescribeDBSubnetGroups: (input) => describeDBSubnetGroups(rds, input),
    DescribeEvents: (input) => describeEvents(rds, input),
    DescribeOrderableDBInstanceOptions: (input) => describeOrderableDBInstanceOptions(rds, input),
    DescribePendingMaintenanceActions: (input) => describePendingMaintenanceActions(rds, input),
    ListTagsForResource: (input) => listTagsForResource(rds, input),
    ModifyDBInstance: (input) => modifyDBInstance(rds, input),
    ModifyDBParameterGroup: (input) => modifyDBParameterGroup(rds, input),
    RebootDBInstance: (input) => rebootDBInstance(rds, input),
    RemoveTagsFromResource: (input) => removeTagsFromResource(rds, input),
    ResetDBParameterGroup: (input) => resetDBParameterGroup(rds, input),
    StartDBInstance: (input) => startDBInstance(rds, input),
    StopDBInstance: (input) => stopDBInstance(rds, input),
  } satisfies RdsActions
}

/** Removes folders of instances that are gone: a kill came between the entry and the data (I3). */
async function sweep(rds: Rds): Promise<void> {
  const folder = rds.folder('instances')
  await mkdir(folder, { recursive: true, mode: 0o711 })
  for (const name of await readdir(folder)) {
    if (rds.findByResourceId(name)) continue
    await rm(rds.folder('instances', name), { recursive: true, force: true })
  }
}
