import { existsSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { FolderLock } from './folder-lock.ts'
import { Forwarding } from './forwarding.ts'
import { HomeChild } from './home-child.ts'
import {
  dnsProgram,
  GLOBAL_PROCESSES,
  globalProgram,
  type HomeProgram,
  isGlobalProcess,
  processFolder,
  regionProgram,
} from './home-programs.ts'
import { Flows } from './network/flows.ts'
import { OutageSwitch } from './network/outage-switch.ts'
import { type OutageOrder, type Outages, withOutage, withoutOutage } from './network/outages.ts'
import { TcpLinks } from './network/tcp-links.ts'
import { PEER_SCOPE } from './peer/peer-client.ts'
import { AuthFault } from './protocol/auth-fault.ts'
import type { CredentialScope } from './protocol/canonical-request.ts'
import { errorReplyFor } from './protocol/error-reply.ts'
import { Fault } from './protocol/fault.ts'
import { parseForm } from './protocol/form.ts'
import { GLOBAL_REGION, GLOBAL_SERVICES } from './protocol/global-services.ts'
import { closeServer, limitedServer, listening, send, serveAll } from './protocol/http-server.ts'
import { isPresignedV2 } from './protocol/presigned-v2.ts'
import { headersByName, type RawHead, splitTarget } from './protocol/raw-request.ts'
import { SENDER_HEADER } from './protocol/sender.ts'
import { claimedScope, isAnonymous, isSignedOtherwise } from './protocol/signature-claim.ts'
import { regionOfBucket } from './s3/region-of-bucket.ts'
import { REPLICA_HEADER } from './s3/replication/manifest.ts'
import { openTargetOf } from './sns/open-target.ts'

export interface GatewayOptions {
  /** Of the one endpoint; 0 lets the system choose. */
  readonly port: number
  /** Of the name server; 0, the default, lets the system choose. */
  readonly dnsPort?: number
  /** How long changes of policies take until they are effective; 0 by default. See `RegionOptions`. */
  readonly iamDelayMs?: number
  /** What health checks may reach beside this machine, as `10.0.0.0/8`; nothing by default. */
  readonly checkTargets?: readonly string[]
  /** How many times faster than on AWS health checks are made; 1 by default. */
  readonly checkSpeed?: number
}

/** A process of the home, as it is now. */
export interface ChildStatus {
  readonly name: string
  readonly isRunning: boolean
  readonly pid: number
  readonly port: number
}

/**
 * One endpoint for all regions of a home and for its global services. A request goes to the process in its credential
 * scope; the gateway verifies nothing and holds no keys.
 *
 * Each region, the global services and DNS are child processes that lead groups of their own. One that has died answers as
 * a dead one: the connection is closed. The gateway lives on, and `start` revives the process.
 */
export class Gateway {
  readonly #children = new Map<string, HomeChild>()
  readonly #starting = new Map<string, Promise<HomeChild>>()
  readonly #forwarding: Forwarding
  readonly #links: TcpLinks
  /** The port that the name server has had since its first start: resolvers know it. */
  #dnsPort: number
  #isClosed = false

  private constructor(
    private readonly o: GatewayOptions & { home: string },
    private readonly server: Server,
    private readonly lock: FolderLock,
    private readonly passage: { readonly flows: Flows; readonly outages: OutageSwitch },
  ) {
    this.#forwarding = new Forwarding(passage.flows)
    this.#links = new TcpLinks(passage.flows)
    this.#dnsPort = o.dnsPort ?? 0
  }

  /**
   * Listens on 127.0.0.1 with no process behind it yet. One gateway owns a home (I9).
   *
   * @throws LifeboatError `AlreadyRunning`, `PortTaken`, `FolderNotUsable`
   */
  static async open(o: GatewayOptions & { home: string }): Promise<Gateway> {
    const flows = new Flows()
    const outages = await OutageSwitch.open(o.home, flows)
    const lock = await FolderLock.acquire(`${o.home}/gateway`)
    const server = limitedServer()
    try {
      await listening(server, o.port)
    } catch (error) {
      await lock.release()
      throw error
    }
    const gateway = new Gateway(o, server, lock, { flows, outages })
    serveAll(server, (request, response, isAwaited) => gateway.#route(request, response, isAwaited))
    return gateway
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Of the name server, whether it lives or not; 0 before its first start. */
  get dnsPort(): number {
    return this.#dnsPort
  }

  /**
   * Starts what does not run of regions, `global` and `dns`; resolves when all answer. What an outage has killed stays dead.
   * Safe to call again.
   */
  async start(names: readonly string[]): Promise<void> {
    for (const name of names) checkName(name)
    await Promise.all(names.map((name) => this.#ensure(name)))
  }

  status(): ChildStatus[] {
    return [...this.#children.values()].map(({ name, isAlive, identity, port }) => ({
      name,
      isRunning: isAlive,
      pid: identity.pid,
      port,
    }))
  }

  get outages(): Outages {
    return this.passage.outages.outages
  }

  /**
   * Makes an outage, until it is lifted; it outlives this process. In effect when it resolves.
   *
   * @throws LifeboatError `InvalidUsage` for what cannot be meant, or not beside the outages that there are
   */
  async breakDown(name: string, order: OutageOrder): Promise<void> {
    this.#checkKnown(name)
    if (order.kind === 'partition') this.#checkKnown(order.from)
    await this.passage.outages.change((before) => withOutage(before, name, order))
    const child = this.#children.get(name)
    if (order.kind === 'kill') await child?.kill()
    if (order.kind === 'freeze') child?.signalGroup('SIGSTOP')
  }

  /** Ends every outage that a process takes part in; one that was killed answers when it resolves. Safe to call again. */
  async lift(name: string): Promise<void> {
    this.#checkKnown(name)
    const { isKilled, isFrozen } = this.passage.outages.of(name)
    await this.passage.outages.change((before) => withoutOutage(before, name))
    if (isFrozen) this.#children.get(name)?.signalGroup('SIGCONT')
    if (isKilled) await this.#ensure(name)
  }

  /** Stops every process in an orderly way, then stops listening. Safe to call again. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const starting = await Promise.allSettled(this.#starting.values())
    const started = starting.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    const all = new Set([...this.#children.values(), ...started])
    await Promise.all([...all].map((child) => child.stop()))
    this.#forwarding.close()
    await this.#links.close()
    await closeServer(this.server)
    await this.lock.release()
  }

  async #ensure(name: string): Promise<void> {
    if (this.#isClosed) throw new LifeboatError('RegionUnreachable', 'the gateway is closing')
    if (this.#children.get(name)?.isAlive || this.passage.outages.of(name).isKilled) return
    const portTo = (to: string, port: number) => this.#links.open({ from: name, to, port })
    const start = this.#starting.get(name) ?? HomeChild.start(this.#program(name), { portTo })
    this.#starting.set(name, start)
    try {
      const child = await start
      this.#children.set(name, child)
      const { isKilled, isFrozen } = this.passage.outages.of(name)
      if (isKilled) await child.kill()
      if (isFrozen) child.signalGroup('SIGSTOP')
      if (name === 'dns') this.#dnsPort = child.port
    } finally {
      this.#starting.delete(name)
    }
  }

  #program(name: string): HomeProgram {
    const { home, iamDelayMs = 0, checkTargets, checkSpeed } = this.o
    const gatewayPort = this.port
    if (name === 'global') return globalProgram(home, { iamDelayMs })
    if (name === 'dns') {
      return dnsProgram(home, { port: this.#dnsPort, gatewayPort, checkTargets, checkSpeed })
    }
    return regionProgram(home, name, { iamDelayMs, gatewayPort })
  }

  #checkKnown(name: string): void {
    checkName(name)
    const isThere = this.#children.has(name) || existsSync(processFolder(this.o.home, name))
    if (isThere) return
    throw new LifeboatError('InvalidUsage', `this home has no region '${name}'`, {
      hint: 'Look which it has: lifeboat region status.',
    })
  }

  #region(name: string): HomeChild | undefined {
    return isGlobalProcess(name) ? undefined : this.#children.get(name)
  }

  #route(request: IncomingMessage, response: ServerResponse, isAwaited: boolean): void {
    const headers = headersByName(request.rawHeaders)
    const target = request.url ?? ''
    const head = { method: request.method ?? '', target, rawHeaders: request.rawHeaders }
    try {
      const scope = this.#scopeOf(head, headers)
      const child = this.#childFor(scope, { head, host: headers.get('host')?.[0] ?? '' })
      if (!child) {
        throw new AuthFault(
          'SignatureDoesNotMatch',
          'Credential should be scoped to a valid region.',
        )
      }
      if (child.isEndTold) {
        response.destroy()
        return
      }
      const from = headers.get(SENDER_HEADER)?.[0]
      const isReplication = scope?.service === PEER_SCOPE || headers.has(REPLICA_HEADER)
      const { name: to, port } = child
      this.#forwarding.forward(request, response, { from, to, isReplication, port, isAwaited })
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      request.resume()
      // A body that waits to be sent may never come.
      send(
        response,
        errorReplyFor(head)(error, systemRandom.hex(32)),
        isAwaited ? { connection: 'close' } : {},
      )
    }
  }

  /** Undefined for who does not sign, or in a way that names no region. */
  #scopeOf(
    head: RawHead,
    headers: ReadonlyMap<string, readonly string[]>,
  ): CredentialScope | undefined {
    const isOpen = openTargetOf(head) || isAnonymous(head)
    if (isOpen || isPresignedV2(head) || isSignedOtherwise(head)) return undefined
    return claimedScope(headers, parseForm(splitTarget(head.target).queryText))
  }

  #childFor(
    scope: CredentialScope | undefined,
    { head, host }: { head: RawHead; host: string },
  ): HomeChild | undefined {
    if (!scope) return this.#openRegion({ host, head })
    const { region, service } = scope
    const isGlobal =
      GLOBAL_SERVICES.has(service) || (service === 'sts' && this.#isGlobalSts(region, host))
    if (isGlobal) return this.#children.get('global')
    // S3 tells its clients which region they should sign for.
    return this.#region(region) ?? (service === 's3' ? this.#openRegion({ host, head }) : undefined)
  }

  /**
   * Who does not sign, or with no region, names a region by the host (`bucket.s3.REGION.localhost`), or means that of the bucket or
   * topic, or the first one.
   *
   * Unlike AWS: also a bucket that the path names is found so, which AWS redirects to its region.
   */
  #openRegion({ host, head }: { host: string; head: RawHead }): HomeChild | undefined {
    const label = host.split(/[.:]/).find((name) => this.#region(name))
    const { target } = head
    const named =
      openTargetOf(head)?.region ??
      label ??
      regionOfBucket(join(this.o.home, 'buckets'), { host, target })
    const [first = ''] = [...this.#children.keys()].filter((name) => !isGlobalProcess(name))
    return this.#region(named ?? '') ?? this.#region(first)
  }

  /**
   * STS has an endpoint in each region and a global one, which is signed for as that of us-east-1 is. It is meant by its
   * host, and where the home has no such region.
   */
  #isGlobalSts(region: string, host: string): boolean {
    if (region !== GLOBAL_REGION) return false
    return /^sts\.(amazonaws\.com|localhost)(:|$)/.test(host) || !this.#region(region)
  }
}

/** @throws LifeboatError `InvalidUsage` for what cannot be the name of a process, or of its folder. */
function checkName(name: string): void {
  if (isGlobalProcess(name) || /^[a-z]{2,3}(-[a-z]{2,16}){1,3}-\d{1,2}$/.test(name)) return
  const others = GLOBAL_PROCESSES.map((one) => `'${one}'`).join(' or ')
  throw new LifeboatError('InvalidUsage', `'${name}' is not the name of a region`, {
    hint: `Name a region as AWS does, like 'ap-southeast-1', or ${others}.`,
  })
}
