import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { LifeboatError } from '../core/errors.ts'
import { type Authority, respond } from './respond.ts'
import { Responder } from './responder.ts'
import { TcpConnections } from './tcp-connections.ts'

const HOST = '127.0.0.1'
/** Bursts wait here while a query is answered, in bytes. */
const UDP_BUFFER_BYTES = 4 * 1024 * 1024
/** How often a port that is free for one protocol and taken for the other is given up for the next one. */
const PORT_ATTEMPTS = 20

/** An authoritative name server on the loopback interface: one port, by UDP and TCP. */
export class NameServer {
  readonly port: number

  private constructor(
    private readonly udp: UdpSocket,
    private readonly tcp: Server,
    private readonly connections: TcpConnections,
  ) {
    this.port = (tcp.address() as AddressInfo).port
  }

  /** @param port  0 lets the system choose. @throws LifeboatError `PortTaken` */
  static async listen(o: {
    port: number
    authority: Authority
    onError: (error: unknown) => void
  }): Promise<NameServer> {
    const connections = new TcpConnections((message) => respond(message, 'tcp', o.authority))
    const responder = new Responder(o.authority)
    for (let attempt = 1; ; attempt += 1) {
      const tcp = createServer({ noDelay: true }, (socket) => connections.serve(socket))
      await listening(tcp, o.port)
      const { port } = tcp.address() as AddressInfo
      try {
        const udp = await bound(port)
        udp.on('error', o.onError)
        tcp.on('error', o.onError)
        udp.on('message', (message, { port, address }) => {
          const response = responder.respond(message)
          if (response) udp.send(response, port, address)
        })
        return new NameServer(udp, tcp, connections)
      } catch (error) {
        tcp.close()
        if (o.port !== 0 || attempt === PORT_ATTEMPTS) throw error
      }
    }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.udp.close(() => resolve()))
    const closed = new Promise<void>((resolve) => this.tcp.close(() => resolve()))
    this.connections.close()
    await closed
  }
}

async function listening(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(portError(cause, port)))
    server.listen({ port, host: HOST, exclusive: true }, resolve)
  })
  server.removeAllListeners('error')
}

async function bound(port: number): Promise<UdpSocket> {
  const socket = createSocket({
    type: 'udp4',
    recvBufferSize: UDP_BUFFER_BYTES,
    // Every address is one already: Node's own look-up would take a turn of the event loop for each answer.
    lookup: (address, _options, found) => found(null, address, 4),
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      socket.close()
      reject(portError(cause, port))
    })
    socket.bind({ port, address: HOST, exclusive: true }, resolve)
  })
  socket.removeAllListeners('error')
  return socket
}

function portError(cause: NodeJS.ErrnoException, port: number): Error {
  if (cause.code !== 'EADDRINUSE' && cause.code !== 'EACCES') return cause
  const message =
    cause.code === 'EADDRINUSE'
      ? `port ${port} for DNS is taken by another program`
      : `port ${port} for DNS may not be used by this account`
  const hint = 'Choose another port with --dns-port; 0 takes any that is free.'
  return new LifeboatError('PortTaken', message, { hint, cause })
}
