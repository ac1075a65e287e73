import { type IncomingMessage, request } from 'node:http'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Endpoint, Observation } from './health-check.ts'
import type { Targets } from './targets.ts'

/** What a request to an endpoint depends on. */
export interface ProbeOptions {
  readonly targets: Targets
  /** The IPv4 address of a host; undefined when it has none. */
  readonly addressOf: (host: string) => Promise<string | undefined>
  /** Who asks, as HTTP names it. */
  readonly userAgent: string
  readonly signal: AbortSignal
  readonly limits?: ProbeLimits
}

/** In milliseconds. */
export interface ProbeLimits {
  /** Until a connection is there. */
  readonly connectMs: number
  /** Likewise, when the connection is all that is wanted. */
  readonly connectOnlyMs: number
  /** From then until the status is there. */
  readonly statusMs: number
  /** From then until enough of the body is there. */
  readonly bodyMs: number
}

/** Source: Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check is healthy". */
const AWS_LIMITS: ProbeLimits = {
  connectMs: 4_000,
  connectOnlyMs: 10_000,
  statusMs: 2_000,
  bodyMs: 2_000,
}

/** Source: as above, and "Quotas on health checks". In bytes. */
const SEARCHED_BYTES = 5_120
const MAX_HEADER_BYTES = 16_384

const TIMED_OUT =
  'Connection timed out. The endpoint or the network connection is down, or requests are being blocked by a firewall.'

const REFUSED = 'Connection refused.'

/** What is no fault of an endpoint: without a socket nothing is known of it. */
const OF_THIS_MACHINE = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/** The reason why an endpoint is not healthy, in words. */
class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure'
}

/**
 * Asks an endpoint once. Whatever it answers, no more than so many bytes are read for no longer than so long, and no redirect is
 * followed.
 *
 * @throws the signal's reason when it aborts; what says that this machine has no room for a request
 */
export async function probe(endpoint: Endpoint, o: ProbeOptions): Promise<Omit<Observation, 'at'>> {
  const limits = o.limits ?? AWS_LIMITS
  let about = ''
  let socket: Socket | undefined
  try {
    const address = endpoint.address ?? (await lookedUp(endpoint, o))
    if (!endpoint.address) about = `Resolved IP: ${address}`
    if (!o.targets.isAllowed(address)) {
      throw new ProbeFailure(`The address ${address} is not one that health checks may reach here.`)
    }
    socket = await connected(endpoint, address, o.signal, limits)
    if (endpoint.protocol === 'tcp') return success('TCP connection established', about)
    const status = await httpStatus(endpoint, address, socket, { ...o, limits })
    return success(status, about)
  } catch (error) {
    o.signal.throwIfAborted()
    if (OF_THIS_MACHINE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    const words = reasonOf(error)
    return { isSuccess: false, status: `Failure: ${withResolved(words, about)}` }
  } finally {
    socket?.destroy()
  }
}

function success(words: string, about: string): Omit<Observation, 'at'> {
  return { isSuccess: true, status: `Success: ${withResolved(words, about)}` }
}

function withResolved(words: string, about: string): string {
  return about ? `${words.replace(/\.$/, '')}. ${about}` : words
}

async function lookedUp({ host }: Endpoint, { addressOf }: ProbeOptions): Promise<string> {
  const address = await addressOf(host ?? '')
  if (address === undefined) {
    throw new ProbeFailure(`DNS resolution failed: no IPv4 address of '${host}' is known here.`)
  }
  return address
}

async function connected(
  { port, protocol }: Endpoint,
  host: string,
  signal: AbortSignal,
  { connectMs, connectOnlyMs }: ProbeLimits,
): Promise<Socket> {
  const socket = connectTcp({ host, port, autoSelectFamily: false })
  try {
    return await within(
      protocol === 'tcp' ? connectOnlyMs : connectMs,
      signal,
      (resolve, reject) => {
        socket.once('connect', () => {
          if (isItself(socket)) reject(new ProbeFailure(REFUSED))
          else resolve(socket)
        })
        socket.on('error', reject)
      },
    )
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** On one machine a port where nobody listens may be the very port that is connected from: TCP then meets itself. */
function isItself({ localPort, remotePort, localAddress, remoteAddress }: Socket): boolean {
  return localPort === remotePort && localAddress === remoteAddress
}

async function httpStatus(
  endpoint: Endpoint,
  address: string,
  tcp: Socket,
  o: ProbeOptions & { limits: ProbeLimits },
): Promise<string> {
  const response = await within<IncomingMessage>(o.limits.statusMs, o.signal, (resolve, reject) => {
    const asked = request({
      createConnection: () => transport(endpoint, tcp).on('error', reject),
      path: endpoint.path,
      maxHeaderSize: MAX_HEADER_BYTES,
      setHost: false,
      headers: {
        host: hostHeader(endpoint, address),
        'user-agent': o.userAgent,
        accept: '*/*',
        connection: 'close',
      },
    })
    asked.on('response', resolve)
    // Without anybody who listens, an upgrade would end the connection as an error of its own.
    asked.on('upgrade', resolve)
    asked.on('error', reject)
    tcp.on('error', reject)
    tcp.on('close', () => reject(new ProbeFailure('The connection was closed by the endpoint.')))
    asked.end()
  })
  const { statusCode = 0, statusMessage } = response
  const words = `HTTP Status Code ${statusCode}${statusMessage ? `, ${printable(statusMessage)}` : ''}`
  if (statusCode < 200 || statusCode >= 400) throw new ProbeFailure(words)
  if (endpoint.search !== undefined && !(await bodyHas(response, endpoint.search, o))) {
    throw new ProbeFailure(
      `${words}. The search string is not in the first ${SEARCHED_BYTES} bytes of the response body.`,
    )
  }
  return words
}

/** Certificates are not looked at: what is asked is whether the endpoint answers. */
function transport({ protocol, sendsServerName, host }: Endpoint, tcp: Socket): Socket {
  if (protocol !== 'https') return tcp
  const isNamed = sendsServerName && host !== undefined && isIP(host) === 0
  return connectTls({
    socket: tcp,
    rejectUnauthorized: false,
    minVersion: 'TLSv1',
    ...(isNamed ? { servername: host } : {}),
  })
}

async function bodyHas(
  response: IncomingMessage,
  search: string,
  o: ProbeOptions & { limits: ProbeLimits },
): Promise<boolean> {
  const body = await within<Buffer>(o.limits.bodyMs, o.signal, (resolve, reject) => {
    let bytes = Buffer.alloc(0)
    response.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk.subarray(0, SEARCHED_BYTES - bytes.length)])
      if (bytes.length === SEARCHED_BYTES || bytes.includes(search)) resolve(bytes)
    })
    response.on('end', () => resolve(bytes))
    response.on('error', reject)
  })
  return body.includes(search)
}

/** Resolves as `begin` says, or fails when the time is over or the signal aborts. */
function within<T>(
  ms: number,
  signal: AbortSignal,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const settle = (outcome: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      outcome()
    }
    const fail = (error: unknown) => settle(() => reject(error))
    const onAbort = () => fail(signal.reason)
    const timer = setTimeout(() => fail(new ProbeFailure(TIMED_OUT)), ms)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    begin((value) => settle(() => resolve(value)), fail)
  })
}

function hostHeader({ protocol, host, port }: Endpoint, address: string): string {
  const name = host ?? (isIP(address) === 6 ? `[${address}]` : address)
  return port === (protocol === 'https' ? 443 : 80) ? name : `${name}:${port}`
}

/** Words for what went wrong. They may come from the endpoint, so they are short and printable. */
function reasonOf(error: unknown): string {
  if (error instanceof ProbeFailure) return error.message
  const { code = '', message = '' } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ECONNREFUSED':
      return REFUSED
    case 'ECONNRESET':
    case 'EPIPE':
      return 'The connection was closed by the endpoint.'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'The endpoint cannot be reached.'
    case 'HPE_HEADER_OVERFLOW':
      return `The response headers are longer than ${MAX_HEADER_BYTES} bytes.`
  }
  if (code.startsWith('HPE_')) return 'The response is not valid HTTP/1.1.'
  if (/^(ERR_SSL|ERR_TLS|EPROTO)/.test(code)) return `SSL alert: ${printable(message)}`
  return printable(`${message || code}`)
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200)
}
