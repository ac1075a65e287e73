import type { ExecutionStatus, Failure, StepStatus } from './execution.ts'
import type { LockRecord } from './execution-lock.ts'
import type { Cancel, UndoState } from './record.ts'
import type { Json } from './runbook.ts'
import type { StateDatabase } from './state-database.ts'

/** What a try was for. */
export type Purpose = 'run' | 'undo'

interface StepColumns {
  readonly status?: StepStatus
  readonly output?: Json
  readonly reason?: string
  readonly completed_order?: number
  readonly undo?: UndoState
  readonly progress?: null
}

interface ExecutionColumns {
  readonly executor?: string | null
  readonly is_paused?: boolean
  readonly cancel?: Cancel
  readonly outcome?: ExecutionStatus
  readonly ended_at?: Date
  readonly lock?: LockRecord
}

const JSON_COLUMNS = new Set(['output', 'cancel', 'lock'])

/** Changes of one execution within one transaction that holds its lock. */
export class JournalEdit {
  #hasChanged = false

  constructor(
    private readonly query: StateDatabase['query'],
    private readonly id: string,
    /** The moment at which all of it happens. */
    readonly at: Date,
  ) {}

  get hasChanged(): boolean {
    return this.#hasChanged
  }

  step(name: string, columns: StepColumns): Promise<void> {
    const { list, values } = assignments(columns, 3)
    const sql = `update runbook.steps set ${list} where execution = $1 and name = $2`
    return this.#write(sql, [this.id, name, ...values])
  }

  execution(columns: ExecutionColumns): Promise<void> {
    const { list, values } = assignments(columns, 2)
    return this.#write(`update runbook.executions set ${list} where id = $1`, [this.id, ...values])
  }

  async locked(lock: LockRecord, former?: LockRecord): Promise<void> {
    const { takenOver: kept } = former ?? {}
    await this.execution({ lock: { ...(kept && { takenOver: kept }), ...lock } })
    const { place, generation, takenOver } = lock
    await this.event('locked', `${place}, generation ${generation}`)
    if (!takenOver) return
    const { execution, user, host } = takenOver.from
    const from = `'${execution}' of ${user} on ${host}`
    await this.event('tookOver', `from ${from} by ${takenOver.by}: ${takenOver.reason}`)
  }

  gateAsks(step: string, cost: readonly string[]): Promise<void> {
    return this.#write(
      `insert into runbook.gates (execution, step, cost, asked_at) values ($1, $2, $3, $4)
       on conflict (execution, step) do update set cost = excluded.cost, asked_at = excluded.asked_at`,
      [this.id, step, JSON.stringify(cost), this.at],
    )
  }

  gateOpens(step: string, by: string): Promise<void> {
    return this.#write(
      'update runbook.gates set approved_at = $3, approved_by = $4 where execution = $1 and step = $2',
      [this.id, step, this.at, by],
    )
  }

  attemptBegins(step: string, purpose: Purpose, number: number): Promise<void> {
    return this.#write(
      'insert into runbook.attempts (execution, step, purpose, number, started_at) values ($1, $2, $3, $4, $5)',
      [this.id, step, purpose, number, this.at],
    )
  }

  /** Ends the attempts of a step that have no end yet. */
  attemptsEnd(step: string, error?: Failure, at = this.at): Promise<void> {
    return this.#write(
      `update runbook.attempts set ended_at = greatest(started_at, $3), error = $4
       where execution = $1 and step = $2 and ended_at is null`,
      [this.id, step, at, error ? JSON.stringify(error) : null],
    )
  }

  event(kind: string, text: string, step?: string): Promise<void> {
    return this.#write(
      'insert into runbook.events (execution, at, kind, step, text) values ($1, $2, $3, $4, $5)',
      [this.id, this.at, kind, step ?? null, text],
    )
  }

  async #write(sql: string, values: readonly unknown[]): Promise<void> {
    this.#hasChanged = true
    await this.query(sql, values)
  }
}

function assignments(columns: object, first: number): { list: string; values: unknown[] } {
  const entries = Object.entries(columns)
  return {
    list: entries.map(([column], index) => `${column} = $${first + index}`).join(', '),
    values: entries.map(([column, value]) =>
      JSON_COLUMNS.has(column) ? JSON.stringify(value ?? null) : value,
    ),
  }
}
