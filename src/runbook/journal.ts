import { EventEmitter } from 'node:events'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Elsewhere, ExecutionEvent } from './execution.ts'
import type { LockRecord } from './execution-lock.ts'
import type { Executor } from './executor.ts'
import { copyExecution, restoreExecution } from './journal-copy.ts'
import { JournalEdit } from './journal-edit.ts'
import { JOURNAL_MIGRATIONS } from './journal-schema.ts'
import { type ExecutionRecord, isLive, READ_RECORDS, type RecordRow, recordOf } from './record.ts'
import type { GateKind, Json, Runbook } from './runbook.ts'
import type { StateDatabase } from './state-database.ts'

/** Another process executes now what this one did; whatever this one still has to say about it does not count. */
export class Displaced extends Error {
  override readonly name = 'Displaced'
}

interface EventRow {
  readonly id: string
  readonly at: Date
  readonly kind: string
  readonly step: string | null
  readonly text: string
}

/**
 * What happened, durable before anybody is told.
 *
 * Every change of an execution is read, decided and written under its row's lock: of two operators, or of two processes that
 * both think they execute it, one comes first and the other sees what it did.
 */
export class Journal {
  readonly #changes = new EventEmitter()

  private constructor(
    /** Tells it from the journals of other machines. */
    readonly id: string,
    private readonly database: StateDatabase,
    private readonly clock: Clock,
  ) {
    this.#changes.setMaxListeners(0)
  }

  static async open(database: StateDatabase, clock: Clock): Promise<Journal> {
    await database.migrate('runbook', JOURNAL_MIGRATIONS)
    const [identity] = await database.query<{ id: string }>('select id from runbook.identity')
    return new Journal(identity!.id, database, clock)
  }

  /** @throws LifeboatError `ExecutionAlreadyRunning` naming who holds the workload and since when */
  async begin(o: {
    id: string
    runbook: Runbook
    input: Json
    owns: string | undefined
    autoApprove: readonly GateKind[]
    executor: string
    lock?: LockRecord | undefined
  }): Promise<void> {
    const { id, runbook, owns } = o
    await this.#begun({ id, owns }, async (query) => {
      const edit = new JournalEdit(query, id, this.clock.now())
      await query(
        `insert into runbook.executions (id, runbook, input, owns, auto_approve, executor, started_at)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          id,
          runbook.name,
          JSON.stringify(o.input),
          owns ?? null,
          o.autoApprove,
          o.executor,
          edit.at,
        ],
      )
      const { steps } = runbook
      await query(
        `insert into runbook.steps (execution, position, name, title, phase, gate_kind, unproven)
         select $1, row_number() over (), *
         from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])`,
        [
          id,
          steps.map(({ name }) => name),
          steps.map(({ title }) => title),
          steps.map(({ phase }) => phase),
          steps.map(({ gate }) => gate?.kind ?? null),
          steps.map(({ unproven }) => unproven ?? null),
        ],
      )
      await edit.event('started', runbook.title)
      if (o.lock) await edit.locked(o.lock)
    })
  }

  /** Writes a new execution, all or nothing. */
  async #begun(
    { id, owns = '' }: { id: string; owns: string | undefined },
    write: (query: StateDatabase['query']) => Promise<void>,
  ): Promise<void> {
    try {
      await this.database.transaction(write)
    } catch (error) {
      const { constraint } = error as { constraint?: string }
      if (constraint === 'one_execution_owns_a_workload') throw await this.#heldBy(owns)
      if (constraint === 'executions_pkey') {
        throw new LifeboatError('ExecutionAlreadyRunning', `there is an execution '${id}' already`)
      }
      throw error
    }
  }

  /** What another journal needs to go on with an execution; undefined when this one does not know it. */
  copy(id: string): Promise<Json | undefined> {
    return copyExecution((sql, values) => this.database.query(sql, values), id)
  }

  /**
   * Takes in an execution of another journal, with its lock, in the place of what this one knew of it. Nobody executes it then.
   *
   * @throws LifeboatError `ExecutionAlreadyRunning` when an execution of this journal has the workload; `StateDamaged`
   */
  async restore(
    id: string,
    copy: Json,
    o: { owns: string; lock: LockRecord } & Elsewhere,
  ): Promise<void> {
    await this.#begun({ id, owns: o.owns }, async (query) => {
      await restoreExecution(query, id, copy, o)
      await new JournalEdit(query, id, this.clock.now()).locked(o.lock)
    })
    this.#changes.emit(`execution ${id}`)
  }

  /** @throws LifeboatError `ExecutionAlreadyRunning` when an execution of this state owns the workload */
  async refuseOwned(owns: string): Promise<void> {
    const owners = await this.#readWhere('e.owns = $1 and e.ended_at is null', [owns])
    if (owners.length > 0) throw await this.#heldBy(owns)
  }

  async #heldBy(owns: string): Promise<LifeboatError> {
    const [holder] = await this.#readWhere('e.owns = $1 and e.ended_at is null', [owns])
    const where = holder?.executor
      ? `process ${holder.executor.pid} on ${holder.executor.host}`
      : ''
    const is = holder && isLive(holder) ? where : 'nobody runs it now'
    return new LifeboatError(
      'ExecutionAlreadyRunning',
      `execution '${holder?.id}' owns '${owns}' since ${holder?.startedAt.toISOString()} (${is})`,
      {
        hint: `Look at it with 'lifeboat execution show ${holder?.id}'; finish or cancel it first.`,
      },
    )
  }

  /** @throws LifeboatError `ExecutionNotFound` */
  async read(id: string): Promise<ExecutionRecord> {
    const [record] = await this.#readWhere('e.id = $1', [id])
    if (record) return record
    throw new LifeboatError('ExecutionNotFound', `there is no execution '${id}'`, {
      hint: "List them with 'lifeboat execution list'.",
    })
  }

  /** Newest first. */
  list(): Promise<ExecutionRecord[]> {
    return this.#readWhere('true', [])
  }

  async #readWhere(
    condition: string,
    values: readonly unknown[],
    query: StateDatabase['query'] = (sql, given) => this.database.query(sql, given),
  ): Promise<ExecutionRecord[]> {
    const order = 'order by e.started_at desc, e.id desc'
    const rows = await query<RecordRow>(`${READ_RECORDS} where ${condition} ${order}`, values)
    return rows.map(recordOf)
  }

  /**
   * Reads an execution under its lock and lets `decide` change it, all or nothing.
   *
   * @param executor  when given, only this executor may
   * @throws Displaced when another executes it, or nobody
   * @throws LifeboatError `ExecutionNotFound`, `StateUnreachable`: then it is unknown whether the change was made
   */
  async change<Result>(
    id: string,
    decide: (record: ExecutionRecord, edit: JournalEdit) => Promise<Result>,
    executor?: string,
  ): Promise<Result> {
    const { result, hasChanged } = await this.database.transaction(async (query) => {
      await query('select from runbook.executions where id = $1 for update', [id])
      const [record] = await this.#readWhere('e.id = $1', [id], query)
      if (!record) await this.read(id)
      if (executor && record?.executor?.id !== executor) {
        throw new Displaced(`'${id}' is executed by ${record?.executor?.id ?? 'nobody'}`)
      }
      const edit = new JournalEdit(query, id, this.clock.now())
      const result = await decide(record!, edit)
      if (edit.hasChanged) {
        await query('update runbook.executions set version = version + 1 where id = $1', [id])
      }
      return { result, hasChanged: edit.hasChanged }
    })
    if (hasChanged) this.#changes.emit(`execution ${id}`)
    return result
  }

  /**
   * Overwrites how far a running step is; a cheaper `change` for what is said several times a second. It takes the same locks
   * in the same order, as each could otherwise hold what the other waits for. What a displaced executor says changes nothing.
   */
  async progress(
    id: string,
    executor: string,
    step: string,
    progress: { readonly message: string; readonly fraction?: number },
  ): Promise<void> {
    await this.database.query(
      `with mine as (
         select id from runbook.executions where id = $1 and executor = $2 for update
       ), told as (
         update runbook.steps set progress = $4 from mine
         where execution = mine.id and name = $3 and status = 'running' returning 1
       )
       update runbook.executions set version = version + 1 where id = $1 and exists (select from told)`,
      [id, executor, step, JSON.stringify(progress)],
    )
    this.#changes.emit(`execution ${id}`)
  }

  /** Calls back after every change that this process makes; returns how to stop that. */
  onChange(id: string, listener: () => void): () => void {
    this.#changes.on(`execution ${id}`, listener)
    return () => this.#changes.off(`execution ${id}`, listener)
  }

  /** Oldest first. */
  async eventsAfter(id: string, after: string): Promise<ExecutionEvent[]> {
    const rows = await this.database.query<EventRow>(
      'select id, at, kind, step, text from runbook.events where execution = $1 and id > $2 order by id',
      [id, after],
    )
    return rows.map(({ step, ...row }) => (step === null ? row : { ...row, step }))
  }

  /** Lets go of everything that a process executes: nobody executes it then. */
  async release(executor: string): Promise<void> {
    await this.database.query(
      `update runbook.executions set executor = null, version = version + 1
       where executor = $1 and ended_at is null`,
      [executor],
    )
  }

  /** Makes a process known as one that executes, or says that it still does. Returns the executions that it holds. */
  async heartbeat({ id, host, machine, pid, startedTicks }: Executor): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `with beat as (
         insert into runbook.executors (id, host, machine, pid, started_ticks) values ($1, $2, $3, $4, $5)
         on conflict (id) do update set heartbeat_at = clock_timestamp()
       )
       select id from runbook.executions where executor = $1 and ended_at is null`,
      [id, host, machine, pid, startedTicks],
    )
    return rows.map((row) => row.id)
  }
}
