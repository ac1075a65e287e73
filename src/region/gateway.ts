import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { FolderLock } from './folder-lock.ts'
import { Forwarding } from './forwarding.ts'
import { AuthFault } from './protocol/auth-fault.ts'
import { speaksJson } from './protocol/dispatch.ts'
import { Fault } from './protocol/fault.ts'
import { parseForm } from './protocol/form.ts'
import { GLOBAL_SERVICES } from './protocol/global-services.ts'
import { closeServer, limitedServer, listening, send, serveAll } from './protocol/http-server.ts'
import { isPresignedV2 } from './protocol/presigned-v2.ts'
import { headersByName, type RawHead, splitTarget } from './protocol/raw-request.ts'
import { jsonErrorReply, queryErrorReply } from './protocol/reply.ts'
import { claimedScope, isAnonymous, isSignedOtherwise } from './protocol/signature-claim.ts'
import { RegionChild } from './region-child.ts'
import { regionOfBucket } from './s3/region-of-bucket.ts'

/**
 * One endpoint for all regions of a home. A request goes to the region in its credential scope; the gateway
 * verifies nothing and holds no keys.
 *
 * Each region is a child process that leads a group of its own. A region that has died answers as a dead one:
 * the connection is closed. The gateway lives on, and `start` revives the region.
 */
export class Gateway {
  readonly #children = new Map<string, RegionChild>()
  readonly #starting = new Map<string, Promise<RegionChild>>()
  readonly #forwarding = new Forwarding()
  #isClosed = false

  private constructor(
    private readonly o: { home: string; iamDelayMs: number },
    private readonly server: Server,
    private readonly lock: FolderLock,
  ) {}

  /**
   * Listens on 127.0.0.1 with no region yet. One gateway owns a home (I9).
   *
   * @param port        0 lets the system choose
   * @param iamDelayMs  how long changes of policies take until they are effective; see `RegionOptions`
   * @throws LifeboatError `AlreadyRunning`, `PortTaken`, `FolderNotUsable`
   */
  static async open({
    home,
    port,
    iamDelayMs = 0,
  }: {
    home: string
    port: number
    iamDelayMs?: number
  }): Promise<Gateway> {
    const lock = await FolderLock.acquire(`${home}/gateway`)
    const server = limitedServer()
    try {
      await listening(server, port)
    } catch (error) {
      await lock.release()
      throw error
    }
    const gateway = new Gateway({ home, iamDelayMs }, server, lock)
    serveAll(server, (request, response, isAwaited) => gateway.#route(request, response, isAwaited))
    return gateway
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Starts the regions that do not run; resolves when all of them answer. Safe to call again. */
  async start(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#ensure(checkedName(name))))
  }

  status(): { name: string; isRunning: boolean; pid: number; port: number }[] {
    return [...this.#children.values()].map(({ name, isAlive, identity, port }) => ({
      name,
      isRunning: isAlive,
      pid: identity.pid,
      port,
    }))
  }

  /** Stops every region in an orderly way, then stops listening. Safe to call again. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const starting = await Promise.allSettled(this.#starting.values())
    const started = starting.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    const all = new Set([...this.#children.values(), ...started])
    await Promise.all([...all].map((child) => child.stop()))
    this.#forwarding.close()
    await closeServer(this.server)
    await this.lock.release()
  }

  async #ensure(name: string): Promise<void> {
    if (this.#isClosed) throw new LifeboatError('RegionUnreachable', 'the gateway is closing')
    if (this.#children.get(name)?.isAlive) return
    const start = this.#starting.get(name) ?? this.#startRegion(name)
    this.#starting.set(name, start)
    try {
      this.#children.set(name, await start)
    } finally {
      this.#starting.delete(name)
    }
  }

  #startRegion(name: string): Promise<RegionChild> {
    return RegionChild.start(this.o.home, name, { ...this.o, gatewayPort: this.port })
  }

  #route(request: IncomingMessage, response: ServerResponse, isAwaited: boolean): void {
    const headers = headersByName(request.rawHeaders)
    try {
      const target = request.url ?? ''
      const head = { method: request.method ?? '', target, rawHeaders: request.rawHeaders }
      const region = this.#regionFor(head, headers)
      if (!region) {
        throw new AuthFault(
          'SignatureDoesNotMatch',
          'Credential should be scoped to a valid region.',
        )
      }
      const { isAlive, port } = region
      if (isAlive) this.#forwarding.forward(request, response, { port, isAwaited })
      else response.destroy()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      request.resume()
      const errorReply = speaksJson(headers) ? jsonErrorReply : queryErrorReply
      // A body that waits to be sent may never come.
      send(
        response,
        errorReply(error, systemRandom.hex(32)),
        isAwaited ? { connection: 'close' } : {},
      )
    }
  }

  #regionFor(
    head: RawHead,
    headers: ReadonlyMap<string, readonly string[]>,
  ): RegionChild | undefined {
    const { target } = head
    const open = { host: headers.get('host')?.[0] ?? '', target }
    if (isAnonymous(head) || isPresignedV2(head) || isSignedOtherwise(head)) {
      return this.#openRegion(open)
    }
    const { region, service } = claimedScope(headers, parseForm(splitTarget(target).queryText))
    const named = this.#children.get(region)
    // S3 tells its clients which region they should sign for.
    if (!named && service === 's3') return this.#openRegion(open)
    // A service that is one for all regions is answered by any that lives, if it can be by the one that is named.
    if (named?.isAlive || !GLOBAL_SERVICES.has(service)) return named
    return [...this.#children.values()].find(({ isAlive }) => isAlive) ?? named
  }

  /**
   * Who does not sign, or with no region, names a region by the host (`bucket.s3.REGION.localhost`), or means that of the bucket,
   * or the first one.
   *
   * Unlike AWS: also a bucket that the path names is found so, which AWS redirects to its region.
   */
  #openRegion(o: { host: string; target: string }): RegionChild | undefined {
    const label = o.host.split(/[.:]/).find((name) => this.#children.has(name))
    const named = label ?? regionOfBucket(join(this.o.home, 'buckets'), o) ?? ''
    return this.#children.get(named) ?? [...this.#children.values()][0]
  }
}

/** @throws LifeboatError `InvalidUsage` for what cannot be the name of a region, or of its folder. */
function checkedName(name: string): string {
  if (/^[a-z]{2,3}(-[a-z]{2,16}){1,3}-\d{1,2}$/.test(name)) return name
  throw new LifeboatError('InvalidUsage', `'${name}' is not the name of a region`, {
    hint: "Name a region as AWS does, like 'ap-southeast-1'.",
  })
}
