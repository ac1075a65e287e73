import { Agent, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http'

/** Headers that belong to one connection and not to the request. */
const HOP_HEADERS = new Set(['connection', 'keep-alive', 'proxy-connection'])

/**
 * Passes requests on to region processes as they came: method, target, header lines and body are not touched,
 * so that what the client signed is what the region verifies.
 */
export class Forwarding {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })

  /**
   * A region that dies meanwhile closes the client's connection, as an unreachable region would.
   *
   * @param o.isAwaited  the client sends the body when it is told that the region wants it
   */
  forward(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { port, isAwaited }: { port: number; isAwaited: boolean },
  ): void {
    const cut = () => outgoing.destroy()
    const upstream = openRequest({
      agent: this.#agent,
      host: '127.0.0.1',
      port,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: withoutHopHeaders(incoming.rawHeaders),
      setHost: false,
    })
    upstream.on('response', (reply) => {
      // Who did not read a body to its end cannot find the next request.
      const isLast = reply.headers.connection === 'close'
      const headers = withoutHopHeaders(reply.rawHeaders)
      outgoing.writeHead(
        reply.statusCode ?? 502,
        isLast ? [...headers, 'connection', 'close'] : headers,
      )
      reply.on('error', cut)
      reply.pipe(outgoing)
    })
    upstream.on('error', cut)
    incoming.on('error', () => upstream.destroy())
    outgoing.on('close', () => upstream.destroy())
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
}

function withoutHopHeaders(rawHeaders: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!HOP_HEADERS.has(rawHeaders[i]!.toLowerCase()))
      kept.push(rawHeaders[i]!, rawHeaders[i + 1]!)
  }
  return kept
}
