import { isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionTarget } from './connection-target.ts'
import { unreachable } from './log-in-failure.ts'

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f])

/** The socket when it is connected and, if asked for, secured. */
export async function readySocket(socket: Socket, target: ConnectionTarget): Promise<Socket> {
  await eventOf(socket, 'connect')
  if (target.tls !== 'require') return socket

  socket.write(SSL_REQUEST)
  const [answer] = await eventOf<[Buffer]>(socket, 'data')
  // Anything after the one byte was put there by somebody in between (CVE-2021-23222).
  if (answer.length !== 1 || answer[0] !== 'S'.charCodeAt(0)) {
    throw unreachable(target, 'it does not offer TLS')
  }
  const secured = connectTls({
    socket,
    host: target.host,
    ...(isIP(target.host) ? {} : { servername: target.host }),
    ...(target.tlsAuthority === undefined ? {} : { ca: target.tlsAuthority }),
  })
  await eventOf(secured, 'secureConnect')
  return secured
}

function eventOf<Values extends unknown[]>(socket: Socket, event: string): Promise<Values> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      socket.off('error', fail)
      socket.off('close', end)
      socket.off(event, succeed)
    }
    const fail = (error: Error) => {
      settle()
      // A second error of a socket that has failed is of no interest, but it must have a listener.
      socket.on('error', () => undefined)
      reject(error)
    }
    const end = () => fail(new Error('the server closed the connection'))
    const succeed = (...values: unknown[]) => {
      settle()
      resolve(values as Values)
    }
    socket.once('error', fail)
    socket.once('close', end)
    socket.once(event, succeed)
  })
}
