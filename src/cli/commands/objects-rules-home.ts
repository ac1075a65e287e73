import { Command } from 'commander'
import { LifeboatError } from '../../core/errors.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

interface Options extends WorkloadOption {
  readonly bucket: string
}

/** `lifeboat objects rules-home`: how S3 is prepared to bring objects home. */
export function rulesHomeCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('rules-home'))
    .description('print, for Terraform, the disabled rules by which S3 brings a bucket home')
    .requiredOption('--bucket <name>', 'a bucket of the workload file that has a replica')
    .action(action(around, (invocation, options: Options) => print(invocation, options)))
  return withExitCodes(command, [
    'InvalidUsage',
    'WorkloadFileInvalid',
    'WorkloadFileNotFound',
    'RegionUnreachable',
    'CallRefused',
    'CredentialsRefused',
  ])
}

async function print(invocation: Invocation, options: Options): Promise<void> {
  const { withRegion } = await import('../workload-region.ts')
  const { rulesHome } = await import('../../recovery/objects/rules-home.ts')
  await withRegion(invocation, options, async ({ region, reach, workload }) => {
    const named = workload.buckets.find(({ bucket }) => bucket === options.bucket)
    if (!named?.replica) {
      const what = `the workload file names no replica of bucket '${options.bucket}'`
      throw new LifeboatError('InvalidUsage', what, {
        hint: 'Name one under buckets: { bucket: NAME, replica: { bucket: NAME } }.',
      })
    }
    const { buckets: replicas } = await reach(named.replica.region)
    const found = await rulesHome({ ...named, replica: named.replica }, region.buckets, replicas)
    invocation.output.result(found, found.terraform)
  })
}
