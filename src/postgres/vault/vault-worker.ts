import { LifeboatError } from '../../core/errors.ts'
import { RestoreWork } from './restore-session.ts'
import { StoreWork } from './store-session.ts'
import type { WorkerReply, WorkerRequest } from './worker-messages.ts'

/**
 * The program of one vault worker: a forked process, because the zstd library must not be used by two threads.
 *
 * It does one request at a time and ends when its parent does.
 */
let work: StoreWork | RestoreWork | undefined

async function answer(request: WorkerRequest): Promise<unknown> {
  switch (request.type) {
    case 'begin':
      work =
        request.session.kind === 'store'
          ? await StoreWork.begin(request.session)
          : await RestoreWork.begin(request.session)
      return undefined
    case 'store':
      return work instanceof StoreWork ? work.store(request.items) : undefined
    case 'restore':
      return work instanceof RestoreWork ? work.restore(request.items) : undefined
    case 'end': {
      const ended = work
      work = undefined
      return ended?.end()
    }
  }
}

process.on('message', async (request: WorkerRequest) => {
  let reply: WorkerReply
  try {
    reply = { ok: true, value: await answer(request) }
  } catch (error) {
    const isOurs = error instanceof LifeboatError
    reply = {
      ok: false,
      code: isOurs ? error.code : undefined,
      message: error instanceof Error ? error.message : String(error),
      hint: isOurs ? error.hint : undefined,
    }
  }
  process.send?.(reply)
})
process.on('disconnect', () => process.exit(0))
