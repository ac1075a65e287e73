import type { RegionClient } from '../aws/region-client.ts'
import { readWorkload, type Workload } from '../recovery/recovery.ts'
import { awsAccess, regionClient } from './aws-access.ts'
import type { Invocation } from './invocation.ts'
import type { WorkloadOption } from './workload-option.ts'

/** Reads the workload file and reaches the workload's region, for the length of `work`. */
export async function withRegion<Result>(
  invocation: Invocation,
  { workload: file }: WorkloadOption,
  work: (at: { workload: Workload; region: RegionClient }) => Promise<Result>,
): Promise<Result> {
  const workload = await readWorkload(file)
  const region = regionClient(await awsAccess(invocation), workload.region, invocation)
  try {
    return await work({ workload, region })
  } finally {
    region.close()
  }
}
