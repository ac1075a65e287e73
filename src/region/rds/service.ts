import { mkdir, readdir, rm } from 'node:fs/promises'
import { type RdsActions, rdsModel } from '../protocol/models/rds.ts'
import type { Service } from '../protocol/service.ts'
import { createDBInstance } from './actions/create-db-instance.ts'
import { deleteDBInstance } from './actions/delete-db-instance.ts'
import { describeDBInstances } from './actions/describe-db-instances.ts'
import { rebootDBInstance } from './actions/reboot-db-instance.ts'
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
    CreateDBInstance: (input) => createDBInstance(rds, input),
    DeleteDBInstance: (input) => deleteDBInstance(rds, input),
    DescribeDBInstances: (input) => describeDBInstances(rds, input),
    RebootDBInstance: (input) => rebootDBInstance(rds, input),
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
