import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { assert } from '../../core/assert.ts'
import { entryPoint } from '../../core/entry-point.ts'
import { ERRORS, type ErrorCode, LifeboatError } from '../../core/errors.ts'
import type { WorkerReply, WorkerRequest } from './worker-messages.ts'

/** More workers than cores were measured to be slower; more than four gain nothing on one disk. */
const MAX_WORKERS = 4

/** One resident worker process. */
class Worker {
  readonly #process: ChildProcess
  #waiting: { resolve(value: unknown): void; reject(error: Error): void } | undefined
  isAlive = true

  constructor() {
    this.#process = fork(fileURLToPath(entryPoint(import.meta.url, './vault-worker.ts')), [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#process.on('message', (reply: WorkerReply) => this.#settle(reply))
    this.#process.on('exit', () => {
      this.isAlive = false
      this.#waiting?.reject(
        new LifeboatError('BackupFailed', 'a worker of the vault ended unexpectedly'),
      )
      this.#waiting = undefined
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

  kill(): void {
    this.isAlive = false
    this.#process.kill('SIGKILL')
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

let idle: Worker[] = []

/**
 * Runs `tasks` on the resident workers: a session is begun on each of them, every worker takes the next task when it is done
 * with one, and the session is ended on all. The workers stay for the next session.
 *
 * @returns what each worker answered to `end`
 */
export async function runOnWorkers<Result>(o: {
  session: (worker: number) => Extract<WorkerRequest, { type: 'begin' }>['session']
  tasks: Iterable<WorkerRequest>
  onResult: (result: Result, worker: number) => void
  signal?: AbortSignal | undefined
}): Promise<unknown[]> {
  const count = Math.min(availableParallelism(), MAX_WORKERS)
  const workers = Array.from({ length: count }, () => takeIdle())
  const tasks = o.tasks[Symbol.iterator]()
  try {
    return await Promise.all(
      workers.map(async (worker, index) => {
        await worker.ask({ type: 'begin', session: o.session(index) })
        for (let next = tasks.next(); !next.done; next = tasks.next()) {
          o.signal?.throwIfAborted()
          o.onResult((await worker.ask(next.value)) as Result, index)
        }
        return worker.ask({ type: 'end' })
      }),
    )
  } catch (error) {
    // The others may be in the middle of something that nobody wants any more.
    for (const worker of workers) worker.kill()
    throw error
  } finally {
    idle.push(...workers.filter((worker) => worker.isAlive))
  }
}

/** Ends the resident workers. */
export function endWorkers(): void {
  for (const worker of idle) worker.kill()
  idle = []
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
