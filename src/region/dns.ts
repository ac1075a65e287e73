import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { hostAddress } from '../dns/health/host-address.ts'
import { HealthMonitor } from '../dns/health/monitor.ts'
import { probe } from '../dns/health/probe.ts'
import { type AddressRange, Targets } from '../dns/health/targets.ts'
import { NameServer } from '../dns/name-server.ts'
import { Zones } from '../dns/zones.ts'
import { logError } from './error-log.ts'
import { AlarmClient, type ServiceKeys } from './route53/alarm-client.ts'
import { DataPlaneState } from './route53/data-plane-state.ts'
import { Route53Directory } from './route53/directory.ts'
import { Following } from './route53/following.ts'

/** How often the directory is looked at, in milliseconds. */
const POLL_MS = 50
const AFTER_FAILURE_MS = 1_000
const PORT_PATIENCE_MS = 3_000

/**
 * The data plane of Route 53 in this process: the name server of a home, and its health checkers. It needs no other process:
 * it serves on while nobody answers the API by which its records were made, and after its own end it goes on with the records
 * and the health that it knew.
 */
export class NameService {
  readonly #ending = new AbortController()
  #following: Promise<void> = Promise.resolve()

  private constructor(
    private readonly server: NameServer,
    private readonly monitor: HealthMonitor,
    private readonly directory: Route53Directory,
    private readonly state: DataPlaneState,
  ) {}

  /**
   * Reads all records and checks, then answers on 127.0.0.1, by UDP and TCP.
   *
   * @throws LifeboatError `PortTaken`, `FolderNotUsable`, `DiskFull`
   */
  static async open(o: NameServiceOptions): Promise<NameService> {
    const { port, clock, onError = logError } = o
    const directory = await Route53Directory.open(o.directoryFolder)
    const state = await DataPlaneState.open(o.folder)
    const targets = new Targets(o.checkTargets)
    const alarms = new AlarmClient({ endpoint: o.endpoint, sessions: o.sessions, clock })
    const zones = new Zones({ isHealthy: (id) => monitor.isHealthy(id), random: randomBelow })
    const monitor = new HealthMonitor({
      clock,
      store: state,
      probe: (check, signal) =>
        probe(check, {
          targets,
          addressOf: (host) => hostAddress(host, zones, targets),
          userAgent: `Amazon-Route53-Health-Check-Service (ref ${check.id})`,
          signal,
        }),
      alarmState: (alarm, signal) => alarms.state(alarm, signal),
      speed: o.checkSpeed ?? 1,
      onError,
    })
    const following = new Following({ directory, zones, monitor, state })
    following.catchUp()
    const server = await listening({ port, authority: zones, onError }, clock).catch(
      async (error: unknown) => {
        monitor.close()
        await Promise.all([state.close(), directory.close()])
        throw error
      },
    )
    const service = new NameService(server, monitor, directory, state)
    service.#following = service.#follow(following, clock, onError)
    return service
  }

  get port(): number {
    return this.server.port
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.server.close()
    await this.#following
    this.monitor.close()
    await Promise.all([this.state.close(), this.directory.close()])
  }

  async #follow(
    following: Following,
    clock: Clock,
    onError: (error: unknown) => void,
  ): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      let waitMs = POLL_MS
      try {
        following.catchUp()
        // Told only once questions are answered by it.
        if (this.state.applied !== following.applied) this.state.setApplied(following.applied)
      } catch (error) {
        onError(error)
        waitMs = AFTER_FAILURE_MS
      }
      await clock.sleep(waitMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  }
}

export interface NameServiceOptions {
  /** 0 lets the system choose. */
  readonly port: number
  /** Of what the name server alone writes. */
  readonly folder: string
  /** Of the records and checks, which the API writes. */
  readonly directoryFolder: string
  /** Where the regions answer whose alarms are watched. */
  readonly endpoint?: string
  readonly sessions: ServiceKeys
  /** What health checks may reach beside this machine; nothing by default. */
  readonly checkTargets?: readonly AddressRange[] | undefined
  /** How many times faster than on AWS health checks are made; 1 by default. */
  readonly checkSpeed?: number | undefined
  readonly clock: Clock
  /** Gets every failure of ours; prints it by default. */
  readonly onError?: (error: unknown) => void
}

/** While a name server is dead, any socket of this machine may have its port for a moment. */
async function listening(
  o: Parameters<typeof NameServer.listen>[0],
  clock: Clock,
): Promise<NameServer> {
  const deadlineMs = clock.monotonicMs() + PORT_PATIENCE_MS
  for (;;) {
    try {
      return await NameServer.listen(o)
    } catch (error) {
      const isTaken = error instanceof LifeboatError && error.code === 'PortTaken'
      if (!isTaken || clock.monotonicMs() >= deadlineMs) throw error
      await clock.sleep(POLL_MS)
    }
  }
}

function randomBelow(limit: number): number {
  return Number.parseInt(systemRandom.hex(12), 16) % limit
}
