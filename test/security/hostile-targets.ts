import { once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** A health check of something that means harm, and what is told of it. */
interface Hostile {
  readonly status: RegExp
  readonly [member: string]: unknown
}

const flood = (socket: Socket, head: string) => {
  socket.write(head)
  const more = () => {
    while (socket.writable && socket.write(Buffer.alloc(64 * 1024, 'z')));
  }
  socket.on('drain', more)
  more()
}
const drip = (socket: Socket, head: string) => {
  socket.write(head)
  const timer = setInterval(() => socket.write('x'), 50)
  socket.on('close', () => clearInterval(timer))
}
/** A record of TLS that announces a ServerHello without end. */
const TLS_FLOOD = Buffer.from('16030340000200ffffff', 'hex').toString('latin1')

/** Servers that mean harm, beside a good one, and what they lead to. */
export class HostileTargets {
  /** How often what a redirection names was asked. */
  followed = 0
  readonly good = { port: 0, requests: 0, isWell: true }
  readonly hanging = { port: 0 }
  readonly #ports = new Map<string, number>()
  readonly #servers: (Server | HttpServer)[] = []
  readonly #sockets = new Set<Socket>()
  readonly #fillers: Socket[] = []
  #worker: Worker | undefined

  static async open(): Promise<HostileTargets> {
    const targets = new HostileTargets()
    await targets.#openGood()
    const admin = await targets.#listen(
      createServer((socket) => {
        targets.followed += 1
        socket.destroy()
      }),
    )
    const moved = (to: string) => (socket: Socket) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`)
    await targets.#serve('drips', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX-A: '))
    await targets.#serve('drips a body', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n'))
    await targets.#serve('headers', (socket) => flood(socket, 'HTTP/1.1 200 OK\r\nX-A: '))
    await targets.#serve('body', (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n\r\n'))
    await targets.#serve('metadata', moved('http://169.254.169.254/latest/meta-data/'))
    await targets.#serve('admin', moved(`http://127.0.0.1:${admin}/stop`))
    await targets.#serve('garbage', (socket) => flood(socket, '\x00\xff no TLS'))
    await targets.#serve('tls', (socket) => flood(socket, TLS_FLOOD))
    await targets.#serve('mute', () => undefined)
    await targets.#serve('resets', (socket) => socket.resetAndDestroy())
    await targets.#openHanging()
    return targets
  }

  /** Connections that are open to those that answer at all. */
  get connections(): number {
    return this.#sockets.size
  }

  all(): Hostile[] {
    const at = (name: string, status: RegExp, more: object = {}): Hostile => ({
      ...{ Port: this.#ports.get(name)!, status },
      ...more,
    })
    const byName = (FullyQualifiedDomainName: string, status: RegExp): Hostile => ({
      ...{ IPAddress: undefined, FullyQualifiedDomainName, Port: 80, status },
    })
    const searched = { Type: 'HTTP_STR_MATCH', SearchString: 'needle' }
    const unreachable = /The address 169\.254\.169\.254 is not one that health checks may reach/
    return [
      at('drips', /^Failure: .*timed out/),
      at('drips a body', /^Failure: .*timed out/, searched),
      at('headers', /^Failure: .*longer than/),
      at('body', /^Success/),
      at('body', /^Failure: .*search string/, searched),
      at('metadata', /^Success: HTTP Status Code 302/),
      at('admin', /^Success: HTTP Status Code 302/),
      at('garbage', /^Failure: (SSL|The connection was closed)/, { Type: 'HTTPS' }),
      at('tls', /^Failure: (SSL|The connection was closed)/, { Type: 'HTTPS' }),
      at('mute', /^Failure: .*timed out/, { Type: 'HTTPS' }),
      at('resets', /^Failure: .*closed by the endpoint/),
      byName('metadata.others.test', unreachable),
      byName('by-name.others.test', unreachable),
      byName('169.254.169.254', unreachable),
    ]
  }

  async close(): Promise<void> {
    for (const socket of [...this.#sockets, ...this.#fillers]) socket.destroy()
    await Promise.all(
      this.#servers.map((server) => new Promise((resolve) => server.close(resolve))),
    )
    await this.#worker?.terminate()
  }

  async #openGood(): Promise<void> {
    const server = createHttpServer((_, response) => {
      this.good.requests += 1
      response.writeHead(this.good.isWell ? 200 : 503, { connection: 'close' }).end()
    })
    this.good.port = await this.#listen(server)
  }

  /** Does with each connection, once something was asked, what is said. */
  async #serve(name: string, answer: (socket: Socket) => void): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
      socket.once('data', () => answer(socket))
    })
    this.#ports.set(name, await this.#listen(server))
  }

  async #listen(server: Server | HttpServer): Promise<number> {
    this.#servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  /** A port whose queue of connections is full, and nobody accepts one: whoever connects waits. */
  async #openHanging(): Promise<void> {
    const program = `
      const { parentPort } = require('node:worker_threads')
      const server = require('node:net').createServer()
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        parentPort.postMessage(server.address().port)
        setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
      })`
    this.#worker = new Worker(program, { eval: true })
    const [port] = (await once(this.#worker, 'message')) as [number]
    this.hanging.port = port
    for (let n = 0; n < 4; n += 1) {
      const filler = connect(port, '127.0.0.1')
      filler.on('error', () => filler.destroy())
      this.#fillers.push(filler)
    }
  }
}
