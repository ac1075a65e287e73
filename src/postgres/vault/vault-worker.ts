import { LifeboatError } from '../../core/errors.ts'
import { CheckWork } from './check-session.ts'
import { RepackWork } from './repack-session.ts'
import { RestoreWork } from './restore-session.ts'
import { StoreWork } from './store-session.ts'
import type { Session, WorkerReply, WorkerRequest } from './worker-messages.ts'

/** One session's work: pieces of it, one at a time, and its end. */
interface Work {
  do(items: never): Promise<unknown>
  end(): Promise<unknown>
}

/**
 * The program of one vault worker: a forked process, because the zstd library must not be used by two threads.
 *
 * It does one request at a time and ends when its parent does.
 */
let work: Work | undefined

async function begin(session: Session): Promise<Work> {
  switch (session.kind) {
    case 'store':
      return StoreWork.begin(session)
    case 'restore':
      return new RestoreWork(session)
    case 'check':
      return new CheckWork(session)
    case 'repack':
      return RepackWork.begin(session)
  }
}

async function answer(request: WorkerRequest): Promise<unknown> {
  switch (request.type) {
    case 'begin':
      work = await begin(request.session)
      return undefined
    case 'do':
      return work?.do(request.items as never)
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
