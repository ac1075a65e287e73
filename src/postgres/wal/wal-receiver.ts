import { EventEmitter } from 'node:events'
import { type Clock, systemClock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { ConnectionTarget } from '../wire/connection-target.ts'
import { ReplicationConnection } from '../wire/replication.ts'
import { ServerError } from '../wire/server-error.ts'
import { Heartbeat } from './heartbeat.ts'
import { receiveStream } from './receive-stream.ts'
import { findStart, type StreamStart } from './stream-start.ts'
import type { TimelineArchive } from './timeline-archive.ts'
import type { WalArchive, WalGap } from './wal-archive.ts'

export interface ReceiverStatus {
  readonly isConnected: boolean
  readonly timeline: number | undefined
  readonly durableLsn: Lsn | undefined
  /** Why it is not connected. */
  readonly problem: string | undefined
}

const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 5_000
/** How long the server may take to notice that whoever streamed before us is gone. */
const SLOT_BUSY_MS = 10_000
/** object_in_use: somebody else streams from the slot. */
const SLOT_BUSY = '55006'
/** undefined_file: the server has removed the segment that was asked for. */
const WAL_REMOVED = '58P01'

/**
 * Streams a server's WAL into an archive for as long as it runs, and acknowledges only what is durable there.
 *
 * The server keeps WAL for us in a replication slot. When it had to give some up while we were away, the loss is
 * recorded as a gap, `gap` is emitted, and streaming goes on behind it. When the server is on another timeline than
 * before, the rest of the old one comes first.
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
  #archive: TimelineArchive | undefined
  #running: Promise<void> | undefined
  #problem: string | undefined
  #isStreaming = false

  constructor(
    private readonly o: {
      readonly source: ConnectionTarget
      readonly archive: WalArchive
      readonly slot: string
      readonly clock?: Clock
      /** After so long without a word from the server it is taken for lost. */
      readonly silenceMs?: number
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
    const { signal } = this.#stopping
    if (isThere()) return
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        this.off('durable', check)
        signal.removeEventListener('abort', fail)
      }
      const check = () => {
        if (!isThere()) return
        settle()
        resolve()
      }
      const fail = () => {
        settle()
        const reason = signal.aborted
          ? 'the receiver was stopped'
          : `it did not arrive within ${deadlineMs / 1000} s`
        reject(
          new LifeboatError(
            'DatabaseUnreachable',
            `the write-ahead log is not durable: ${reason}${this.#problem ? `: ${this.#problem}` : ''}`,
            { hint: 'Check that the database runs and that the disk of the backups has room.' },
          ),
        )
      }
      const timer = setTimeout(fail, deadlineMs)
      signal.addEventListener('abort', fail, { once: true })
      this.on('durable', check)
      if (signal.aborted) fail()
    })
  }

  /** Ends streaming; what has arrived is durable when it returns. The slot stays and keeps holding WAL. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the receiver was stopped'))
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
        if (signal.aborted && !isFirst) return
        this.#problem = error instanceof Error ? error.message : String(error)
        const mayWait = isSlotBusy(error) && this.#clock.monotonicMs() < busyUntil
        if (isFirst && (signal.aborted || !mayWait)) return onFirstFailure(error)
        if (!isFirst) this.emit('problem', error)
        await this.#pause(backoffMs)
        backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)
      } finally {
        this.#isStreaming = false
      }
    }
    if (isFirst) onFirstFailure(signal.reason)
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping
    await this.#clock.sleep(ms, signal).catch((reason: unknown) => {
      if (reason !== signal.reason) throw reason
    })
  }

  async #streamOnce(onOpen: () => void): Promise<void> {
    const { signal } = this.#stopping
    const replication = await ReplicationConnection.open(
      { ...this.o.source, applicationName: 'lifeboat-wal' },
      { signal },
    )
    const onAbort = () => replication.destroy()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const start = await this.#prepare(replication)
      this.#archive = await this.o.archive.timeline(start.timeline)
      await this.#stream(replication, start, this.#archive, onOpen)
    } finally {
      signal.removeEventListener('abort', onAbort)
      replication.destroy()
    }
  }

  async #prepare(replication: ReplicationConnection): Promise<StreamStart> {
    const { archive, slot } = this.o
    const identity = await replication.identify()
    const segmentBytes = await replication.segmentBytes()
    await archive.bind({ systemIdentifier: identity.systemIdentifier, segmentBytes })
    const history = await replication.timelineHistory(identity.timeline)
    await archive.keepHistoryFile(identity.timeline, history)
    await replication.ensureSlot(slot)
    if ((await replication.heldFrom(slot)) === undefined) {
      // It was invalidated. PostgreSQL 15 streams from it all the same, but holds no WAL before our first answer:
      // a checkpoint in between makes another gap.
      await replication.dropSlot(slot)
      await replication.ensureSlot(slot)
    }
    return findStart(archive, identity, history)
  }

  async #stream(
    replication: ReplicationConnection,
    start: StreamStart,
    timeline: TimelineArchive,
    onOpen: () => void,
  ): Promise<void> {
    const { slot, source } = this.o
    let heartbeat: Heartbeat | undefined
    try {
      const stream = await replication.startWal({ ...start, slot })
      this.#isStreaming = true
      heartbeat = new Heartbeat(source, this.#clock)
      onOpen()
      await receiveStream({
        stream,
        archive: timeline,
        clock: this.#clock,
        silenceMs: this.o.silenceMs,
        onDurable: (lsn) => this.emit('durable', lsn),
        onSilence: (reason) => replication.destroy(reason),
      })
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      if (error.sqlstate !== WAL_REMOVED) throw error
      await this.#recordLoss(replication, start, error)
    } finally {
      await heartbeat?.close()
    }
  }

  /** Streaming goes on at the oldest position that the server still holds for us. */
  async #recordLoss(
    replication: ReplicationConnection,
    { timeline, isNewest, missingFrom, serverEnd }: StreamStart,
    error: ServerError,
  ): Promise<void> {
    const { archive, slot } = this.o
    const known = archive.resumeAt(timeline) ?? missingFrom
    const segmentOf = (lsn: Lsn) => (lsn - (lsn % BigInt(archive.segmentBytes))) as Lsn
    let to = serverEnd
    if (isNewest) {
      const held = await replication.heldFrom(slot)
      to = segmentOf(held !== undefined && segmentOf(held) > known ? held : serverEnd)
    }
    if (to <= known) throw error
    const gap = await archive.recordGap({
      timeline,
      from: missingFrom,
      to,
      reason: error.message,
    })
    this.emit('gap', gap)
  }
}

function isSlotBusy(error: unknown): boolean {
  return error instanceof ServerError && error.sqlstate === SLOT_BUSY
}
