import { join } from 'node:path'
import { entryPoint } from '../core/entry-point.ts'

/** What runs in a process group of its own in a home, beside the gateway. */
export interface HomeProgram {
  readonly name: string
  /** Of which its process is the owner; its log is there. */
  readonly folder: string
  /** The log's file name. */
  readonly log: string
  readonly program: URL
  readonly args: readonly string[]
}

/** The processes that a home has once, whatever regions it has. No region is named like one of them. */
export const GLOBAL_PROCESSES = ['global', 'dns'] as const
export type GlobalProcess = (typeof GLOBAL_PROCESSES)[number]

export function isGlobalProcess(name: string): name is GlobalProcess {
  return (GLOBAL_PROCESSES as readonly string[]).includes(name)
}

/** One region: its API, its databases and its objects. */
export function regionProgram(
  home: string,
  name: string,
  { iamDelayMs = 0, gatewayPort = 0 }: { iamDelayMs?: number; gatewayPort?: number } = {},
): HomeProgram {
  return {
    name,
    folder: processFolder(home, name),
    log: 'region.log',
    program: entryPoint(import.meta.url, './region-process.ts'),
    args: [home, name, `${iamDelayMs}`, `${gatewayPort}`],
  }
}

/** The control plane of the global services. */
export function globalProgram(home: string, { iamDelayMs }: { iamDelayMs: number }): HomeProgram {
  return {
    name: 'global',
    folder: processFolder(home, 'global'),
    log: 'global.log',
    program: entryPoint(import.meta.url, './global-process.ts'),
    args: [home, `${iamDelayMs}`],
  }
}

/** How the name server and its health checkers run. */
export interface DnsOptions {
  /** 0 lets the system choose. */
  readonly port: number
  /** Where the regions are asked for their alarms. */
  readonly gatewayPort: number
  /** As of `GatewayOptions`. */
  readonly checkTargets?: readonly string[] | undefined
  readonly checkSpeed?: number | undefined
}

/** The name server and its health checkers. */
export function dnsProgram(home: string, options: DnsOptions): HomeProgram {
  return {
    name: 'dns',
    folder: processFolder(home, 'dns'),
    log: 'dns.log',
    program: entryPoint(import.meta.url, './dns-process.ts'),
    args: [home, JSON.stringify(options)],
  }
}

/** The folder of a process of a home, by its name. */
export function processFolder(home: string, name: string): string {
  return isGlobalProcess(name) ? join(home, name) : join(home, 'regions', name)
}
