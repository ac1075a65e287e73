import { LifeboatError } from '../../core/errors.ts'
import { FRAME_HEADER_BYTES, frameLength } from './frame.ts'

/** No frame of ours is longer. */
const MAX_FRAME_BYTES = 16 << 20

/**
 * The frames that a stream of bytes consists of. What a length says is believed, nothing else is: the caller checks each frame.
 *
 * @throws LifeboatError `VaultDamaged` when the stream ends within a frame, or a frame is longer than any can be
 */
export async function* framesIn(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let have = 0
  let wanted = FRAME_HEADER_BYTES
  for await (const piece of bytes) {
    parts.push(piece)
    have += piece.length
    if (have < wanted) continue
    let rest = Buffer.concat(parts)
    for (;;) {
      wanted = rest.length < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : frameLength(rest)
      if (wanted > MAX_FRAME_BYTES) throw broken('a frame is longer than any can be')
      if (rest.length < wanted) break
      yield rest.subarray(0, wanted)
      rest = rest.subarray(wanted)
    }
    parts = [rest]
    have = rest.length
  }
  if (have > 0) throw broken('it ends within a frame')
}

function broken(reason: string): LifeboatError {
  return new LifeboatError('VaultDamaged', `what was sent is not made of frames: ${reason}`)
}
