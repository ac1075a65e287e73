import type { DBOS as Dbos } from '@dbos-inc/dbos-sdk'
import pg from 'pg'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { heedBrokenConnections, STANDSTILL_MS } from './state-database.ts'

/**
 * Grows only when the workflow asks something else of the engine, or in another order: what an older Lifeboat began could
 * then not be replayed.
 */
const APPLICATION_VERSION = 'lifeboat-runbook-1'
const QUEUE_LOOK_MS = 500
/** States of a workflow that the engine asks for nothing more. */
const ENDED: readonly string[] = ['SUCCESS', 'ERROR', 'CANCELLED']
const SHUTDOWN_DEADLINE_MS = 5_000

/** A list of steps as the engine sees it. Each task may be asked for again after a crash. */
export interface DurableWork {
  readonly steps: readonly string[]
  perform(step: string): Promise<string>
  /** Called when every step has ended. */
  planUndo(): Promise<readonly string[]>
  undo(step: string): Promise<string>
  end(): Promise<string>
  /** The engine itself failed: it asks for nothing more, and the work has to be resumed. */
  broke(error: unknown): void
}

const workById = new Map<string, DurableWork>()
let current: { url: string; users: number; engine: Promise<DurableEngine> } | undefined
let isShutDown: Promise<void> = Promise.resolve()

/**
 * The durable execution engine, DBOS, behind the two things that we ask of it.
 *
 * There is one in a process. It never takes over what another process began unless `resume` says so: then the work goes
 * through a queue that only this process looks at, and the engine refuses whatever the former process has yet to say.
 */
export class DurableEngine {
  private constructor(
    private readonly dbos: typeof Dbos,
    private readonly workflow: (id: string) => Promise<string>,
    private readonly queue: string,
    private readonly pool: pg.Pool,
  ) {}

  /**
   * The engine of this process, launched when it is first needed. Release it.
   *
   * @throws LifeboatError `StateUnreachable`; `AlreadyRunning` when this process uses it on another database
   */
  static async acquire(url: string, onLog: (line: string) => void): Promise<DurableEngine> {
    if (current && current.url !== url) {
      throw new LifeboatError(
        'AlreadyRunning',
        'this process already executes runbooks on another state database',
        { hint: 'Use one process for each.' },
      )
    }
    current ??= { url, users: 0, engine: isShutDown.then(() => DurableEngine.#launch(url, onLog)) }
    const mine = current
    mine.users++
    try {
      return await mine.engine
    } catch (cause) {
      if (current === mine) current = undefined
      const words = cause instanceof Error ? cause.message : String(cause)
      throw new LifeboatError('StateUnreachable', `the durable engine did not start: ${words}`, {
        cause,
      })
    }
  }

  /** Importing and launching takes about half a second, so that only what executes pays for it. */
  static async #launch(url: string, onLog: (line: string) => void): Promise<DurableEngine> {
    const { DBOS } = await import('@dbos-inc/dbos-sdk')
    const log = (entry: unknown) => onLog(typeof entry === 'string' ? entry : String(entry))
    const executorID = systemRandom.hex(16)
    const queue = `lifeboat-${executorID}`
    const pool = new pg.Pool({
      connectionString: url,
      max: 8,
      connectionTimeoutMillis: 10_000,
      idle_in_transaction_session_timeout: STANDSTILL_MS,
      application_name: 'lifeboat-engine',
    })
    heedBrokenConnections(pool, (error) => log(error.message))
    DBOS.setConfig({
      name: 'lifeboat',
      systemDatabaseUrl: url,
      systemDatabasePool: pool,
      systemDatabaseSchemaName: 'lifeboat_engine',
      applicationVersion: APPLICATION_VERSION,
      executorID,
      listenQueues: [queue],
      useListenNotify: false,
      logger: { info: log, debug: () => undefined, warn: log, error: log },
    })
    const workflow = DBOS.registerWorkflow((id: string) => executeList(DBOS, id), {
      name: 'executeRunbook',
    })
    const engine = new DurableEngine(DBOS, workflow, queue, pool)
    try {
      await DBOS.launch()
      await DBOS.registerQueue(queue, { minPollingIntervalMs: QUEUE_LOOK_MS })
    } catch (error) {
      await engine.#shutdown()
      throw error
    }
    return engine
  }

  async begin(id: string, work: DurableWork): Promise<void> {
    await this.#start(id, work, id)
  }

  async #start(id: string, work: DurableWork, workflowID: string): Promise<void> {
    workById.set(id, work)
    await this.dbos.startWorkflow(this.workflow, { workflowID })(id)
  }

  /** Goes on with what another process began, or this one before its engine was released. */
  async resume(id: string, work: DurableWork): Promise<void> {
    const known = await this.dbos.getWorkflowStatus(id)
    // Its process died between our journal's word and the engine's.
    if (!known) return this.begin(id, work)
    if (ENDED.includes(known.status)) {
      // The engine failed or was told to forget, so that it holds for ended what our journal does not.
      return this.#start(id, work, `${id}/${systemRandom.hex(8)}`)
    }
    workById.set(id, work)
    await this.dbos.resumeWorkflow(id, { queueName: this.queue })
  }

  /** What it remembers of an execution is no longer so: another machine has gone on with that. */
  async forget(id: string): Promise<void> {
    const known = await this.dbos.getWorkflowStatus(id)
    if (known && !ENDED.includes(known.status)) await this.dbos.cancelWorkflow(id)
  }

  /** The last user shuts it down; what then still runs is left as after a crash. */
  async release(): Promise<void> {
    if (!current || --current.users > 0) return
    current = undefined
    isShutDown = this.#shutdown()
    await isShutDown
  }

  /** With its database away the engine would not end by itself, so there is a deadline. */
  async #shutdown(): Promise<void> {
    const deadline = new AbortController()
    const passed = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, SHUTDOWN_DEADLINE_MS)
      deadline.signal.addEventListener('abort', () => clearTimeout(timer))
    })
    const forget = async () => {
      if (this.dbos.isInitialized()) await this.dbos.deleteQueue(this.queue)
      await this.dbos.shutdown({ deregister: true })
      await this.pool.end()
    }
    await Promise.race([Promise.allSettled([forget()]), passed])
    deadline.abort()
  }
}

/**
 * Every task is begun at once, in the order of the list, so that a replay asks for the same things in the same order; each
 * waits for what it needs by itself. The engine remembers what is done by name and word; outputs are in our journal only.
 */
async function executeList(dbos: typeof Dbos, id: string): Promise<string> {
  const work = workById.get(id)
  // Nobody here executes it, so that nothing may be recorded as if somebody had.
  if (!work) return new Promise(() => undefined)
  try {
    await Promise.all(
      work.steps.map((name) => dbos.runStep(() => work.perform(name), { name: `step ${name}` })),
    )
    const undo = await dbos.runStep(() => work.planUndo(), { name: 'plan undo' })
    for (const name of undo) await dbos.runStep(() => work.undo(name), { name: `undo ${name}` })
    const outcome = await dbos.runStep(() => work.end(), { name: 'end' })
    workById.delete(id)
    return outcome
  } catch (error) {
    work.broke(error)
    throw error
  }
}
