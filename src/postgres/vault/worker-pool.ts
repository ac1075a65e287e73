import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { assert } from '../../core/assert.ts'
import { entryPoint } from '../../core/entry-point.ts'
import { ERRORS, type ErrorCode, LifeboatError } from '../../core/errors.ts'
import type { Session, WorkerReply, WorkerRequest } from './worker-messages.ts'

/** More workers than cores were measured to be slower; more than four gain nothing on one disk. */
const MAX_WORKERS = 4
/** Backups and checks of several clusters at once: each session takes some 90 MB for each of its workers. */
const MAX_SESSIONS = 2

/** One resident worker process. */
class Worker {
  readonly #process: ChildProcess
  #waiting: { resolve(value: unknown): void; reject(error: Error): void } | undefined
  readonly #ended: Promise<void>
  isAlive = true

  constructor() {
    this.#process = fork(fileURLToPath(entryPoint(import.meta.url, './vault-worker.ts')), [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#process.on('message', (reply: WorkerReply) => this.#settle(reply))
    this.#ended = new Promise((resolve) => {
      const onEnd = () => {
        this.isAlive = false
        this.#waiting?.reject(new Error('a worker of the vault ended unexpectedly'))
        this.#waiting = undefined
        resolve()
      }
      this.#process.on('exit', onEnd)
      this.#process.on('error', onEnd)
    })
    this.#rest()
  }

  ask(request: WorkerRequest): Promise<unknown> {
    assert(!this.#waiting, 'a worker does one request at a time')
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#process.ref()
      this.#process.channel?.ref()
      this.#process.send(request, (error) => {
        if (error) this.#waiting?.reject(error)
      })
    })
  }

  /** Resolves when it is gone: from then on it touches no file. */
  async kill(): Promise<void> {
    this.isAlive = false
    this.#process.ref()
    this.#process.kill('SIGKILL')
    await this.#ended
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#rest()
    if (reply.ok) waiting?.resolve(reply.value)
    else waiting?.reject(errorOf(reply))
  }

  /** An idle worker does not keep our process alive; it ends with it. */
  #rest(): void {
    this.#process.unref()
    this.#process.channel?.unref()
  }
}

const idle: Worker[] = []
let sessions = 0
const waiting: (() => void)[] = []

/**
 * Runs `tasks` on the resident workers: a session is begun on each of them, every worker takes the next task when it is done
 * with one, and the session is ended on all. The workers stay for the next session.
 *
 * Only so many sessions run at once, the others wait their turn; a restore never waits.
 *
 * @returns what each worker answered to `end`
 */
export async function runOnWorkers<Result>(o: {
  session: (worker: number) => Session
  tasks: Iterable<WorkerRequest> | AsyncIterable<WorkerRequest>
  onResult: (result: Result, worker: number, request: WorkerRequest) => void
  signal?: AbortSignal | undefined
}): Promise<unknown[]> {
  if (o.session(0).kind === 'restore') return runNow(o)
  if (sessions >= MAX_SESSIONS) await new Promise<void>((resolve) => waiting.push(resolve))
  sessions++
  try {
    o.signal?.throwIfAborted()
    return await runNow(o)
  } finally {
    sessions--
    waiting.shift()?.()
  }
}

async function runNow<Result>(o: Parameters<typeof runOnWorkers<Result>>[0]): Promise<unknown[]> {
  const count = Math.min(availableParallelism(), MAX_WORKERS)
  const workers = Array.from({ length: count }, () => takeIdle())
  const tasks =
    Symbol.asyncIterator in o.tasks ? o.tasks[Symbol.asyncIterator]() : o.tasks[Symbol.iterator]()
  try {
    return await Promise.all(
      workers.map(async (worker, index) => {
        await worker.ask({ type: 'begin', session: o.session(index) })
        for (let next = await tasks.next(); !next.done; next = await tasks.next()) {
          o.signal?.throwIfAborted()
          const request = next.value
          o.onResult((await worker.ask(request)) as Result, index, request)
        }
        return worker.ask({ type: 'end' })
      }),
    )
  } catch (error) {
    // The others may be in the middle of something that nobody wants any more.
    await Promise.all(workers.map((worker) => worker.kill()))
    throw error
  } finally {
    await rest(workers)
  }
}

/** Keeps what one session needs; the others were for a time of several. */
async function rest(workers: readonly Worker[]): Promise<void> {
  for (const worker of workers) {
    if (worker.isAlive && idle.length < workers.length) idle.push(worker)
    else await worker.kill()
  }
}

function takeIdle(): Worker {
  for (let worker = idle.pop(); worker; worker = idle.pop()) if (worker.isAlive) return worker
  return new Worker()
}

function errorOf(reply: Extract<WorkerReply, { ok: false }>): Error {
  if (reply.code === undefined || !(reply.code in ERRORS)) return new Error(reply.message)
  return new LifeboatError(
    reply.code as ErrorCode,
    reply.message,
    reply.hint ? { hint: reply.hint } : {},
  )
}
