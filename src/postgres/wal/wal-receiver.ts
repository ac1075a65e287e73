import { EventEmitter } from 'node:events'
import { type Clock, systemClock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Lsn } from '../../core/lsn.ts'
import { Connection, type ConnectionTarget } from '../wire/connection.ts'
import { ReplicationConnection, type WalPiece, type WalStream } from '../wire/replication.ts'
import { ServerError } from '../wire/server-error.ts'
import type { TimelineArchive } from './timeline-archive.ts'
import type { WalArchive, WalGap } from './wal-archive.ts'

export interface ReceiverStatus {
  readonly isConnected: boolean
  readonly timeline: number | undefined
  readonly durableLsn: Lsn | undefined
  /** Why it is not connected. */
  readonly problem: string | undefined
}

const HEARTBEAT_MS = 1_000
const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 5_000
/** How long the server may take to notice that whoever streamed before us is gone. */
const SLOT_BUSY_MS = 10_000
/** How much WAL one durable write may take together at most. */
const BATCH_BYTES = 8 << 20
/** SQLSTATEs that mean: the server no longer has the WAL that we need. */
const WAL_IS_GONE = new Set(['58P01', '55000'])

/**
 * Streams a server's WAL into an archive for as long as it runs, and acknowledges only what is durable there.
 *
 * The server keeps WAL for us in a replication slot. When it had to give some up while we were away, the loss is
 * recorded as a gap, `gap` is emitted, and streaming goes on behind it.
 *
 * Once a second the server is made to commit something, so that the latest restorable time moves on while nobody
 * else does.
 *
 * Events: `gap`; `durable` after each durable write; `problem` when the connection is lost or refused.
 */
export class WalReceiver extends EventEmitter<{
  gap: [WalGap]
  durable: [Lsn]
  problem: [unknown]
}> {
  readonly #stopping = new AbortController()
  readonly #clock: Clock
  #replication: ReplicationConnection | undefined
  #archive: TimelineArchive | undefined
  #running: Promise<void> | undefined
  #problem: string | undefined
  #isStreaming = false
  /** What the server said when it turned out not to have the WAL that follows the archive's end. */
  #lostWal: string | undefined

  constructor(
    private readonly o: {
      readonly source: ConnectionTarget
      readonly archive: WalArchive
      readonly slot: string
      readonly clock?: Clock
    },
  ) {
    super()
    this.#clock = o.clock ?? systemClock
  }

  /** Begins; resolves when the stream is open. @throws what the first attempt met */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#running = this.#keepStreaming(resolve, reject)
    })
  }

  status(): ReceiverStatus {
    return {
      isConnected: this.#isStreaming,
      timeline: this.#archive?.timeline,
      durableLsn: this.#archive?.end,
      problem: this.#problem,
    }
  }

  /** Resolves when WAL up to `lsn` is durable in the archive. @throws LifeboatError `DatabaseUnreachable` at the deadline */
  async waitUntilDurable(lsn: Lsn, deadlineMs: number): Promise<void> {
    const isThere = () => (this.#archive?.end ?? -1n) >= lsn
    if (isThere()) return
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        this.off('durable', check)
      }
      const check = () => {
        if (!isThere()) return
        settle()
        resolve()
      }
      const timer = setTimeout(() => {
        settle()
        reject(
          new LifeboatError(
            'DatabaseUnreachable',
            `the write-ahead log did not arrive within ${deadlineMs / 1000} s: ${this.#problem ?? 'the server sends none'}`,
          ),
        )
      }, deadlineMs)
      this.on('durable', check)
    })
  }

  /** Ends streaming; what has arrived is durable when it returns. The slot stays and keeps holding WAL. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the receiver was stopped'))
    this.#replication?.destroy()
    await this.#running
  }

  async #keepStreaming(
    onOpen: () => void,
    onFirstFailure: (error: unknown) => void,
  ): Promise<void> {
    const { signal } = this.#stopping
    let backoffMs = FIRST_BACKOFF_MS
    const busyUntil = this.#clock.monotonicMs() + SLOT_BUSY_MS
    let isFirst = true
    while (!signal.aborted) {
      try {
        await this.#streamOnce(() => {
          backoffMs = FIRST_BACKOFF_MS
          this.#problem = undefined
          isFirst = false
          onOpen()
        })
      } catch (error) {
        if (signal.aborted) return
        this.#problem = error instanceof Error ? error.message : String(error)
        if (isFirst && !(isSlotBusy(error) && this.#clock.monotonicMs() < busyUntil)) {
          return onFirstFailure(error)
        }
        if (!isFirst) this.emit('problem', error)
        await this.#pause(backoffMs)
        backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)
      } finally {
        this.#isStreaming = false
        this.#replication?.destroy()
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping
    await this.#clock.sleep(ms, signal).catch((reason: unknown) => {
      if (reason !== signal.reason) throw reason
    })
  }

  async #streamOnce(onOpen: () => void): Promise<void> {
    const replication = await ReplicationConnection.open({
      ...this.o.source,
      applicationName: 'lifeboat-wal',
    })
    this.#replication = replication
    const { systemIdentifier, timeline, flushedLsn } = await replication.identify()
    const segmentBytes = await replication.segmentBytes()
    await this.o.archive.bind({ systemIdentifier, segmentBytes })
    await this.o.archive.keepHistoryFile(timeline, await replication.timelineHistory(timeline))
    await replication.ensureSlot(this.o.slot)

    const archive = await this.o.archive.timeline(timeline)
    this.#archive = archive
    const segmentStart = ((flushedLsn / BigInt(segmentBytes)) * BigInt(segmentBytes)) as Lsn
    const from = archive.end ?? segmentStart
    const stream = await this.#open(replication, archive, from, segmentStart)
    this.#isStreaming = true
    const heartbeat = new Heartbeat(this.o.source)
    try {
      onOpen()
      await this.#receive(stream, archive)
    } catch (error) {
      // Some servers open a stream although they lack its start, and fail when they come to send it.
      if (isWalGone(error)) this.#lostWal = error.message
      throw error
    } finally {
      await heartbeat.close()
    }
  }

  /** Opens the stream where the archive ends, or behind a gap when the server no longer has that. */
  async #open(
    replication: ReplicationConnection,
    archive: TimelineArchive,
    from: Lsn,
    segmentStart: Lsn,
  ): Promise<WalStream> {
    const { timeline } = archive
    const { slot } = this.o
    try {
      if (this.#lostWal === undefined) return await replication.startWal({ slot, from, timeline })
    } catch (error) {
      if (!isWalGone(error)) throw error
      this.#lostWal = error.message
    }
    await replication.dropSlot(slot)
    await replication.ensureSlot(slot)
    const stream = await replication.startWal({ slot, from: segmentStart, timeline })
    const gap = await this.o.archive.recordGap({
      timeline,
      from,
      to: segmentStart,
      reason: this.#lostWal ?? '',
    })
    this.#lostWal = undefined
    this.emit('gap', gap)
    return stream
  }

  async #receive(stream: WalStream, archive: TimelineArchive): Promise<void> {
    for (;;) {
      const piece = await stream.next()
      if (piece && 'nextTimeline' in piece) return
      if (piece) {
        const batch = takeBatch(stream, piece)
        await archive.append(
          piece.lsn,
          batch.map(({ bytes }) => bytes),
        )
        this.emit('durable', archive.end!)
      }
      if (archive.end !== undefined) stream.acknowledge(archive.end, this.#clock.now())
    }
  }
}

function isWalGone(error: unknown): error is ServerError {
  return error instanceof ServerError && WAL_IS_GONE.has(error.sqlstate)
}

function isSlotBusy(error: unknown): boolean {
  return error instanceof ServerError && error.sqlstate === '55006'
}

/** All pieces that have already arrived, so that one sync makes them durable together. */
function takeBatch(stream: WalStream, first: WalPiece): WalPiece[] {
  const batch = [first]
  let bytes = first.bytes.length
  while (bytes < BATCH_BYTES) {
    const piece = stream.poll()
    if (!piece) break
    batch.push(piece)
    bytes += piece.bytes.length
  }
  return batch
}

/** Commits something once a second: a server may be idle, or write for hours without a commit. */
class Heartbeat {
  readonly #timer: NodeJS.Timeout
  #connection: Connection | undefined
  #beating: Promise<void> | undefined

  constructor(private readonly source: ConnectionTarget) {
    this.#timer = setInterval(() => this.#tick(), HEARTBEAT_MS)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    await this.#connection?.close()
  }

  #tick(): void {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined
    })
  }

  async #beat(): Promise<void> {
    try {
      this.#connection ??= await Connection.open({
        ...this.source,
        applicationName: 'lifeboat-heartbeat',
      })
      await this.#connection.query("select pg_logical_emit_message(true, 'lifeboat', '')")
    } catch (error) {
      // The stream notices a lost server by itself; a heartbeat only has to try again.
      if (!(error instanceof LifeboatError) && !(error instanceof ServerError)) throw error
      this.#connection?.destroy()
      this.#connection = undefined
    }
  }
}
