import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { bodyFault } from './payload-mode.ts'
import type { StreamReply } from './stream-service.ts'

/** How long a streamed body may stand still, in milliseconds. */
const IDLE_MS = 60_000

/** How much of a refused body is read to its end, so that the client reads the refusal: bytes. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024
const MAX_DRAIN_MS = 5000

/**
 * A request's body as it arrives. It is not read ahead of who reads it.
 *
 * @param onRead  called when somebody begins to read
 * @throws Fault `IncompleteBody` when the client goes away or stands still before the end
 */
export async function* arrivingBody(
  request: IncomingMessage,
  onRead: () => void,
): AsyncGenerator<Buffer, void, undefined> {
  onRead()
  request.setTimeout(IDLE_MS, () => request.destroy())
  request.once('end', () => request.setTimeout(0))
  try {
    // Who stops reading early still answers on the same connection.
    yield* request.iterator({ destroyOnReturn: false })
  } catch (cause) {
    const fault = bodyFault('IncompleteBody', 'The connection ended before the body did.')
    throw Object.assign(fault, { cause })
  }
}

/**
 * Sends a reply, at the speed at which the client reads it. A client that goes away ends it.
 *
 * @param o.isHeldBack  whether the client still waits to be told to send its body
 */
export async function sendStream(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, isHeldBack }: StreamReply & { isHeldBack: boolean },
): Promise<void> {
  const isRead = isHeldBack && request.readableLength === 0 ? false : await drained(request)
  if (response.destroyed) {
    // It may hold a file open.
    if (typeof body !== 'string') await body[Symbol.asyncIterator]().return?.()
    return
  }
  response.writeHead(status, isRead ? headers : { ...headers, connection: 'close' })
  if (request.method === 'HEAD' || typeof body === 'string') {
    response.end(request.method === 'HEAD' ? undefined : body)
    return
  }
  response.setTimeout(IDLE_MS, () => response.destroy())
  try {
    await pipeline(body, response)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

/** Reads what a reply did not wait for, within limits. True when the body is at its end. */
async function drained(request: IncomingMessage): Promise<boolean> {
  if (request.complete && request.readableLength === 0) {
    request.resume()
    return true
  }
  if (request.destroyed) return false
  return await new Promise((resolve) => {
    let length = 0
    const timer = setTimeout(() => done(false), MAX_DRAIN_MS)
    const done = (isRead: boolean) => {
      clearTimeout(timer)
      resolve(isRead)
    }
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > MAX_DRAINED_BYTES) done(false)
    })
    request.once('end', () => done(true))
    request.once('close', () => done(request.complete))
    // Who left off in the middle of the body may not have said so: a stream with a reader does not flow.
    request.removeAllListeners('readable')
    request.resume()
  })
}
