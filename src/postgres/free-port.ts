import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { LifeboatError } from '../core/errors.ts'
import { type Random, systemRandom } from '../core/random.ts'

const LOWEST_PORT = 10_000
/** Handed out by this process, whether or not a server listens on them yet. */
const handedOut = new Set<number>()

/**
 * A loopback port that nobody listens on, to be kept for the life of a server.
 *
 * It lies below the range from which the kernel takes ports for outgoing connections. One of that range could be
 * taken by any client while the server is down: even by a client of that very server that tries to reconnect,
 * since TCP lets a loopback socket connect to itself.
 */
export async function freePort(random: Random = systemRandom): Promise<number> {
  const end = await firstOutgoingPort()
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const port = LOWEST_PORT + (Number.parseInt(random.hex(8), 16) % (end - LOWEST_PORT))
    if (handedOut.has(port) || !(await isFree(port))) continue
    handedOut.add(port)
    return port
  }
  throw new LifeboatError('PortTaken', `no port from ${LOWEST_PORT} to ${end - 1} is free`, {
    hint: 'End some of the programs that listen on this machine.',
  })
}

/** Lets a port be handed out again. */
export function releasePort(port: number): void {
  handedOut.delete(port)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** Source: ip-sysctl.rst, ip_local_port_range. */
async function firstOutgoingPort(): Promise<number> {
  try {
    const [first] = (await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')).split('\t')
    return Math.max(Number(first), LOWEST_PORT + 1_000)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return 32_768
  }
}
