import { connect as connectTcp, type Socket } from 'node:net'
import type { LifeboatError } from '../../core/errors.ts'
import type { ConnectionTarget } from './connection-target.ts'
import { logInRefused, unreachable, unsupported, whileLoggingIn } from './log-in-failure.ts'
import { type Message, MessageStream } from './message-stream.ts'
import { readySocket } from './ready-socket.ts'
import { columnNames, type Row, rowOf } from './row.ts'
import { ScramClient } from './scram.ts'
import { fieldsOf, ServerError } from './server-error.ts'

const PROTOCOL_3_0 = 196_608

/**
 * A connection that speaks PostgreSQL's protocol, version 3: the simple query protocol and, with
 * `replication`, the streaming replication protocol.
 *
 * One caller at a time: the next command may be sent when the one before has been read to its end.
 * Source: PostgreSQL manual, "Frontend/Backend Protocol".
 */
export class Connection {
  readonly parameters = new Map<string, string>()
  #isClosed = false

  private constructor(
    readonly target: ConnectionTarget,
    private readonly socket: Socket,
    private readonly messages: MessageStream,
  ) {}

  /** @throws LifeboatError `DatabaseUnreachable`, `CredentialsRefused`; `ServerError` for any other refusal. */
  static async open(
    target: ConnectionTarget,
    { replication = false, signal }: { replication?: boolean; signal?: AbortSignal } = {},
  ): Promise<Connection> {
    signal?.throwIfAborted()
    const socket = connectTcp({ host: target.host, port: target.port, noDelay: true })
    const timeoutMs = target.connectTimeoutMs ?? 10_000
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    const onAbort = () => socket.destroy(new Error('the attempt was given up'))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const secured = await readySocket(socket, target)
      const connection = new Connection(target, secured, new MessageStream(secured))
      connection.#send(null, startupBody(target, replication))
      await connection.#authenticate()
      return connection
    } catch (error) {
      socket.destroy()
      signal?.throwIfAborted()
      throw whileLoggingIn(error, target)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Runs SQL, one or several statements, and returns the rows of all of them.
   *
   * @throws ServerError; LifeboatError `DatabaseUnreachable`, also after `timeoutMs`: the connection is closed then, and
   *         whether the SQL took effect is not known
   */
  async query(sql: string, { timeoutMs }: { timeoutMs?: number } = {}): Promise<Row[]> {
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            this.socket.destroy(new Error(`no answer within ${timeoutMs} ms`))
          }, timeoutMs)
    try {
      this.send('Q', cString(sql))
      return await this.readRows()
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * The rows of all results up to the end of the command that was sent.
   *
   * @param first  a message of it that was read already
   * @throws ServerError
   */
  async readRows(first?: Message): Promise<Row[]> {
    const rows: Row[] = []
    let columns: string[] = []
    let failure: ServerError | undefined
    for (let message = first; ; message = undefined) {
      const { type, body } = message ?? (await this.receive())
      if (type === 'T') columns = this.#parsed(() => columnNames(body))
      else if (type === 'D') rows.push(this.#parsed(() => rowOf(columns, body)))
      else if (type === 'E') failure ??= new ServerError(fieldsOf(body))
      else if (type === 'G') this.send('f', cString('nothing is copied in'))
      else if (type === 'Z') {
        if (failure) throw failure
        return rows
      }
    }
  }

  /** Reads on until the server is ready for the next command. */
  async skipToReady(): Promise<void> {
    while ((await this.receive()).type !== 'Z');
  }

  /** Sends one message of the protocol. */
  send(type: string, body: Buffer): void {
    this.#send(type, body)
  }

  /** The next message that concerns the caller; notices and parameter changes are dealt with here. */
  async receive(): Promise<Message> {
    for (;;) {
      const message = await this.messages.next()
      if (!this.#absorb(message)) return message
    }
  }

  /** As `receive`, but only a message that is here already. */
  poll(): Message | undefined {
    for (;;) {
      const message = this.messages.poll()
      if (!message || !this.#absorb(message)) return message
    }
  }

  /** Says good-bye and waits until the socket is closed. Safe to call again. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.socket.destroyed) return
    await new Promise<void>((resolve) => {
      this.socket.once('close', () => resolve())
      this.socket.resume()
      this.#send('X', Buffer.alloc(0))
      this.socket.end()
      setTimeout(() => this.socket.destroy(), 1_000).unref()
    })
  }

  /** Ends the connection at once, for instance to interrupt a stream. Whoever waits for the server gets the reason. */
  destroy(reason?: Error): void {
    this.#isClosed = true
    this.socket.destroy(reason)
  }

  #absorb({ type, body }: Message): boolean {
    if (type === 'S') {
      const [name = '', value = ''] = body.toString().split('\0')
      this.parameters.set(name, value)
    }
    return type === 'S' || type === 'N' || type === 'K' || type === 'A'
  }

  /** What cannot be parsed leaves nothing to be trusted behind it. */
  #parsed<Result>(parse: () => Result): Result {
    try {
      return parse()
    } catch (error) {
      if (error instanceof RangeError) throw this.#garbled(error)
      throw error
    }
  }

  #garbled(cause?: unknown): LifeboatError {
    this.destroy()
    return unreachable(this.target, 'what it sends is not the PostgreSQL protocol', cause)
  }

  async #authenticate(): Promise<void> {
    let scram: ScramClient | undefined
    let isProven = false
    for (;;) {
      const { type, body } = await this.receive()
      if (type === 'E') throw logInRefused(this.target, new ServerError(fieldsOf(body)))
      if (type === 'Z') return
      if (type !== 'R') throw this.#garbled()

      const method = this.#parsed(() => body.readInt32BE(0))
      if (method === 0) {
        // A server that began the exchange and cannot end it does not know the password.
        if (scram && !isProven) throw this.#garbled()
        this.messages.trust()
      } else if (method === 10) {
        scram = new ScramClient(this.target.password)
        if (!body.toString('latin1', 4).split('\0').includes(scram.mechanism))
          throw unsupported(this.target)
        const first = Buffer.from(scram.first())
        this.#send('p', Buffer.concat([cString(scram.mechanism), int32(first.length), first]))
      } else if (method === 11 && scram) {
        this.#send('p', Buffer.from(scram.answer(body.toString('utf8', 4))))
      } else if (method === 12 && scram) {
        scram.verify(body.toString('utf8', 4))
        isProven = true
      } else {
        throw unsupported(this.target)
      }
    }
  }

  #send(type: string | null, body: Buffer): boolean {
    const header = Buffer.alloc(type === null ? 4 : 5)
    if (type !== null) header.write(type, 0, 'latin1')
    header.writeInt32BE(body.length + 4, header.length - 4)
    return this.socket.write(Buffer.concat([header, body]))
  }
}

function startupBody(target: ConnectionTarget, replication: boolean): Buffer {
  const settings: Record<string, string> = {
    user: target.user,
    database: target.database ?? (replication ? target.user : 'postgres'),
    application_name: target.applicationName ?? 'lifeboat',
    client_encoding: 'UTF8',
    DateStyle: 'ISO',
    ...(replication ? { replication: 'true' } : {}),
  }
  const pairs = Object.entries(settings).flatMap(([name, value]) => [cString(name), cString(value)])
  return Buffer.concat([int32(PROTOCOL_3_0), ...pairs, Buffer.from([0])])
}

function cString(text: string): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.from([0])])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
