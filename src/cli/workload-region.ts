import type { RegionClient } from '../aws/region-client.ts'
import { readWorkload, type Workload } from '../recovery/recovery.ts'
import { type AwsAccess, awsAccess, regionClient } from './aws-access.ts'
import type { Invocation } from './invocation.ts'
import type { WorkloadOption } from './workload-option.ts'

/** A workload and how its regions are reached. */
export interface WorkloadRegions {
  readonly workload: Workload
  /** Where it runs. */
  readonly region: RegionClient
  /** Another one, where its replicas are. */
  readonly reach: (region: string) => Promise<RegionClient>
  /** Where names are asked for; by default where the system asks. */
  readonly nameServer: AwsAccess['nameServer']
}

/** Reads the workload file and reaches the workload's regions, for the length of `work`. */
export async function withRegion<Result>(
  invocation: Invocation,
  { workload: file }: WorkloadOption,
  work: (at: WorkloadRegions) => Promise<Result>,
): Promise<Result> {
  const workload = await readWorkload(file)
  const access = await awsAccess(invocation)
  const reached = new Map<string, RegionClient>()
  const reach = async (name: string) => {
    const region = reached.get(name) ?? regionClient(access, name, invocation)
    reached.set(name, region)
    return region
  }
  try {
    const { nameServer } = access
    return await work({ workload, region: await reach(workload.region), reach, nameServer })
  } finally {
    for (const region of reached.values()) region.close()
  }
}
