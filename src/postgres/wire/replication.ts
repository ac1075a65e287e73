import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts'
import { Connection } from './connection.ts'
import type { ConnectionTarget } from './connection-target.ts'
import type { Message } from './message-stream.ts'
import { fieldsOf, ServerError } from './server-error.ts'

/** Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin. */
const POSTGRES_EPOCH_US = 946_684_800_000_000n

export interface SystemIdentity {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly flushedLsn: Lsn
}

/** WAL as a server sends it: `bytes` belong at `lsn`. */
export interface WalPiece {
  readonly lsn: Lsn
  readonly bytes: Buffer
}

/** A timeline ended: the next one branches off at `switchedAt`. */
export interface TimelineSwitch {
  readonly nextTimeline: number
  readonly switchedAt: Lsn
}

/**
 * A connection in the streaming replication protocol.
 *
 * Source: PostgreSQL manual, "Streaming Replication Protocol".
 */
export class ReplicationConnection {
  private constructor(private readonly connection: Connection) {}

  /** @throws as `Connection.open` */
  static async open(
    target: ConnectionTarget,
    o: { signal?: AbortSignal } = {},
  ): Promise<ReplicationConnection> {
    return new ReplicationConnection(await Connection.open(target, { ...o, replication: true }))
  }

  async identify(): Promise<SystemIdentity> {
    const [row] = await this.connection.query('IDENTIFY_SYSTEM')
    return {
      systemIdentifier: row?.systemid ?? '',
      timeline: Number(row?.timeline),
      flushedLsn: parseLsn(row?.xlogpos ?? ''),
    }
  }

  /** `wal_segment_size`, in bytes. */
  async segmentBytes(): Promise<number> {
    const [row] = await this.connection.query('SHOW wal_segment_size')
    const [, amount = '', unit = ''] = /^(\d+)(MB|GB)$/.exec(row?.wal_segment_size ?? '') ?? []
    assert(amount !== '', 'wal_segment_size is a number of megabytes or gigabytes')
    return Number(amount) * (unit === 'GB' ? 1 << 30 : 1 << 20)
  }

  /** The content of a timeline's history file; empty for timeline 1, which has none. */
  async timelineHistory(timeline: number): Promise<string> {
    if (timeline === 1) return ''
    const [row] = await this.connection.query(`TIMELINE_HISTORY ${timeline}`)
    return row?.content ?? ''
  }

  /** Makes a physical slot that holds WAL from now on. An existing one of that name is kept. */
  async ensureSlot(name: string): Promise<void> {
    try {
      await this.connection.query(`CREATE_REPLICATION_SLOT "${name}" PHYSICAL RESERVE_WAL`)
    } catch (error) {
      if (!(error instanceof ServerError) || error.sqlstate !== '42710') throw error
    }
  }

  /** From where on a slot holds WAL; undefined when there is no such slot or it holds none. */
  async heldFrom(name: string): Promise<Lsn | undefined> {
    const [row] = await this.connection.query(`READ_REPLICATION_SLOT "${name}"`)
    return row?.restart_lsn ? parseLsn(row.restart_lsn) : undefined
  }

  async dropSlot(name: string): Promise<void> {
    try {
      await this.connection.query(`DROP_REPLICATION_SLOT "${name}"`)
    } catch (error) {
      if (!(error instanceof ServerError) || error.sqlstate !== '42704') throw error
    }
  }

  /**
   * Starts sending WAL from `from` on.
   *
   * @throws ServerError `58P01` when the server no longer has that WAL, `55000` when the slot was invalidated
   */
  async startWal(o: { slot: string; from: Lsn; timeline: number }): Promise<WalStream> {
    const text = `START_REPLICATION SLOT "${o.slot}" PHYSICAL ${formatLsn(o.from)} TIMELINE ${o.timeline}\0`
    this.connection.send('Q', Buffer.from(text))
    const { type, body } = await this.connection.receive()
    if (type === 'E') {
      const error = new ServerError(fieldsOf(body))
      await this.connection.skipToReady()
      throw error
    }
    // No CopyBoth: the timeline ended exactly here, and the server says at once what comes next.
    return new WalStream(
      this.connection,
      type === 'W' ? undefined : await readSwitch(this.connection, { type, body }),
    )
  }

  async close(): Promise<void> {
    await this.connection.close()
  }

  /** Ends the connection at once, also in the middle of a stream. */
  destroy(reason?: Error): void {
    this.connection.destroy(reason)
  }
}

/** WAL that a server is sending. Read it piece by piece; say how far it is durable. */
export class WalStream {
  #unread: Message | undefined

  constructor(
    private readonly connection: Connection,
    private readonly endedAt: TimelineSwitch | undefined,
  ) {}

  /** The next piece; a keep-alive is `undefined`; a `TimelineSwitch` ends the stream. */
  async next(): Promise<WalPiece | TimelineSwitch | undefined> {
    if (this.endedAt) return this.endedAt
    const unread = this.#unread
    this.#unread = undefined
    return this.#read(unread ?? (await this.connection.receive()))
  }

  /** A piece that has already arrived, without waiting. */
  poll(): WalPiece | undefined {
    const message = this.#unread ? undefined : this.connection.poll()
    if (!message) return undefined
    if (message.type === 'd' && message.body[0] === 0x77) return pieceOf(message.body)
    this.#unread = message
    return undefined
  }

  /**
   * Tells the server up to where WAL is durable here, so that it may recycle it.
   *
   * @param mustReply  ask for a sign of life at once
   */
  acknowledge(durable: Lsn, now: Date, mustReply = false): void {
    const status = Buffer.alloc(34)
    status[33] = mustReply ? 1 : 0
    status.write('r', 0, 'latin1')
    status.writeBigUInt64BE(durable, 1)
    status.writeBigUInt64BE(durable, 9)
    status.writeBigUInt64BE(durable, 17)
    status.writeBigInt64BE(BigInt(now.getTime()) * 1000n - POSTGRES_EPOCH_US, 25)
    this.connection.send('d', status)
  }

  async #read(message: Message): Promise<WalPiece | TimelineSwitch | undefined> {
    const { type, body } = message
    if (type === 'd') return body[0] === 0x77 ? pieceOf(body) : undefined
    if (type === 'c') {
      this.connection.send('c', Buffer.alloc(0))
      return readSwitch(this.connection)
    }
    if (type === 'E') {
      await this.connection.skipToReady()
      throw new ServerError(fieldsOf(body))
    }
    return undefined
  }
}

function pieceOf(body: Buffer): WalPiece {
  if (body.length < 25) throw notWal()
  return { lsn: body.readBigUInt64BE(1) as Lsn, bytes: body.subarray(25) }
}

/** After the end of a timeline the server sends one row: the next timeline and where it begins. */
async function readSwitch(connection: Connection, first?: Message): Promise<TimelineSwitch> {
  const [row] = await connection.readRows(first)
  if (!row?.next_tli || !row.next_tli_startpos) throw notWal()
  return { nextTimeline: Number(row.next_tli), switchedAt: parseLsn(row.next_tli_startpos) }
}

function notWal(): LifeboatError {
  return new LifeboatError('DatabaseUnreachable', 'the server stopped sending its write-ahead log')
}
