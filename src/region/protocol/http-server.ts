import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket, Server as TcpServer } from 'node:net'
import { LifeboatError } from '../../core/errors.ts'
import { Fault } from './fault.ts'
import type { RawHead, RawRequest, RawStream } from './raw-request.ts'
import { queryErrorReply, type Reply } from './reply.ts'
import type { StreamReply } from './stream-service.ts'
import { arrivingBody, sendStream } from './streaming.ts'

/** Largest request body, in bytes, where a service has no limit of its own. Secrets hold 64 KiB and RDS requests are smaller. */
const MAX_BODY_BYTES = 1024 * 1024
/** How long a whole body may take to arrive, in milliseconds. */
const BODY_TIMEOUT_MS = 30_000
const MAX_HEADER_BYTES = 16 * 1024
const MAX_CONNECTIONS = 512

/** How long an open connection may delay `close`, in milliseconds. */
const CLOSE_GRACE_MS = 2000

/**
 * An HTTP/1.1 server on the loopback interface that hands whole requests to `answer`.
 *
 * Everything that is not a request gets an AWS error and a closed connection: bad framing, headers or
 * bodies that are too large, a body that does not come in time.
 */
export class HttpServer {
  readonly #server: Server
  readonly port: number

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  /**
   * @param port     0 lets the system choose
   * @param answer   must not throw: what it throws ends the connection and goes to `onError`
   * @throws LifeboatError `PortTaken`
   */
  static async listen(o: {
    port: number
    answer: (raw: RawRequest) => Promise<Reply>
    /** For requests whose bodies are read by their service, as they arrive. */
    isStreamed: (head: RawHead) => boolean
    /** Of requests whose bodies may be larger than those of others. */
    bodyLimit?: (head: RawHead) => { maxBytes: number; tooLarge: Reply } | undefined
    answerStream: (raw: RawStream) => Promise<StreamReply>
    onError: (error: unknown) => void
  }): Promise<HttpServer> {
    const server = limitedServer()
    const serve = (request: IncomingMessage, response: ServerResponse, isAwaited: boolean) => {
      const head = {
        method: request.method ?? '',
        target: request.url ?? '',
        rawHeaders: request.rawHeaders,
      }
      const serveWhole = async () => {
        if (isAwaited) response.writeContinue()
        const body = await readBody(request, response, o.bodyLimit?.(head))
        if (body) send(response, await o.answer({ ...head, body }))
      }
      const serveStream = async () => {
        let isHeldBack = isAwaited
        const onRead = () => {
          if (isHeldBack) response.writeContinue()
          isHeldBack = false
        }
        const reply = await o.answerStream({ ...head, body: arrivingBody(request, onRead) })
        await sendStream(request, response, { ...reply, isHeldBack })
      }
      const isStreamed = o.isStreamed(head)
      ;(isStreamed ? serveStream() : serveWhole()).catch((error: unknown) => {
        o.onError(error)
        response.destroy()
      })
    }
    serveAll(server, serve)
    await listening(server, o.port)
    return new HttpServer(server)
  }

  async close(): Promise<void> {
    await closeServer(this.#server)
  }
}

/** Stops accepting, lets running requests end for a moment, then cuts what is left. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
  await closed
  clearTimeout(timer)
}

/**
 * Serves what a server made by `limitedServer` is asked.
 *
 * @param serve  `isAwaited`: the client waits to be told to go on before it sends the body (`Expect: 100-continue`)
 */
export function serveAll(
  server: Server,
  serve: (request: IncomingMessage, response: ServerResponse, isAwaited: boolean) => void,
): void {
  const serveOne = (isAwaited: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    request.url = originForm(request.url ?? '')
    serve(request, response, isAwaited)
  }
  server.on('request', serveOne(false))
  server.on('checkContinue', serveOne(true))
  server.on('checkExpectation', serveOne(false))
}

/** A client that takes us for its proxy names the host in the target as well. Source: RFC 9112, section 3.2.2. */
function originForm(target: string): string {
  return target.replace(/^http:\/\/[^/?]*(\/?)/i, '/')
}

/** A server with limits on headers and time, which refuses what is not HTTP with an AWS error. */
export function limitedServer(): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: 10_000,
    // Bodies have time limits of their own: how long a large one may take, nobody knows.
    requestTimeout: 0,
    // Longer than the SDKs keep an idle connection, so that they never write into a closing one.
    keepAliveTimeout: 75_000,
    connectionsCheckingInterval: 1000,
    requireHostHeader: false,
    insecureHTTPParser: false,
  })
  server.maxHeadersCount = 200
  server.maxConnections = MAX_CONNECTIONS
  server.on('clientError', (error, socket) => refuseConnection(error, socket as Socket))
  server.on('connect', (_, socket) => refuseConnection(undefined, socket as Socket))
  return server
}

/** Waits until the server listens on loopback. @throws LifeboatError `PortTaken` */
export async function listening(server: TcpServer, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE' && cause.code !== 'EACCES') return reject(cause)
      const message =
        cause.code === 'EADDRINUSE'
          ? `port ${port} is taken by another program`
          : `port ${port} may not be used by this account`
      const hint = 'Choose another port with --port.'
      reject(new LifeboatError('PortTaken', message, { hint, cause }))
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, resolve)
  })
}

/** The body, or undefined when the client was refused or has gone. */
function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  { maxBytes, tooLarge } = USUAL_LIMIT,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    const done = (body: Buffer | undefined) => {
      clearTimeout(timer)
      resolve(body)
    }
    const refuse = (reply: Reply) => {
      request.removeAllListeners('data')
      request.resume()
      send(response, reply, { connection: 'close' })
      done(undefined)
    }
    const timer = setTimeout(() => refuse(tooSlow()), BODY_TIMEOUT_MS)
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return refuse(tooLarge)
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBytes) return refuse(tooLarge)
      chunks.push(chunk)
    })
    request.on('end', () => done(Buffer.concat(chunks)))
    // A connection that ends early has nobody left to answer.
    request.on('error', () => done(undefined))
    request.on('close', () => done(undefined))
  })
}

/** Sends a whole reply. */
export function send(
  response: ServerResponse,
  reply: Reply,
  more: Record<string, string> = {},
): void {
  const body = Buffer.from(reply.body)
  response.writeHead(reply.status, {
    ...reply.headers,
    ...more,
    'content-length': `${body.length}`,
  })
  response.end(body)
}

const USUAL_LIMIT = {
  maxBytes: MAX_BODY_BYTES,
  tooLarge: refusal('RequestEntityTooLarge', `A request has at most ${MAX_BODY_BYTES} bytes.`, 413),
}

function tooSlow(): Reply {
  return refusal('RequestTimeout', 'The body did not come in time.', 408)
}

function refusal(wireCode: string, message: string, httpStatus: number): Reply {
  return queryErrorReply(new Fault(wireCode, message, { wireCode, httpStatus }), 'none')
}

/** Answers what could not be parsed as HTTP, on the bare socket, and closes it. */
function refuseConnection(error: NodeJS.ErrnoException | undefined, socket: Socket): void {
  if (!socket.writable || error?.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, reason] =
    error?.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large']
      : error?.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout']
        : [400, 'Bad Request']
  const wireCode = status === 408 ? 'RequestTimeout' : 'BadRequest'
  const fault = new Fault(wireCode, 'The request is not well formed.', {
    wireCode,
    httpStatus: Number(status),
  })
  const { body } = queryErrorReply(fault, 'none')
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: text/xml\r\nconnection: close\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
