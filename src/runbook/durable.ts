import { DBOS } from '@dbos-inc/dbos-sdk'

/** Changes only when the order of what a workflow asks of the engine changes: older runs could then not be replayed. */
const APPLICATION_VERSION = 'lifeboat-1'
const SHUTDOWN_DEADLINE_MS = 5_000

/** Work of which the engine remembers that it was done: a body that ended is never run again. */
export type Once = <Result>(name: string, body: () => Promise<Result>) => Promise<Result>

/** A body of durable work. After a crash it runs again from its start, and `once` gives what was done already. */
export type DurableWork = (id: string, argument: string, once: Once) => Promise<void>

/**
 * The durable execution engine, DBOS, behind the three things that we ask of it.
 *
 * There is one in a process. It never takes over work of another process by itself: `resume` says so for each piece.
 */
export class DurableEngine {
  private constructor(
    private readonly start: (id: string, argument: string, workId: string) => Promise<void>,
  ) {}

  static async launch(o: {
    databaseUrl: string
    /** Tells this process from all others, now and later. */
    executorId: string
    work: DurableWork
    onLog: (line: string) => void
  }): Promise<DurableEngine> {
    DBOS.setConfig({
      name: 'lifeboat',
      systemDatabaseUrl: o.databaseUrl,
      systemDatabasePoolSize: 8,
      applicationVersion: APPLICATION_VERSION,
      executorID: o.executorId,
      runAdminServer: false,
      logger: { info: log, debug: () => undefined, warn: log, error: log },
    })
    const once: Once = (name, body) => DBOS.runStep(body, { name })
    const workflow = DBOS.registerWorkflow(
      (id: string, argument: string) => o.work(id, argument, once),
      { name: 'work' },
    )
    await DBOS.launch()
    return new DurableEngine(async (id, argument, workId) => {
      await DBOS.startWorkflow(workflow, { workflowID: workId })(id, argument)
    })

    function log(entry: unknown) {
      o.onLog(typeof entry === 'string' ? entry : JSON.stringify(entry))
    }
  }

  /** Begins a piece of work, once for each `workId`; beginning it again does nothing. */
  async begin(workId: string, id: string, argument: string): Promise<void> {
    await this.start(id, argument, workId)
  }

  /** Goes on with a piece of work whose process is gone, or begins it if nobody ever did. */
  async resume(workId: string, id: string, argument: string): Promise<void> {
    const status = await DBOS.getWorkflowStatus(workId)
    if (status) await DBOS.resumeWorkflow(workId)
    else await this.begin(workId, id, argument)
  }

  /**
   * Stops within a deadline: with the database away the engine might never end by itself. Work that runs is left as after a
   * crash, to be resumed.
   */
  async shutdown(): Promise<void> {
    const deadline = new Promise<void>((resolve) => {
      setTimeout(resolve, SHUTDOWN_DEADLINE_MS).unref()
    })
    await Promise.race([DBOS.shutdown({ deregister: true }), deadline])
  }
}
