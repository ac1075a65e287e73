import { fork } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { entryPoint } from '../core/entry-point.ts'
import { ERRORS, type ErrorCode, LifeboatError } from '../core/errors.ts'
import { findHolder } from './folder-lock.ts'
import { Gateway } from './gateway.ts'
import { GatewayControl, type GatewayStatus, RunningGateway } from './gateway-control.ts'
import type { GatewayMessage } from './gateway-process.ts'
import { endOrphan, gone } from './region-child.ts'
import { rootCredentials } from './root-credentials.ts'

/** The port of the one endpoint for all regions, as other emulators of AWS have it. */
export const DEFAULT_PORT = 4566

/** The region that is started when none is named and the home has none. */
export const DEFAULT_REGION = 'ap-southeast-1'

/** How long a gateway may take to close all of its regions, in milliseconds. */
const STOP_DEADLINE_MS = 40_000
const POLL_MS = 25

export interface RegionStatus {
  readonly name: string
  readonly status: 'running' | 'stopped'
  /** The leader of the region's process group, while it runs. */
  readonly pid?: number
  /** Its own port, behind the endpoint of all. */
  readonly port?: number
}

export interface RegionHomeStatus {
  /** Undefined while no gateway runs. */
  readonly endpoint: string | undefined
  readonly gatewayPid: number | undefined
  readonly regions: readonly RegionStatus[]
}

/** Regions that were started here. */
export interface StartedRegions {
  readonly endpoint: string
  readonly port: number
  readonly regions: readonly RegionStatus[]
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

/** All embedded regions of one Lifeboat home: their processes, their endpoint and their keys. */
export class RegionHome {
  readonly folder: string

  constructor(folder: string) {
    this.folder = resolve(folder)
  }

  /**
   * Starts regions; resolves when all of them answer. Regions that run already are left alone.
   *
   * With `detach` they live on after this process, until `stop`. Otherwise they end with it. When a gateway
   * runs in this home already, it is asked to start what is missing, in its own care.
   *
   * @param names  none: all that the home has, else `DEFAULT_REGION`
   * @param port   of the endpoint, 4566 by default; 0 lets the system choose
   * @param iamDelayMs  how long changes of policies take until they are effective, 0 by default
   * @throws LifeboatError `PortTaken`, `AlreadyRunning`, `InvalidUsage`, and what a region fails with
   */
  async start(
    names: readonly string[] = [],
    {
      port,
      detach = false,
      iamDelayMs,
    }: {
      port?: number | undefined
      detach?: boolean | undefined
      iamDelayMs?: number | undefined
    } = {},
  ): Promise<StartedRegions> {
    const wanted = names.length > 0 ? names : this.#known()
    await rootCredentials(join(this.folder, 'credentials.json'))

    const running = await RunningGateway.find(this.folder)
    if (running) {
      if (port !== undefined && port !== 0 && port !== running.port) {
        throw new LifeboatError(
          'AlreadyRunning',
          `the regions of this home answer on port ${running.port} already, as process ${running.process.pid}`,
          { hint: 'Leave --port away, or stop them first: lifeboat region stop.' },
        )
      }
      if (iamDelayMs !== undefined) {
        throw new LifeboatError('AlreadyRunning', 'the regions of this home run already', {
          hint: 'Leave --iam-delay away, or stop them first: lifeboat region stop.',
        })
      }
      return this.#started(await running.ask('start', wanted), { isForeground: false })
    }
    const options = { port: port ?? DEFAULT_PORT, iamDelayMs: iamDelayMs ?? 0 }
    return detach
      ? await this.#startDetached(wanted, options)
      : await this.#startHere(wanted, options)
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
      await running.ask('stop')
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
    for (const name of this.#names()) await endOrphan(this.#regionFolder(name))
  }

  async status(): Promise<RegionHomeStatus> {
    const running = await RunningGateway.find(this.folder)
    const status = await running?.ask('status')
    return {
      endpoint: running && endpointOf(running.port),
      gatewayPid: running?.process.pid,
      regions: this.#statuses(status),
    }
  }

  /**
   * What makes any AWS client use these regions. The aws CLI and boto3 read `AWS_DEFAULT_REGION`, the other
   * SDKs `AWS_REGION`.
   *
   * @param region  the one that clients use when they name none; the home's first one by default
   * @throws LifeboatError `RegionUnreachable` while no gateway runs
   */
  async environment(region?: string): Promise<Record<string, string>> {
    const running = await RunningGateway.find(this.folder)
    if (!running) {
      throw new LifeboatError('RegionUnreachable', 'no region of this home runs', {
        hint: 'Start one with lifeboat region start.',
      })
    }
    const keys = await rootCredentials(join(this.folder, 'credentials.json'))
    const name = region ?? this.#known()[0]!
    return {
      AWS_ENDPOINT_URL: endpointOf(running.port),
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_REGION: name,
      AWS_DEFAULT_REGION: name,
      // Spares clients a wait for a metadata service that is not there.
      AWS_EC2_METADATA_DISABLED: 'true',
    }
  }

  async #startHere(
    names: readonly string[],
    options: { port: number; iamDelayMs: number },
  ): Promise<StartedRegions> {
    const gateway = await Gateway.open({ home: this.folder, ...options })
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
    const status = { pid: process.pid, port: gateway.port, regions: gateway.status() }
    return { ...this.#started(status, { isForeground: true }), ended, stop }
  }

  async #startDetached(
    names: readonly string[],
    { port, iamDelayMs }: { port: number; iamDelayMs: number },
  ): Promise<StartedRegions> {
    const folder = join(this.folder, 'gateway')
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    const logFile = join(folder, 'gateway.log')
    const log = openSync(logFile, 'a', 0o600)
    const program = entryPoint(import.meta.url, './gateway-process.ts')
    const child = fork(program, [this.folder, `${port}`, `${iamDelayMs}`, ...names], {
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
      if (running) return this.#started(await running.ask('status'), { isForeground: false })
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
      regions: this.#statuses(status),
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

  #statuses(status: GatewayStatus | undefined): RegionStatus[] {
    const running = new Map(status?.regions.map((region) => [region.name, region]))
    const names = new Set([...this.#names(), ...running.keys()])
    return [...names].sort().map((name) => {
      const region = running.get(name)
      return region?.isRunning
        ? { name, status: 'running', pid: region.pid, port: region.port }
        : { name, status: 'stopped' }
    })
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

  #regionFolder(name: string): string {
    return join(this.folder, 'regions', name)
  }
}

function endpointOf(port: number): string {
  return `http://127.0.0.1:${port}`
}
