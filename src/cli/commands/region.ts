import { Command, InvalidArgumentError } from 'commander'
import type { ProcessStatus, RegionHome, RegionHomeStatus } from '../../region/region-home.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'
import { table } from '../output.ts'
import { portNumber } from '../port-number.ts'
import { outageCommand } from './region-outage.ts'

/** `lifeboat region …`: AWS-compatible regions on this machine. */
export function regionCommand(around: Surroundings): Command {
  return new Command('region')
    .description('run AWS-compatible regions on this machine')
    .addCommand(startCommand(around))
    .addCommand(stopCommand(around))
    .addCommand(statusCommand(around))
    .addCommand(envCommand(around))
    .addCommand(outageCommand(around, open))
}

interface StartOptions {
  readonly port?: number
  readonly dnsPort?: number
  readonly detach?: boolean
  readonly iamDelay?: number
  readonly checkTargets?: string[]
  readonly checkSpeed?: number
}

function startCommand(around: Surroundings): Command {
  const command = new Command('start')
    .description('start regions; without a name those that the home has, else ap-southeast-1')
    .argument('[names...]', "as AWS names them: ap-southeast-1; and 'global' and 'dns'")
    .option('--port <number>', 'of the one endpoint for all regions (default: 4566)', portNumber)
    .option('--dns-port <number>', 'of the name server (default: 4553)', portNumber)
    .option('--detach', 'return when they answer, and leave them running')
    .option(
      '--iam-delay <ms>',
      'how long changes of users, roles and policies take to be effective (default: 0)',
      milliseconds,
    )
    .option(
      '--check-targets <ranges>',
      'what health checks may reach beside this machine, as 10.0.0.0/8,192.0.2.1 (default: nothing)',
      (text: string) => text.split(','),
    )
    .option(
      '--check-speed <factor>',
      'how many times faster than on AWS health checks are made (default: 1)',
      factor,
    )
    .action(
      action(around, async (invocation, options: StartOptions, ...names: string[]) => {
        const { iamDelay: iamDelayMs, ...more } = options
        const { output, signal } = invocation
        await invocation.home.create()
        const home = await open(invocation)
        const started = await home.start(names.flat(), {
          ...more,
          ...(iamDelayMs === undefined ? {} : { iamDelayMs }),
        })
        const { endpoint, regions, global, dns } = started
        const running = regions.filter(({ status }) => status === 'running').map(({ name }) => name)
        const words = `${running.join(', ')} at ${endpoint}`
        output.result({ endpoint, regions, global, dns }, words)
        for (const { name, outages } of [...regions, global, dns]) {
          if (!outages) continue
          const lift = `lifeboat region outage ${name} --lift`
          output.say(`${name}: ${outages.join(', ')}; to end that: ${lift}`)
        }
        output.say('for AWS clients: eval "$(lifeboat region env)"')
        if (!started.isForeground || !started.ended) return
        output.say('Ctrl-C stops it; --detach would leave it running')
        await Promise.race([started.ended, interrupted(signal)])
        await started.stop()
        signal.throwIfAborted()
      }),
    )
  return withExitCodes(command, ['PortTaken', 'AlreadyRunning', 'PostgresMissing'])
}

function stopCommand(around: Surroundings): Command {
  const command = new Command('stop')
    .description('stop every region of this home; their data stays')
    .action(
      action(around, async (invocation) => {
        const home = await open(invocation)
        const { endpoint } = await home.status()
        await home.stop()
        invocation.output.result({ stopped: true }, endpoint ? 'stopped' : 'no region was running')
      }),
    )
  return withExitCodes(command, ['AlreadyRunning'])
}

function statusCommand(around: Surroundings): Command {
  const command = new Command('status')
    .description('which regions this home has and where they answer')
    .action(
      action(around, async (invocation) => {
        const status = await (await open(invocation)).status()
        invocation.output.result(status, describe(status))
      }),
    )
  return withExitCodes(command, ['RegionUnreachable'])
}

function describe({ endpoint, dnsAddress, regions, global, dns }: RegionHomeStatus): string {
  if (regions.length === 0) return 'no regions yet; start one with: lifeboat region start'
  const row = ({ name, status, pid, outages = [] }: ProcessStatus) => [
    ...[name, status, pid ? `process ${pid}` : '', outages.join(', ')],
  ]
  return [
    endpoint ? `endpoint ${endpoint}, DNS ${dnsAddress}` : 'no endpoint: nothing runs',
    table(['region', 'status', '', 'outage'], regions.map(row)),
    table(['for all', 'status', '', 'outage'], [global, dns].map(row)),
  ].join('\n')
}

function envCommand(around: Surroundings): Command {
  const command = new Command('env')
    .description('what AWS clients need; use it as: eval "$(lifeboat region env)"')
    .option('--region <name>', 'the region that clients use when they name none')
    .action(
      action(around, async (invocation, { region }: { region?: string }) => {
        const environment = await (await open(invocation)).environment(region)
        const lines = Object.entries(environment).map(
          ([name, value]) => `export ${name}='${value}'`,
        )
        invocation.output.result(environment, lines.join('\n'))
      }),
    )
  return withExitCodes(command, ['RegionUnreachable'])
}

async function open({ home }: Invocation): Promise<RegionHome> {
  const { RegionHome } = await import('../../region/region-home.ts')
  return new RegionHome(home.folder)
}

function milliseconds(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a delay is a whole number of milliseconds.')
}

function factor(text: string): number {
  const value = Number(text)
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && value >= 1 && value <= 1000) return value
  throw new InvalidArgumentError('a factor is a number from 1 to 1000.')
}

function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
