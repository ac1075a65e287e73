import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from '../../trials/trial-region.ts'

/** One request that the sink has received. */
export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** How many requests to hanging paths were still waited for when it came. */
  readonly besideHanging: number
}

/** The JSON of a message, as its receivers read it. */
export type Envelope = Readonly<Record<string, string>> & {
  readonly MessageAttributes?: Readonly<Record<string, { Type: string; Value: string }>>
}

/** An HTTP endpoint that keeps what it gets. Each path is an endpoint of its own, which can be told how to answer. */
export class HttpSink {
  readonly received: Received[] = []
  readonly #statuses = new Map<string, number[]>()
  readonly #hanging = new Set<string>()
  #hangingRequests = 0

  private constructor(private readonly server: Server) {}

  static async open(): Promise<HttpSink> {
    const server = createServer()
    const sink = new HttpSink(server)
    server.on('request', async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const path = request.url ?? ''
      const besideHanging = sink.#hangingRequests
      sink.received.push({ path, headers: request.headers, body, besideHanging })
      if (sink.#hanging.has(path)) {
        sink.#hangingRequests += 1
        response.once('close', () => {
          sink.#hangingRequests -= 1
        })
        return
      }
      const statuses = sink.#statuses.get(path) ?? []
      response.writeHead((statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 200).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return sink
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`
  }

  /** How the requests to a path are answered, one after the other; the last one stays. */
  answer(path: string, ...statuses: number[]): void {
    this.#statuses.set(path, statuses)
  }

  /** Requests to a path are not answered from now on. */
  hang(path: string): void {
    this.#hanging.add(path)
  }

  at(path: string): Received[] {
    return this.received.filter((one) => one.path === path)
  }

  /** What came to a path, as soon as it is so much. */
  async waitFor(path: string, count = 1, deadlineMs = 60_000): Promise<Received[]> {
    await until(`${count} messages have come to ${path}`, deadlineMs, async () => {
      return this.at(path).length >= count
    })
    return this.at(path)
  }

  /** The message that came to a path as the nth, counted from 1. */
  async message(path: string, number = 1): Promise<Envelope> {
    const received = await this.waitFor(path, number)
    return JSON.parse(received[number - 1]!.body)
  }
}
