import { LifeboatError } from '../core/errors.ts'
import type {
  Execution,
  ExecutionEvent,
  Failure,
  StepRecord,
  StepStatus,
  Verdict,
} from './execution.ts'
import { JOURNAL_MIGRATIONS } from './journal-schema.ts'
import type { GateKind, Json, Runbook } from './runbook.ts'
import type { StateDatabase } from './state-database.ts'

/** A process that has not been heard of for this long no longer runs its executions. */
const STALE_SECONDS = 5

interface ExecutionRow {
  id: string
  runbook: string
  input: Json
  owns: string | null
  auto_approve: GateKind[]
  is_paused: boolean
  canceled_by: string | null
  final_status: Execution['status'] | null
  started_at: Date
  ended_at: Date | null
  holder: string
  is_stale: boolean
}

interface StepRow {
  execution: string
  name: string
  title: string
  phase: StepRecord['phase']
  status: StepStatus
  gate: {
    kind: GateKind
    cost: string[]
    askedAt: string
    approvedAt?: string
    approvedBy?: string
  } | null
  output: Json | null
  reason: string | null
  progress: { message: string; fraction?: number } | null
  tries: number
  decision: Decision | null
  ended_at: Date | null
}

interface AttemptRow {
  execution: string
  step: string
  started_at: Date
  ended_at: Date | null
  error: Failure | null
}

/** What an operator decided about the failure of a step's `tries`th try. */
export interface Decision {
  readonly tries: number
  readonly choice: 'retry' | 'skip'
  readonly reason?: string
  readonly by?: string
}

/** One execution as the executor needs it. */
export interface Snapshot {
  readonly execution: Execution
  readonly isPaused: boolean
  readonly isCanceled: boolean
  readonly autoApprove: readonly GateKind[]
  readonly holder: string
  readonly step: ReadonlyMap<
    string,
    StepRecord & { readonly tries: number; readonly decision?: Decision }
  >
}

/**
 * What happened, durable before anybody is told. All times are the database's, so that several processes agree.
 */
export class Journal {
  private constructor(
    private readonly database: StateDatabase,
    readonly holder: string,
  ) {}

  static async open(database: StateDatabase, holder: string): Promise<Journal> {
    await database.migrate('lifeboat_runbook', JOURNAL_MIGRATIONS)
    return new Journal(database, holder)
  }

  /** @throws LifeboatError `ExecutionAlreadyRunning` naming who holds the workload and since when */
  async begin(o: {
    id: string
    runbook: Runbook
    input: Json
    owns: string | undefined
    autoApprove: readonly GateKind[]
  }): Promise<void> {
    try {
      await this.database.transaction(async (query) => {
        await query(
          `insert into lifeboat_runbook.executions (id, runbook, input, owns, auto_approve, holder)
           values ($1, $2, $3, $4, $5, $6)`,
          [
            o.id,
            o.runbook.name,
            JSON.stringify(o.input),
            o.owns ?? null,
            o.autoApprove,
            this.holder,
          ],
        )
        for (const [position, step] of o.runbook.steps.entries()) {
          await query(
            `insert into lifeboat_runbook.steps (execution, position, name, title, phase) values ($1, $2, $3, $4, $5)`,
            [o.id, position, step.name, step.title, step.phase],
          )
        }
      })
    } catch (error) {
      if ((error as { code?: string; constraint?: string }).constraint !== 'one_owner') throw error
      throw await this.#heldBy(o.owns!)
    }
    await this.note(o.id, 'started', `${o.runbook.title} started`)
  }

  async #heldBy(owns: string): Promise<LifeboatError> {
    const [row] = await this.database.query<{ id: string; holder: string; started_at: Date }>(
      'select id, holder, started_at from lifeboat_runbook.executions where owns = $1 and ended_at is null',
      [owns],
    )
    return new LifeboatError(
      'ExecutionAlreadyRunning',
      `execution '${row?.id}' owns workload '${owns}' since ${row?.started_at.toISOString()} (process ${row?.holder})`,
      { hint: `Look at it with 'lifeboat execution show ${row?.id}'; resume or cancel it first.` },
    )
  }

  /** @throws LifeboatError `ExecutionNotFound` */
  async read(id: string): Promise<Snapshot> {
    const [snapshot] = await this.#readWhere('id = $1', [id])
    if (snapshot) return snapshot
    throw new LifeboatError('ExecutionNotFound', `there is no execution '${id}'`, {
      hint: "List them with 'lifeboat execution list'.",
    })
  }

  async list(): Promise<Execution[]> {
    return (await this.#readWhere('true', [])).map(({ execution }) => execution)
  }

  async #readWhere(condition: string, values: readonly unknown[]): Promise<Snapshot[]> {
    const executions = await this.database.query<ExecutionRow>(
      `select *, heartbeat_at < clock_timestamp() - interval '${STALE_SECONDS} s' as is_stale
       from lifeboat_runbook.executions where ${condition} order by started_at desc`,
      values,
    )
    const ids = executions.map(({ id }) => id)
    const steps = await this.database.query<StepRow>(
      'select * from lifeboat_runbook.steps where execution = any($1) order by position',
      [ids],
    )
    const attempts = await this.database.query<AttemptRow>(
      'select * from lifeboat_runbook.attempts where execution = any($1) order by id',
      [ids],
    )
    return executions.map((row) =>
      snapshotOf(
        row,
        steps.filter(({ execution }) => execution === row.id),
        attempts.filter(({ execution }) => execution === row.id),
      ),
    )
  }

  async note(id: string, kind: string, text: string, step?: string): Promise<void> {
    await this.database.query(
      'insert into lifeboat_runbook.events (execution, kind, step, text) values ($1, $2, $3, $4)',
      [id, kind, step ?? null, text],
    )
  }

  async eventsAfter(
    id: string,
    after: string,
  ): Promise<(ExecutionEvent & { readonly id: string })[]> {
    const rows = await this.database.query<{
      id: string
      at: Date
      kind: string
      step: string | null
      text: string
    }>(
      'select id, at, kind, step, text from lifeboat_runbook.events where execution = $1 and id > $2 order by id',
      [id, after],
    )
    return rows.map(({ step, ...row }) => (step === null ? row : { ...row, step }))
  }

  /** Records that an attempt begins, before anything of it happens. Returns its number in the journal. */
  async beginAttempt(id: string, step: string): Promise<string> {
    await this.#update(id, step, "status = 'running'")
    const [row] = await this.database.query<{ id: string }>(
      'insert into lifeboat_runbook.attempts (execution, step) values ($1, $2) returning id',
      [id, step],
    )
    await this.note(id, 'began', 'began', step)
    return row!.id
  }

  async endAttempt(id: string, step: string, error: Failure | undefined): Promise<void> {
    await this.database.query(
      `update lifeboat_runbook.attempts set ended_at = clock_timestamp(), error = $3
       where execution = $1 and step = $2 and ended_at is null`,
      [id, step, error ? JSON.stringify(error) : null],
    )
  }

  async complete(id: string, step: string, output: Json | undefined): Promise<void> {
    await this.endAttempt(id, step, undefined)
    await this.#update(
      id,
      step,
      "status = 'completed', ended_at = clock_timestamp(), output = $3",
      [JSON.stringify(output ?? null)],
    )
    await this.note(id, 'completed', 'completed', step)
  }

  async fail(id: string, step: string, tries: number, error: Failure): Promise<void> {
    await this.endAttempt(id, step, error)
    await this.#update(id, step, "status = 'failed', tries = $3", [tries])
    await this.note(id, 'failed', error.message, step)
  }

  async end(
    id: string,
    step: string,
    status: 'skipped' | 'canceled' | 'undone',
    reason?: string,
  ): Promise<void> {
    await this.#update(
      id,
      step,
      'status = $3, ended_at = clock_timestamp(), reason = coalesce($4, reason)',
      [status, reason ?? null],
    )
    await this.note(id, status, reason ?? status, step)
  }

  async undoFailed(id: string, step: string, error: Failure): Promise<void> {
    await this.#update(id, step, "status = 'failed', reason = $3", [
      `could not be undone: ${error.message}`,
    ])
    await this.note(id, 'undoFailed', error.message, step)
  }

  async ask(id: string, step: string, kind: GateKind, cost: readonly string[]): Promise<void> {
    await this.#update(
      id,
      step,
      `status = 'pendingApproval',
       gate = jsonb_build_object('kind', $3::text, 'cost', $4::jsonb, 'askedAt', clock_timestamp())`,
      [kind, JSON.stringify(cost)],
    )
    await this.note(id, 'asked', `the ${kind === 'harm' ? 'harm' : 'one-way'} gate asks`, step)
  }

  async approve(id: string, step: string, by: string): Promise<void> {
    await this.#update(
      id,
      step,
      `gate = gate || jsonb_build_object('approvedAt', clock_timestamp(), 'approvedBy', $3::text)`,
      [by],
    )
    await this.note(id, 'approved', `approved by ${by}`, step)
  }

  async decide(id: string, step: string, decision: Decision): Promise<void> {
    await this.#update(id, step, 'decision = $3', [JSON.stringify(decision)])
    await this.note(id, decision.choice, decision.reason ?? decision.choice, step)
  }

  async progress(
    id: string,
    step: string,
    progress: { message: string; fraction?: number },
  ): Promise<void> {
    await this.#update(id, step, 'progress = $3', [JSON.stringify(progress)])
  }

  async setPaused(id: string, isPaused: boolean): Promise<void> {
    await this.database.query(
      'update lifeboat_runbook.executions set is_paused = $2 where id = $1',
      [id, isPaused],
    )
    await this.note(id, isPaused ? 'paused' : 'resumed', isPaused ? 'paused' : 'resumed')
  }

  async setCanceled(id: string, by: string): Promise<void> {
    await this.database.query(
      'update lifeboat_runbook.executions set canceled_by = $2 where id = $1',
      [id, by],
    )
    await this.note(id, 'canceling', `canceled by ${by}`)
  }

  /** Ends an execution; the first caller wins. */
  async finish(id: string, status: Execution['status']): Promise<void> {
    const ended = await this.database.query(
      `update lifeboat_runbook.executions set final_status = $2, ended_at = clock_timestamp()
       where id = $1 and ended_at is null returning id`,
      [id, status],
    )
    if (ended.length > 0) await this.note(id, 'ended', status)
  }

  /** Makes this process the one that runs an execution, if nobody else does. */
  async adopt(id: string): Promise<boolean> {
    const adopted = await this.database.query(
      `update lifeboat_runbook.executions set holder = $2, heartbeat_at = clock_timestamp()
       where id = $1 and ended_at is null
         and (holder = $2 or heartbeat_at < clock_timestamp() - interval '${STALE_SECONDS} s') returning id`,
      [id, this.holder],
    )
    return adopted.length > 0
  }

  async heartbeat(): Promise<void> {
    await this.database.query(
      'update lifeboat_runbook.executions set heartbeat_at = clock_timestamp() where holder = $1 and ended_at is null',
      [this.holder],
    )
  }

  async #update(
    id: string,
    step: string,
    assignment: string,
    values: readonly unknown[] = [],
  ): Promise<void> {
    await this.database.query(
      `update lifeboat_runbook.steps set ${assignment} where execution = $1 and name = $2`,
      [id, step, ...values],
    )
  }
}

function snapshotOf(
  row: ExecutionRow,
  steps: readonly StepRow[],
  attempts: readonly AttemptRow[],
): Snapshot {
  const records = steps.map((step) => ({
    ...recordOf(
      step,
      attempts.filter((attempt) => attempt.step === step.name),
    ),
    tries: step.tries,
    ...(step.decision ? { decision: step.decision } : {}),
  }))
  const status = statusOf(row, steps)
  return {
    execution: {
      id: row.id,
      runbook: row.runbook,
      input: row.input,
      ...(row.owns === null ? {} : { owns: row.owns }),
      status,
      verdict: verdictOf(status),
      startedAt: row.started_at,
      ...(row.ended_at ? { endedAt: row.ended_at } : {}),
      steps: records.map(({ tries: _, decision: __, ...record }) => record),
    },
    isPaused: row.is_paused,
    isCanceled: row.canceled_by !== null,
    autoApprove: row.auto_approve,
    holder: row.holder,
    step: new Map(records.map((record) => [record.name, record])),
  }
}

function recordOf(row: StepRow, attempts: readonly AttemptRow[]): StepRecord {
  const { gate } = row
  return {
    name: row.name,
    title: row.title,
    phase: row.phase,
    status: row.status,
    attempts: attempts.map(({ started_at, ended_at, error }) => ({
      startedAt: started_at,
      ...(ended_at ? { endedAt: ended_at } : {}),
      ...(error ? { error } : {}),
    })),
    ...(gate
      ? {
          gate: {
            kind: gate.kind,
            cost: gate.cost,
            askedAt: new Date(gate.askedAt),
            ...(gate.approvedAt ? { approvedAt: new Date(gate.approvedAt) } : {}),
            ...(gate.approvedBy ? { approvedBy: gate.approvedBy } : {}),
          },
        }
      : {}),
    ...(row.status === 'completed' ? { output: row.output } : {}),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.progress ? { progress: row.progress } : {}),
  }
}

function statusOf(row: ExecutionRow, steps: readonly StepRow[]): Execution['status'] {
  if (row.final_status) return row.final_status
  if (row.is_stale) return 'interrupted'
  if (row.is_paused) return 'pausedByOperator'
  const has = (status: StepStatus) => steps.some((step) => step.status === status)
  if (row.canceled_by === null && has('failed')) return 'pausedByFailedStep'
  return has('pendingApproval') ? 'pendingApproval' : 'running'
}

function verdictOf(status: Execution['status']): Verdict {
  if (status === 'completed') return 'proven'
  if (status === 'completedWithSkips') return 'unproven'
  return status === 'failed' || status === 'canceled' ? 'failed' : 'unknown'
}
