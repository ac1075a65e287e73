import { Command, InvalidArgumentError } from 'commander'
import { LifeboatError } from '../../core/errors.ts'
import type { OutageOrder } from '../../region/network/outages.ts'
import type { RegionHome } from '../../region/region-home.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'

interface OutageOptions {
  readonly kill?: boolean
  readonly freeze?: boolean
  readonly partitionFrom?: string
  readonly slow?: number
  readonly apiOnly?: boolean
  readonly replicationOnly?: boolean
  readonly lift?: boolean
}

/** `lifeboat region outage NAME …`: the switch for outages. */
export function outageCommand(
  around: Surroundings,
  open: (invocation: Invocation) => Promise<RegionHome>,
): Command {
  const command = new Command('outage')
    .description('break a region down, or the global services or DNS, until it is lifted')
    .argument('<name>', 'a region, global or dns')
    .option('--kill', 'kill -9 of its whole process group; it stays dead')
    .option('--freeze', 'stop its whole process group where it is; it answers nothing')
    .option('--partition-from <region>', 'cut it off from another region; clients reach both')
    .option('--slow <ms>', 'delay answers of its API and its traffic with other regions', toMs)
    .option('--api-only', 'its API is down; databases, tasks and replication go on')
    .option('--replication-only', 'its replication stands still; its API answers')
    .option('--lift', 'end all of its outages')
    .action(
      action(around, async (invocation, options: OutageOptions, name: string) => {
        const home = await open(invocation)
        const order = orderOf(options)
        const status = order ? await home.breakDown(name, order) : await home.lift(name)
        const all = [...status.regions, status.global, status.dns]
        const { outages = [] } = all.find((one) => one.name === name) ?? {}
        const words = outages.length > 0 ? outages.join(', ') : 'no outage'
        invocation.output.result({ name, outages }, `${name}: ${words}`)
      }),
    )
  return withExitCodes(command, ['RegionUnreachable'])
}

/** Undefined to lift. @throws LifeboatError `InvalidUsage` for none or more than one */
function orderOf(options: OutageOptions): OutageOrder | undefined {
  const { partitionFrom, slow } = options
  const asked: (OutageOrder | undefined)[] = [
    ...(options.kill ? [{ kind: 'kill' } as const] : []),
    ...(options.freeze ? [{ kind: 'freeze' } as const] : []),
    ...(partitionFrom === undefined ? [] : [{ kind: 'partition', from: partitionFrom } as const]),
    ...(slow === undefined ? [] : [{ kind: 'slow', ms: slow } as const]),
    ...(options.apiOnly ? [{ kind: 'api-only' } as const] : []),
    ...(options.replicationOnly ? [{ kind: 'replication-only' } as const] : []),
    ...(options.lift ? [undefined] : []),
  ]
  if (asked.length === 1) return asked[0]
  throw new LifeboatError('InvalidUsage', `${asked.length} outages are named instead of one`, {
    hint: 'Name one of --kill, --freeze, --partition-from, --slow, --api-only, --replication-only and --lift.',
  })
}

function toMs(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a delay is a whole number of milliseconds.')
}
