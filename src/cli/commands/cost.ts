import { Command } from 'commander'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Surroundings } from '../invocation.ts'
import { LiveLine } from '../live-line.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'

/** `lifeboat cost`: what protecting the workload costs a month. */
export function costCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('cost'))
    .description(
      'what replicating the objects costs a month, at the rate at which they are written',
    )
    .option('--prices <file>', 'a JSON file with prices of your own; default: list prices')
    .action(
      action(around, async (invocation, options: WorkloadOption & { prices?: string }) => {
        const { withRegion } = await import('../workload-region.ts')
        const { costOf, readPrices } = await import('../../recovery/cost/cost.ts')
        const { describeCost } = await import('../cost-view.ts')
        const { output, clock } = invocation
        const prices = await readPrices(options.prices)
        const live = new LiveLine(output, clock)
        const cost = await withRegion(invocation, options, ({ workload, region }) =>
          costOf({ workload, region, prices, clock, onProgress: (what) => live.show(what) }),
        ).finally(() => live.clear())
        output.result(cost, describeCost(cost))
      }),
    )
  return withExitCodes(command, [
    'WorkloadFileInvalid',
    'WorkloadFileNotFound',
    'PricesInvalid',
    'RegionUnreachable',
    'CredentialsRefused',
  ])
}
