import type { Socket } from 'node:net'
import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'

/** One message of the PostgreSQL protocol: its type letter and its body. */
export interface Message {
  readonly type: string
  readonly body: Buffer
}

/** No honest server sends more in one message; a larger length is a broken or hostile stream. */
const MAX_MESSAGE_BYTES = 1 << 30
/** Before the server has shown that it knows the password it is not trusted with our memory. */
const MAX_LOG_IN_BYTES = 64 << 10
/** The socket is paused while this much waits to be taken, which bounds memory under a slow reader. */
const PAUSE_AT_BYTES = 4 << 20

/**
 * Cuts a socket's bytes into protocol messages and hands them out one by one, in order.
 *
 * Back-pressure: the socket is paused while unread messages amount to more than 4 MiB.
 */
export class MessageStream {
  #ready: Message[] = []
  /** Where in `#ready` the first message stands that was not taken. */
  #first = 0
  #readyBytes = 0
  #maxBytes = MAX_LOG_IN_BYTES
  #chunks: Buffer[] = []
  #chunkBytes = 0
  #wanted = 5
  #waiting: { resolve(message: Message): void; reject(error: unknown): void } | undefined
  #failure: unknown

  constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => this.#fail(connectionLost(error)))
    socket.on('close', () => this.#fail(connectionLost()))
  }

  /** The server has proven who it is: from now on its messages may be large. */
  trust(): void {
    this.#maxBytes = MAX_MESSAGE_BYTES
  }

  /** The next message. @throws LifeboatError `DatabaseUnreachable` when the connection has ended. */
  next(): Promise<Message> {
    assert(!this.#waiting, 'one caller at a time reads a connection')
    const message = this.poll()
    if (message) return Promise.resolve(message)
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  /** A message that has already arrived, without waiting. */
  poll(): Message | undefined {
    const message = this.#ready[this.#first]
    if (!message) return undefined
    this.#first++
    if (this.#first === this.#ready.length) {
      this.#ready = []
      this.#first = 0
    }
    this.#readyBytes -= sizeOf(message)
    if (this.#readyBytes < PAUSE_AT_BYTES && this.socket.isPaused()) this.socket.resume()
    return message
  }

  #take(chunk: Buffer) {
    this.#chunks.push(chunk)
    this.#chunkBytes += chunk.length
    while (this.#chunkBytes >= this.#wanted) {
      const joined = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
      const rest = this.#cut(joined)
      this.#chunks = rest.length > 0 ? [rest] : []
      this.#chunkBytes = rest.length
    }
    if (this.#readyBytes > PAUSE_AT_BYTES) this.socket.pause()
  }

  /** Hands out every whole message in `bytes`, returns what is left and notes how much a next one needs. */
  #cut(bytes: Buffer): Buffer {
    let at = 0
    this.#wanted = 5
    while (bytes.length - at >= 5) {
      const length = bytes.readUInt32BE(at + 1)
      if (length < 4 || length > this.#maxBytes) {
        this.#fail(
          new LifeboatError(
            'DatabaseUnreachable',
            'the server sent a message of impossible length',
          ),
        )
        this.socket.destroy()
        return Buffer.alloc(0)
      }
      if (bytes.length - at < length + 1) {
        this.#wanted = length + 1
        break
      }
      this.#give({
        type: String.fromCharCode(bytes[at]!),
        body: bytes.subarray(at + 5, at + 1 + length),
      })
      at += length + 1
    }
    return bytes.subarray(at)
  }

  #give(message: Message) {
    const waiting = this.#waiting
    if (waiting) {
      this.#waiting = undefined
      waiting.resolve(message)
      return
    }
    this.#ready.push(message)
    this.#readyBytes += sizeOf(message)
  }

  #fail(error: unknown) {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }
}

function connectionLost(cause?: Error) {
  const reason = cause
    ? `the connection was lost: ${cause.message}`
    : 'the server closed the connection'
  return new LifeboatError('DatabaseUnreachable', reason, { cause })
}

/** What a message keeps of memory, roughly. */
function sizeOf({ body }: Message): number {
  return body.length + 64
}
