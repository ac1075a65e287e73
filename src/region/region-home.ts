import { fork } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { entryPoint } from '../core/entry-point.ts'
import { ERRORS, type ErrorCode, LifeboatError } from '../core/errors.ts'
import { parseRange } from '../dns/health/targets.ts'
import { findHolder } from './folder-lock.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import {
  GatewayControl,
  type GatewayStatus,
  gatewayStatus,
  RunningGateway,
} from './gateway-control.ts'
import type { GatewayMessage } from './gateway-process.ts'
import { endOrphan, gone } from './home-child.ts'
import { GLOBAL_PROCESSES, isGlobalProcess, processFolder } from './home-programs.ts'
import { readOutages } from './network/outage-file.ts'
import { type OutageOrder, type Outages, outagesOf } from './network/outages.ts'
import { rootCredentials } from './root-credentials.ts'

/** The port of the one endpoint for all regions, as other emulators of AWS have it. */
export const DEFAULT_PORT = 4566

/** The port of the name server. */
export const DEFAULT_DNS_PORT = 4553

/** The region that is started when none is named and the home has none. */
export const DEFAULT_REGION = 'ap-southeast-1'

/** How long a gateway may take to close all of its regions, in milliseconds. */
const STOP_DEADLINE_MS = 40_000
const POLL_MS = 25

/** A region, or one of the processes that a home has once. */
export interface ProcessStatus {
  readonly name: string
  readonly status: 'running' | 'stopped'
  /** The leader of its process group, while it runs. */
  readonly pid?: number
  /** Its own port: of a region and the global services behind the endpoint of all. */
  readonly port?: number
  /** What was declared to be wrong with it, in words; undefined when nothing was. */
  readonly outages?: readonly string[]
}

export interface HomeProcesses {
  readonly regions: readonly ProcessStatus[]
  /** The control plane of IAM, Route 53 and the global endpoint of STS. */
  readonly global: ProcessStatus
  /** The name server and its health checkers. */
  readonly dns: ProcessStatus
}

export interface RegionHomeStatus extends HomeProcesses {
  /** Undefined while no gateway runs. */
  readonly endpoint: string | undefined
  readonly gatewayPid: number | undefined
  /** Where DNS is asked, `127.0.0.1:4553`, also while the name server is dead; undefined while no gateway runs. */
  readonly dnsAddress: string | undefined
}

/** Regions that were started here. */
export interface StartedRegions extends HomeProcesses {
  readonly endpoint: string
  readonly port: number
  /**
   * Whether they live in this process's care: then they end with `stop`, and with this process, however it
   * ends.
   */
  readonly isForeground: boolean
  /** Resolves when they were stopped, by `stop` or by another process; only when in the foreground. */
  readonly ended: Promise<void> | undefined
  /** Stops the regions of the home. Safe to call again. */
  stop(): Promise<void>
}

/** How a home's processes are started, as `GatewayOptions`, and whether they outlive their starter. */
export interface StartOptions extends Partial<GatewayOptions> {
  readonly detach?: boolean
}

/** All embedded regions of one Lifeboat home: their processes, their endpoint and their keys. */
export class RegionHome {
  readonly folder: string

  constructor(folder: string) {
    this.folder = resolve(folder)
  }

  /**
   * Starts regions, and what a home has once: the global services and DNS. Resolves when all of them answer; what runs
   * already is left alone.
   *
   * With `detach` they live on after this process, until `stop`. Otherwise they end with it. When a gateway
   * runs in this home already, it is asked to start what is named and missing, in its own care.
   *
   * @param names  regions, `global` and `dns`. None: all that the home has, else `DEFAULT_REGION`
   * @param options  `port` is 4566 by default and `dnsPort` 4553; with a `port` of 0 the system chooses both
   * @throws LifeboatError `PortTaken`, `AlreadyRunning`, `InvalidUsage`, and what a region fails with
   */
  async start(names: readonly string[] = [], options: StartOptions = {}): Promise<StartedRegions> {
    for (const range of options.checkTargets ?? []) checkRange(range)
    await rootCredentials(join(this.folder, 'credentials.json'))

    const running = await RunningGateway.find(this.folder)
    if (running) {
      refuseChange(running, options)
      const missing = names.length > 0 ? names : [...GLOBAL_PROCESSES, ...this.#known()]
      return this.#started(await running.ask({ verb: 'start', names: missing }), {
        isForeground: false,
      })
    }
    const { detach = false, port = DEFAULT_PORT, ...more } = options
    const dnsPort = port === 0 ? 0 : DEFAULT_DNS_PORT
    const regions = names.filter((name) => !isGlobalProcess(name))
    const wanted = [...GLOBAL_PROCESSES, ...(regions.length > 0 ? regions : this.#known())]
    const withPorts = { dnsPort, ...more, port }
    return detach
      ? await this.#startDetached(wanted, withPorts)
      : await this.#startHere(wanted, withPorts)
  }

  /** Stops every region of the home and its gateway, also what a killed one left behind. Safe to call again. */
  async stop(): Promise<void> {
    const running = await RunningGateway.find(this.folder)
    if (running) {
      if (running.process.pid === process.pid) {
        throw new LifeboatError('InvalidUsage', 'these regions belong to this process', {
          hint: 'Call stop on what start has returned.',
        })
      }
      await running.ask({ verb: 'stop' })
      const hasStopped = running.isDetached
        ? await gone(running.process, STOP_DEADLINE_MS)
        : await this.#hasReleased()
      if (!hasStopped) {
        throw new LifeboatError(
          'AlreadyRunning',
          `process ${running.process.pid} did not stop the regions in time`,
          { hint: `End it with kill -9 ${running.process.pid}; the regions end with it.` },
        )
      }
    }
    for (const name of [...GLOBAL_PROCESSES, ...this.#names()]) {
      await endOrphan(processFolder(this.folder, name))
    }
  }

  async status(): Promise<RegionHomeStatus> {
    const running = await RunningGateway.find(this.folder)
    const status = await running?.ask({ verb: 'status' })
    return {
      endpoint: running && endpointOf(running.port),
      gatewayPid: running?.process.pid,
      dnsAddress: status && dnsAddressOf(status),
      ...this.#processes(status, status?.outages ?? (await readOutages(this.folder))),
    }
  }

  /**
   * Breaks a region, `global` or `dns` down, until it is lifted: it outlives all processes of the home.
   *
   * @throws LifeboatError `RegionUnreachable` while no gateway runs; `InvalidUsage` for what cannot be meant
   */
  async breakDown(name: string, order: OutageOrder): Promise<RegionHomeStatus> {
    const running = await this.#running()
    await running.ask({ verb: 'break-down', name, order })
    return await this.status()
  }

  /** Ends all outages of a process; one that was killed answers again when it resolves. @throws as `breakDown` */
  async lift(name: string): Promise<RegionHomeStatus> {
    const running = await this.#running()
    await running.ask({ verb: 'lift', name })
    return await this.status()
  }

  /**
   * What makes any AWS client use these regions. The aws CLI and boto3 read `AWS_DEFAULT_REGION`, the other
   * SDKs `AWS_REGION`. `LIFEBOAT_DNS` says where the names of their hosted zones are answered.
   *
   * @param region  the one that clients use when they name none; the home's first one by default
   * @throws LifeboatError `RegionUnreachable` while no gateway runs
   */
  async environment(region?: string): Promise<Record<string, string>> {
    await this.#running()
    const { endpoint = '', dnsAddress } = await this.status()
    const keys = await rootCredentials(join(this.folder, 'credentials.json'))
    const name = region ?? this.#known()[0]!
    return {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_REGION: name,
      AWS_DEFAULT_REGION: name,
      // Spares clients a wait for a metadata service that is not there.
      AWS_EC2_METADATA_DISABLED: 'true',
      ...(dnsAddress ? { LIFEBOAT_DNS: dnsAddress } : {}),
    }
  }

  async #running(): Promise<RunningGateway> {
    const running = await RunningGateway.find(this.folder)
    if (running) return running
    throw new LifeboatError('RegionUnreachable', 'no region of this home runs', {
      hint: 'Start one with lifeboat region start.',
    })
  }

  async #startHere(names: readonly string[], options: GatewayOptions): Promise<StartedRegions> {
    const gateway = await Gateway.open({ ...options, home: this.folder })
    let stopping: Promise<void> | undefined
    let tellEnded = () => {}
    const ended = new Promise<void>((resolve) => {
      tellEnded = resolve
    })
    const stop = () => {
      stopping ??= control
        .close()
        .then(() => gateway.close())
        .finally(tellEnded)
      return stopping
    }
    const control = await GatewayControl.open({
      home: this.folder,
      gateway,
      isDetached: false,
      onStop: () => void stop(),
    })
    try {
      await gateway.start(names)
    } catch (error) {
      await stop()
      throw error
    }
    return { ...this.#started(gatewayStatus(gateway), { isForeground: true }), ended, stop }
  }

  async #startDetached(names: readonly string[], options: GatewayOptions): Promise<StartedRegions> {
    const folder = join(this.folder, 'gateway')
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    const logFile = join(folder, 'gateway.log')
    const log = openSync(logFile, 'a', 0o600)
    const program = entryPoint(import.meta.url, './gateway-process.ts')
    const child = fork(program, [this.folder, JSON.stringify(options), ...names], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log, log, 'ipc'],
      execArgv: [],
    })
    closeSync(log)
    const message = await new Promise<GatewayMessage | undefined>((resolve, reject) => {
      child.once('message', (told) => resolve(told as GatewayMessage))
      child.once('exit', () => resolve(undefined))
      child.once('error', reject)
    })
    if (message?.kind === 'ready') {
      child.disconnect()
      child.unref()
      const running = await RunningGateway.find(this.folder)
      if (running)
        return this.#started(await running.ask({ verb: 'status' }), { isForeground: false })
    }
    if (message?.kind === 'failed' && message.code in ERRORS) {
      const { code, hint } = message
      throw new LifeboatError(code as ErrorCode, message.message, hint ? { hint } : {})
    }
    throw new LifeboatError('RegionUnreachable', 'the gateway ended before it was ready', {
      hint: `Read its log, '${logFile}'.`,
    })
  }

  #started(status: GatewayStatus, { isForeground }: { isForeground: boolean }): StartedRegions {
    return {
      endpoint: endpointOf(status.port),
      port: status.port,
      ...this.#processes(status, status.outages),
      isForeground,
      ended: undefined,
      stop: () => this.stop(),
    }
  }

  async #hasReleased(): Promise<boolean> {
    const holder = await findHolder(join(this.folder, 'gateway'))
    for (let waited = 0; holder && waited < STOP_DEADLINE_MS; waited += POLL_MS) {
      const now = await findHolder(join(this.folder, 'gateway'))
      if (now?.pid !== holder.pid) return true
      await systemClock.sleep(POLL_MS)
    }
    return !holder
  }

  #processes(status: GatewayStatus | undefined, outages: Outages): HomeProcesses {
    const running = new Map(status?.processes.map((child) => [child.name, child]))
    const statusOf = (name: string): ProcessStatus => {
      const child = running.get(name)
      return child?.isRunning
        ? { name, status: 'running', pid: child.pid, port: child.port, ...wrong(name) }
        : { name, status: 'stopped', ...wrong(name) }
    }
    const wrong = (name: string) => {
      const words = outagesOf(outages, name)
      return words.length > 0 ? { outages: words } : {}
    }
    const started = [...running.keys()].filter((name) => !isGlobalProcess(name))
    const names = new Set([...this.#names(), ...started])
    return {
      regions: [...names].sort().map(statusOf),
      global: statusOf('global'),
      dns: statusOf('dns'),
    }
  }

  #known(): string[] {
    const names = this.#names()
    return names.length > 0 ? names : [DEFAULT_REGION]
  }

  #names(): string[] {
    const regions = join(this.folder, 'regions')
    if (!existsSync(regions)) return []
    const entries = readdirSync(regions, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort()
  }
}

function endpointOf(port: number): string {
  return `http://127.0.0.1:${port}`
}

function dnsAddressOf({ dnsPort }: GatewayStatus): string | undefined {
  return dnsPort > 0 ? `127.0.0.1:${dnsPort}` : undefined
}

/** What a gateway was started with stays as it is until it is stopped. @throws LifeboatError `AlreadyRunning` */
function refuseChange(running: RunningGateway, { port, detach: _, ...more }: StartOptions): void {
  if (port !== undefined && port !== 0 && port !== running.port) {
    throw new LifeboatError(
      'AlreadyRunning',
      `the regions of this home answer on port ${running.port} already, as process ${running.process.pid}`,
      { hint: 'Leave --port away, or stop them first: lifeboat region stop.' },
    )
  }
  if (Object.values(more).every((value) => value === undefined)) return
  throw new LifeboatError('AlreadyRunning', 'the regions of this home run already', {
    hint: 'Leave all options but --detach away, or stop them first: lifeboat region stop.',
  })
}

function checkRange(text: string): void {
  if (parseRange(text)) return
  throw new LifeboatError('InvalidUsage', `'${text}' is not an address, nor a range of them`, {
    hint: 'Name what health checks may reach like 192.0.2.1 or 10.0.0.0/8.',
  })
}
