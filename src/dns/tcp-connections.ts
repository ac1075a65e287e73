import type { Socket } from 'node:net'

/** How long a whole query may take to arrive, and a connection may be idle, in milliseconds. Source: RFC 7766, 6.2.3. */
const QUERY_TIMEOUT_MS = 10_000
const MAX_CONNECTIONS = 256
/** Answers that the asker does not take are not piled up, in bytes. */
const MAX_WAITING_BYTES = 256 * 1024
/** A query is a question and a few options; nothing longer is read, in bytes. */
const MAX_QUERY_BYTES = 4096
const LENGTH_BYTES = 2

/**
 * DNS over TCP: messages with their length in front, any number on one connection, answered in order.
 *
 * When there are too many connections, the one that has been silent for longest gives way: who asks is served.
 */
export class TcpConnections {
  /** The least recently useful first. */
  readonly #open = new Set<Socket>()

  constructor(private readonly respond: (message: Buffer) => Buffer | undefined) {}

  serve(socket: Socket): void {
    let pending: Buffer = Buffer.alloc(0)
    const timer = setTimeout(() => socket.destroy(), QUERY_TIMEOUT_MS)
    this.#open.add(socket)
    this.#makeRoom()
    const answer = () => {
      const rest = this.#answerAll(socket, pending)
      if (rest === undefined) return void socket.destroy()
      if (rest.length < pending.length) {
        timer.refresh()
        this.#open.delete(socket)
        this.#open.add(socket)
      }
      pending = rest
      if (socket.writableLength > MAX_WAITING_BYTES) socket.pause()
      else socket.resume()
    }
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      answer()
    })
    socket.on('drain', answer)
    // Who resets a connection has nothing more to hear; `close` follows.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(timer)
      this.#open.delete(socket)
    })
  }

  close(): void {
    for (const socket of this.#open) socket.destroy()
  }

  /** What has arrived of the next message; undefined when the connection is to be cut. */
  #answerAll(socket: Socket, bytes: Buffer): Buffer | undefined {
    let offset = 0
    while (bytes.length - offset >= LENGTH_BYTES && socket.writableLength <= MAX_WAITING_BYTES) {
      const length = bytes.readUInt16BE(offset)
      if (length > MAX_QUERY_BYTES) return undefined
      const end = offset + LENGTH_BYTES + length
      if (bytes.length < end) break
      const response = this.respond(bytes.subarray(offset + LENGTH_BYTES, end))
      if (!response) return undefined
      const head = Buffer.alloc(LENGTH_BYTES)
      head.writeUInt16BE(response.length)
      socket.write(Buffer.concat([head, response]))
      offset = end
    }
    return bytes.subarray(offset)
  }

  #makeRoom(): void {
    if (this.#open.size <= MAX_CONNECTIONS) return
    const [silent] = this.#open
    silent?.destroy()
    if (silent) this.#open.delete(silent)
  }
}
