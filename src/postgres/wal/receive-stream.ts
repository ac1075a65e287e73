import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { WalPiece, WalStream } from '../wire/replication.ts'
import type { TimelineArchive } from './timeline-archive.ts'

/** How much WAL one durable write may take together at most. */
const BATCH_BYTES = 4 << 20
/** As PostgreSQL's own wal_receiver_timeout. */
const SILENCE_MS = 60_000

/**
 * Writes a stream into an archive until its timeline ends. What is acknowledged is durable.
 *
 * A server that says nothing is asked for a sign of life, and is given up when none comes: a network can lose a
 * connection without a word.
 */
export async function receiveStream(o: {
  stream: WalStream
  archive: TimelineArchive
  clock: Clock
  silenceMs: number | undefined
  onDurable: (lsn: Lsn) => void
  /** Must end the connection. */
  onSilence: (reason: Error) => void
}): Promise<void> {
  const { stream, archive, clock } = o
  const silenceMs = o.silenceMs ?? SILENCE_MS
  const acknowledge = (mustReply = false) => {
    if (archive.end !== undefined) stream.acknowledge(archive.end, clock.now(), mustReply)
  }
  /** Since when nothing has come although it was waited for. */
  let waitingSinceMs: number | undefined
  const watch = setInterval(() => {
    if (waitingSinceMs === undefined) return
    const silentMs = clock.monotonicMs() - waitingSinceMs
    if (silentMs >= silenceMs) {
      o.onSilence(new Error(`the server said nothing for ${Math.round(silentMs)} ms`))
    } else if (silentMs >= silenceMs / 2) acknowledge(true)
  }, silenceMs / 6)
  try {
    for (;;) {
      waitingSinceMs = clock.monotonicMs()
      const piece = await stream.next()
      waitingSinceMs = undefined
      if (piece && 'nextTimeline' in piece) return
      if (piece) {
        await archive.append(piece.lsn, takeBatch(stream, piece))
        o.onDurable(archive.end!)
      }
      acknowledge()
    }
  } finally {
    clearInterval(watch)
  }
}

/** All pieces that have already arrived, so that one sync makes them durable together. */
function takeBatch(stream: WalStream, first: WalPiece): Buffer[] {
  const batch = [first.bytes]
  let bytes = first.bytes.length
  while (bytes < BATCH_BYTES) {
    const piece = stream.poll()
    if (!piece) break
    assert(piece.lsn === first.lsn + BigInt(bytes), 'a server sends WAL without a gap')
    batch.push(piece.bytes)
    bytes += piece.bytes.length
  }
  return batch
}
