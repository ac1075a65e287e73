import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** An answer as it came off the socket. */
export interface RawReply {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/**
 * A keep-alive HTTP/1.1 connection that sends any bytes and reads whole answers, one after the other. It
 * connects again when the server has closed.
 */
export class RawConnection {
  #socket: Socket | undefined
  #received = Buffer.alloc(0)

  constructor(private readonly port: number) {}

  /** The answer, or undefined when the server closed the connection without one. */
  async send(bytes: Buffer): Promise<RawReply | undefined> {
    const socket = await this.#open()
    socket.write(bytes)
    while (true) {
      const reply = this.#takeReply()
      if (reply) return reply
      if (!(await this.#more(socket))) {
        this.close()
        return undefined
      }
    }
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
    this.#received = Buffer.alloc(0)
  }

  async #open(): Promise<Socket> {
    if (this.#socket?.readable && this.#socket.writable) return this.#socket
    this.close()
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    socket.on('error', () => socket.destroy())
    await once(socket, 'connect')
    this.#socket = socket
    return socket
  }

  /** Waits for bytes; false when there will be none. */
  async #more(socket: Socket): Promise<boolean> {
    const chunk = socket.read() as Buffer | null
    if (chunk) {
      this.#received = Buffer.concat([this.#received, chunk])
      return true
    }
    if (socket.destroyed || socket.readableEnded) return false
    return await new Promise<boolean>((resolve) => {
      const settle = (isAlive: boolean) => () => {
        socket.off('readable', readable)
        socket.off('close', closed)
        resolve(isAlive)
      }
      const [readable, closed] = [settle(true), settle(false)]
      socket.on('readable', readable)
      socket.on('close', closed)
    })
  }

  #takeReply(): RawReply | undefined {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const [statusLine = '', ...lines] = this.#received.subarray(0, end).toString().split('\r\n')
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    )
    const status = Number(statusLine.split(' ')[1])
    if (status === 100) {
      this.#received = this.#received.subarray(end + 4)
      return this.#takeReply()
    }
    const length = Number(headers.get('content-length') ?? 0)
    if (this.#received.length < end + 4 + length) return undefined
    const body = this.#received.subarray(end + 4, end + 4 + length).toString()
    this.#received = this.#received.subarray(end + 4 + length)
    if (headers.get('connection') === 'close') this.close()
    return { status, contentType: headers.get('content-type') ?? '', body }
  }
}

/** The error code of an answer that is a valid AWS error; throws for anything else, above all for success. */
export function awsErrorCode(reply: RawReply | undefined): string {
  if (!reply) throw new Error('there was no answer')
  if (reply.status < 400) throw new Error(`accepted: ${reply.status} ${reply.body}`)
  if (reply.contentType === 'text/xml') {
    const match =
      /^<ErrorResponse(?: xmlns="[^"]+")?><Error><Type>(?:Sender|Receiver)<\/Type><Code>([A-Za-z]+)<\/Code><Message>[^<>]*<\/Message><\/Error><RequestId>[a-z0-9-]+<\/RequestId><\/ErrorResponse>$/.exec(
        reply.body,
      )
    if (match) return match[1]!
  }
  if (reply.contentType === 'application/x-amz-json-1.1') {
    const { __type, message } = JSON.parse(reply.body)
    if (/^[A-Za-z]+$/.test(__type) && typeof message === 'string') return __type
  }
  throw new Error(`not an AWS error: ${reply.status} ${reply.contentType} ${reply.body}`)
}
