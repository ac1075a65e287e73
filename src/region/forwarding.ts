import { Agent, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http'
import { DelayLine } from './network/delay-line.ts'
import { Flows } from './network/flows.ts'
import type { Journey } from './network/outages.ts'

/** Headers that belong to one connection and not to the request. */
const HOP_HEADERS = new Set(['connection', 'keep-alive', 'proxy-connection'])

/**
 * Passes requests on to region processes as they came: method, target, header lines and body are not touched,
 * so that what the client signed is what the region verifies. Outages decide what passes and when it arrives.
 */
export class Forwarding {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })

  constructor(private readonly flows: Flows = new Flows()) {}

  /**
   * A region that dies meanwhile closes the client's connection, as an unreachable region would.
   *
   * @param o.isAwaited  the client sends the body when it is told that the region wants it
   */
  forward(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { port, isAwaited, ...journey }: Journey & { port: number; isAwaited: boolean },
  ): void {
    const cut = () => outgoing.destroy()
    if (!this.flows.mayPass(journey)) {
      cut()
      return
    }
    const upstream = openRequest({
      agent: this.#agent,
      host: '127.0.0.1',
      port,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: withoutHopHeaders(incoming.rawHeaders),
      setHost: false,
    })
    const ended = this.flows.begin(journey, cut)
    upstream.on('response', (reply) => {
      reply.on('error', cut)
      this.#answer(reply, outgoing, journey)
    })
    upstream.on('error', cut)
    incoming.on('error', () => upstream.destroy())
    outgoing.on('close', () => {
      ended()
      upstream.destroy()
    })
    if (!isAwaited) return void incoming.pipe(upstream)
    upstream.once('continue', () => {
      outgoing.writeContinue()
      incoming.pipe(upstream)
    })
    upstream.flushHeaders()
  }

  close(): void {
    this.#agent.destroy()
  }

  #answer(reply: IncomingMessage, outgoing: ServerResponse, journey: Journey): void {
    const delayMs = () => this.flows.delayMs(journey)
    const begin = () => {
      if (outgoing.destroyed) return
      const headers = withoutHopHeaders(reply.rawHeaders)
      // Who did not read a body to its end cannot find the next request.
      const isLast = reply.headers.connection === 'close'
      if (isLast) headers.push('connection', 'close')
      outgoing.writeHead(reply.statusCode ?? 502, headers)
      // A stream between regions lives long, and may become slow later.
      if (journey.from !== undefined) reply.pipe(new DelayLine(delayMs)).pipe(outgoing)
      else reply.pipe(outgoing)
    }
    if (journey.from === undefined && delayMs() > 0) setTimeout(begin, delayMs())
    else begin()
  }
}

function withoutHopHeaders(rawHeaders: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!HOP_HEADERS.has(rawHeaders[i]!.toLowerCase()))
      kept.push(rawHeaders[i]!, rawHeaders[i + 1]!)
  }
  return kept
}
