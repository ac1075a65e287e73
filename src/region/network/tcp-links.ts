import { connect, createServer, type Server, type Socket } from 'node:net'
import { listening } from '../protocol/http-server.ts'
import { DelayLine } from './delay-line.ts'
import type { Flows } from './flows.ts'
import type { Journey } from './outages.ts'

/** From a region to a server of another one, as a database is that a standby streams from. */
export interface Link {
  readonly from: string
  readonly to: string
  /** Of the server, on 127.0.0.1. */
  readonly port: number
}

/**
 * The ways by which regions reach servers in other regions: a port of ours for each, behind which the outages decide what
 * passes. So a partition cuts connections that stand, and a slow region is slow for its standbys.
 */
export class TcpLinks {
  readonly #servers = new Map<string, Promise<Server>>()

  constructor(private readonly flows: Flows) {}

  /** A loopback port that leads there; the same each time. */
  async open(link: Link): Promise<number> {
    if (link.from === link.to) return link.port
    const key = `${link.from} ${link.to} ${link.port}`
    const opening = this.#servers.get(key) ?? this.#listen(link)
    this.#servers.set(key, opening)
    try {
      const address = (await opening).address()
      return typeof address === 'object' && address ? address.port : link.port
    } catch (error) {
      this.#servers.delete(key)
      throw error
    }
  }

  async close(): Promise<void> {
    for (const opening of this.#servers.values()) (await opening).close()
    this.#servers.clear()
  }

  async #listen(link: Link): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#pass(socket, link))
    await listening(server, 0)
    return server
  }

  #pass(near: Socket, { from, to, port }: Link): void {
    const journey: Journey = { from, to, isReplication: true }
    const cut = () => {
      near.destroy()
      far.destroy()
    }
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const ended = this.flows.begin(journey, cut)
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', () => {
        cut()
        ended()
      })
    }
    if (!this.flows.mayPass(journey)) {
      cut()
      return
    }
    const delayMs = () => this.flows.delayMs(journey)
    near.pipe(new DelayLine(delayMs)).pipe(far)
    far.pipe(new DelayLine(delayMs)).pipe(near)
  }
}
