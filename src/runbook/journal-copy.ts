import { isDeepStrictEqual } from 'node:util'
import { LifeboatError } from '../core/errors.ts'
import type { Elsewhere } from './execution.ts'
import { JOURNAL_MIGRATIONS } from './journal-schema.ts'
import type { Json, JsonObject } from './runbook.ts'
import type { StateDatabase } from './state-database.ts'

type Query = StateDatabase['query']
type Row = JsonObject

/** The rows of one execution, so that another state database can go on with it. */
interface JournalCopy {
  /** Of the tables: rows of others do not fit. */
  readonly version: number
  readonly execution: Row
  readonly steps: readonly Row[]
  readonly gates: readonly Row[]
  readonly attempts: readonly Row[]
  readonly events: readonly Row[]
}

const VERSION = JOURNAL_MIGRATIONS.length

/** One statement, so that what it reads is of one moment. Undefined when there is no such execution. */
export async function copyExecution(query: Query, id: string): Promise<Json | undefined> {
  const [row] = await query<{ copy: Json }>(
    `select json_build_object(
       'version', $2::int,
       'execution', to_json(e),
       'steps', (select coalesce(json_agg(s order by s.position), '[]') from runbook.steps s where s.execution = e.id),
       'gates', (select coalesce(json_agg(g), '[]') from runbook.gates g where g.execution = e.id),
       'attempts', (select coalesce(json_agg(a), '[]') from runbook.attempts a where a.execution = e.id),
       'events', (select coalesce(json_agg(v order by v.id), '[]') from runbook.events v where v.execution = e.id)
     ) as copy from runbook.executions e where e.id = $1`,
    [id, VERSION],
  )
  return row?.copy
}

/**
 * Writes a copy in the place of what the journal has of that execution.
 *
 * @throws LifeboatError as `refuseOther`
 */
export async function restoreExecution(
  query: Query,
  id: string,
  found: Json,
  o: Elsewhere,
): Promise<void> {
  const copy = refuseOther(found, id, o.input)
  const { input, version } = copy.execution as { input: Row; version: number }
  const execution = {
    ...copy.execution,
    input: withHere(input, o.here),
    executor: null,
    is_paused: false,
    version: version + 1,
  }
  for (const table of ['events', 'attempts', 'gates', 'steps']) {
    await query(`delete from runbook.${table} where execution = $1`, [id])
  }
  await query('delete from runbook.executions where id = $1', [id])
  await fill(query, 'executions', [execution])
  await fill(query, 'steps', copy.steps)
  await fill(query, 'gates', copy.gates)
  await fill(query, 'attempts', copy.attempts)
  await query(
    `insert into runbook.events (execution, at, kind, step, text)
     select execution, at, kind, step, text from json_populate_recordset(null::runbook.events, $1) order by id`,
    [JSON.stringify(copy.events)],
  )
}

function fill(query: Query, table: string, rows: readonly Row[]): Promise<unknown> {
  const sql = `insert into runbook.${table} select * from json_populate_recordset(null::runbook.${table}, $1)`
  return query(sql, [JSON.stringify(rows)])
}

function withHere(input: Row, here: Row): Row {
  const entries = Object.entries({ ...input, ...here })
  return Object.fromEntries(entries.filter(([name, value]) => value !== null || !(name in here)))
}

/**
 * A copy is not believed in what this machine knows better: a workload has commands in it.
 *
 * @throws LifeboatError `StateDamaged` when it is no copy of this execution, or one of another version of Lifeboat;
 *   `InvalidUsage` when it began with another input
 */
export function refuseOther(found: Json, id: string, expected: JsonObject): JournalCopy {
  const copy = found as unknown as Partial<JournalCopy> | null
  if (copy?.version !== VERSION || copy.execution?.id !== id) {
    const message = `the copy of execution '${id}' is not one that this version of Lifeboat wrote`
    throw new LifeboatError('StateDamaged', message, {
      hint: 'Go on with the version that began it.',
    })
  }
  const { input } = copy.execution as { input: Row }
  const other = Object.keys(expected).find((key) => {
    return !isDeepStrictEqual(input[key], JSON.parse(JSON.stringify(expected[key])))
  })
  if (other === undefined) return copy as JournalCopy
  const message = `execution '${id}' began with another ${other} than the one that is known here`
  throw new LifeboatError('InvalidUsage', message, {
    hint: `Name the ${other} that it began with, as it was then.`,
  })
}
