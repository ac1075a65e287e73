import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { LifeboatError } from '../../core/errors.ts'
import { type Message, MessageStream } from './message-stream.ts'
import { ScramClient } from './scram.ts'
import { fieldsOf, ServerError } from './server-error.ts'

/** Where a PostgreSQL server listens and who asks. `tls` is off unless told: regions listen on loopback. */
export interface ConnectionTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database?: string
  readonly tls?: 'off' | 'require'
  readonly applicationName?: string
  readonly connectTimeoutMs?: number
}

/** One row, each value in PostgreSQL's text form. */
export type Row = Record<string, string | null>

const PROTOCOL_3_0 = 196_608
const SSL_REQUEST = 80_877_103

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
    { replication = false }: { replication?: boolean } = {},
  ): Promise<Connection> {
    const socket = await openSocket(target)
    const connection = new Connection(target, socket, new MessageStream(socket))
    const timeout = setTimeout(() => {
      socket.destroy(unreachable(target, 'it did not answer the log-in in time'))
    }, target.connectTimeoutMs ?? 10_000)
    try {
      connection.#send(null, startupBody(target, replication))
      await connection.#authenticate()
      return connection
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      clearTimeout(timeout)
    }
  }

  /** Runs SQL, one or several statements, and returns the rows of all of them. @throws ServerError */
  async query(sql: string): Promise<Row[]> {
    this.send('Q', cString(sql))
    const rows: Row[] = []
    let columns: string[] = []
    let failure: ServerError | undefined
    for (;;) {
      const { type, body } = await this.messages.next()
      if (type === 'T') columns = columnNames(body)
      else if (type === 'D') rows.push(rowOf(columns, body))
      else if (type === 'E') failure ??= new ServerError(fieldsOf(body))
      else if (type === 'Z') {
        if (failure) throw failure
        return rows
      }
    }
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

  /** Ends the connection at once, for instance to interrupt a stream. */
  destroy(): void {
    this.#isClosed = true
    this.socket.destroy()
  }

  #absorb({ type, body }: Message): boolean {
    if (type === 'S') {
      const [name = '', value = ''] = body.toString().split('\0')
      this.parameters.set(name, value)
    }
    return type === 'S' || type === 'N' || type === 'K' || type === 'A'
  }

  async #authenticate(): Promise<void> {
    let scram: ScramClient | undefined
    for (;;) {
      const { type, body } = await this.receive()
      if (type === 'E') throw logInRefused(this.target, new ServerError(fieldsOf(body)))
      if (type === 'Z') return
      if (type !== 'R') continue

      const method = body.readInt32BE(0)
      if (method === 0) continue
      if (method === 10) {
        scram = new ScramClient(this.target.password)
        if (!body.toString('latin1', 4).split('\0').includes(scram.mechanism))
          throw unsupported(this.target)
        const first = Buffer.from(scram.first())
        this.#send('p', Buffer.concat([cString(scram.mechanism), int32(first.length), first]))
      } else if (method === 11 && scram) {
        this.#send('p', Buffer.from(scram.answer(body.toString('utf8', 4))))
      } else if (method === 12 && scram) {
        scram.verify(body.toString('utf8', 4))
      } else {
        throw unsupported(this.target)
      }
    }
  }

  #send(type: string | null, body: Buffer): void {
    const header = Buffer.alloc(type === null ? 4 : 5)
    if (type !== null) header.write(type, 0, 'latin1')
    header.writeInt32BE(body.length + 4, header.length - 4)
    this.socket.write(Buffer.concat([header, body]))
  }
}

async function openSocket(target: ConnectionTarget): Promise<Socket> {
  const socket = connectTcp({ host: target.host, port: target.port, noDelay: true })
  const timeoutMs = target.connectTimeoutMs ?? 10_000
  await eventOf(socket, 'connect', target, timeoutMs)
  if (target.tls !== 'require') return socket

  const request = Buffer.concat([int32(8), int32(SSL_REQUEST)])
  socket.write(request)
  const [answer] = await eventOf<[Buffer]>(socket, 'data', target, timeoutMs)
  // Anything after the one byte was put there by somebody in between (CVE-2021-23222).
  if (answer.length !== 1 || answer[0] !== 'S'.charCodeAt(0)) {
    socket.destroy()
    throw unreachable(target, 'it does not offer TLS')
  }
  const secured = connectTls({ socket, servername: target.host })
  await eventOf(secured, 'secureConnect', target, timeoutMs)
  return secured
}

function eventOf<Values extends unknown[]>(
  socket: Socket,
  event: string,
  target: ConnectionTarget,
  timeoutMs: number,
): Promise<Values> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const fail = (error: Error) => {
      settle()
      socket.destroy()
      reject(unreachable(target, error.message, error))
    }
    const succeed = (...values: unknown[]) => {
      settle()
      resolve(values as Values)
    }
    const settle = () => {
      clearTimeout(timer)
      socket.off('error', fail)
      socket.off(event, succeed)
    }
    socket.once('error', fail)
    socket.once(event, succeed)
  })
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

function columnNames(body: Buffer): string[] {
  const names: string[] = []
  let at = 2
  for (let column = 0; column < body.readInt16BE(0); column++) {
    const end = body.indexOf(0, at)
    names.push(body.toString('utf8', at, end))
    at = end + 19
  }
  return names
}

function rowOf(columns: readonly string[], body: Buffer): Row {
  const values = readRow(body)
  return Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]))
}

/** The values of a DataRow message, in order. */
export function readRow(body: Buffer): (string | null)[] {
  const values: (string | null)[] = []
  let at = 2
  for (let count = body.readInt16BE(0); count > 0; count--) {
    const length = body.readInt32BE(at)
    at += 4
    values.push(length < 0 ? null : body.toString('utf8', at, at + length))
    at += Math.max(length, 0)
  }
  return values
}

function logInRefused(target: ConnectionTarget, error: ServerError): Error {
  const where = `${target.host}:${target.port}`
  if (error.sqlstate.startsWith('28')) {
    return new LifeboatError(
      'CredentialsRefused',
      `the database at ${where} refused user '${target.user}'`,
      {
        hint: 'Check the user and password that were given for it.',
        cause: error,
      },
    )
  }
  // 57P03: starting up, shutting down or recovering. 53300: no connection slot is free.
  if (error.sqlstate === '57P03' || error.sqlstate === '53300') {
    return unreachable(target, error.message, error)
  }
  return error
}

function unsupported(target: ConnectionTarget): LifeboatError {
  return new LifeboatError(
    'CredentialsRefused',
    `the database at ${target.host}:${target.port} asks for a way to log in other than SCRAM-SHA-256`,
    { hint: "Set password_encryption to 'scram-sha-256' and set the role's password again." },
  )
}

function unreachable(target: ConnectionTarget, reason: string, cause?: unknown): LifeboatError {
  return new LifeboatError(
    'DatabaseUnreachable',
    `the database at ${target.host}:${target.port} cannot be reached: ${reason}`,
    { hint: 'Check that it runs and that its address is right.', cause },
  )
}

function cString(text: string): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.from([0])])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
