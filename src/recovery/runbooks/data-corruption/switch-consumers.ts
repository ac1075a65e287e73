import { LifeboatError } from '../../../core/errors.ts'
import { type Database, OUR_SESSIONS, withDatabase } from '../../../probe/database.ts'
import { probeHttp } from '../../../probe/http.ts'
import { endOtherSessions } from '../../fence.ts'
import { listTables } from '../../tables.ts'
import { parseSnapshot } from '../../transaction-snapshot.ts'
import type { Workload } from '../../workload.ts'
import type { Identified } from './identify.ts'
import type { Restored } from './restore.ts'
import {
  asAdministrator,
  type DataCorruption,
  fingerprint,
  loginTo,
  type RecoveryTools,
} from './tools.ts'

export type Switched = {
  readonly secretVersion: string
  /** When the secret spoke of the restored instance. */
  readonly switchedAt: string
  /** When the first write of a consumer was seen on the restored database. */
  readonly firstWriteAt: string
  readonly sessionsOnRestored: number
  /** Sessions that had to be ended on the old instance. */
  readonly sessionsEnded: number
  readonly httpStatus: number | null
}

const CONSUMERS_MOVE_WITHIN_MS = 300_000
const POLL_MS = 100
/** The old instance must be found empty so many times in a row. */
const EMPTY_POLLS = 5

/**
 * Moves the consumers: the secret first proves itself, then it is used.
 *
 * Done only when consumers' sessions are on the restored database, a write of theirs has arrived there (and
 * through the public name, where one is declared), and none is left on the old instance.
 *
 * @throws LifeboatError `CredentialsRefused`, `SwitchNotProven`
 */
export async function switchConsumers(
  { workload }: DataCorruption,
  { source }: Identified,
  restored: Restored,
  tools: RecoveryTools,
  step: { execution: string; signal: AbortSignal; progress: (message: string) => void },
): Promise<Switched> {
  const { secrets } = tools.region
  const { secret } = workload.database
  step.progress('logging in to the restored database with the secret, before anybody uses it')
  const login = await loginTo(tools, secret, workload, restored.endpoint)
  await withDatabase(login, { purpose: 'login' }, (database) => database.query('select 1'))

  const writesBefore = await asAdministrator(tools, workload, restored.endpoint, countWrites)
  const token = fingerprint(
    `${step.execution}/switch/${restored.endpoint.host}:${restored.endpoint.port}`,
  )
  const target = { ...restored.endpoint, instance: restored.instance }
  const secretVersion = await secrets.pointDatabaseSecret(secret, target, token)
  const asConsumersRead = await loginTo(tools, secret, workload)
  await withDatabase(asConsumersRead, { purpose: 'login' }, (database) =>
    database.query('select 1'),
  )
  const switchedAt = tools.clock.now().toISOString()

  step.progress('waiting for consumers to come over and write')
  const seen = await asAdministrator(tools, workload, source.endpoint, (old) =>
    asAdministrator(tools, workload, restored.endpoint, (fresh) =>
      watchConsumers({ old, fresh, writesBefore, workload, tools, signal: step.signal }),
    ),
  )
  return { secretVersion, switchedAt, ...seen }
}

interface Watch {
  readonly old: Database
  readonly fresh: Database
  readonly writesBefore: number
  readonly workload: Workload
  readonly tools: RecoveryTools
  readonly signal: AbortSignal
}

async function watchConsumers({ old, fresh, writesBefore, workload, tools, signal }: Watch) {
  const { clock } = tools
  const deadline = clock.monotonicMs() + CONSUMERS_MOVE_WITHIN_MS
  let sessionsEnded = 0
  let emptyPolls = 0
  let firstWriteAt: string | undefined
  for (;;) {
    signal.throwIfAborted()
    const left = await countConsumers(old)
    emptyPolls = left === 0 ? emptyPolls + 1 : 0
    if (left > 0) sessionsEnded += await endOtherSessions(old, clock)
    const arrived = await countConsumers(fresh)
    if (firstWriteAt === undefined && (await countWrites(fresh)) > writesBefore) {
      firstWriteAt = clock.now().toISOString()
    }
    if (firstWriteAt !== undefined && arrived > 0 && emptyPolls >= EMPTY_POLLS) {
      const httpStatus = await writeThroughPublicName(workload)
      return { firstWriteAt, sessionsOnRestored: arrived, sessionsEnded, httpStatus }
    }
    if (clock.monotonicMs() > deadline) {
      throw notProven({ left, arrived, hasWritten: firstWriteAt !== undefined })
    }
    await clock.sleep(POLL_MS, signal)
  }
}

function notProven(seen: { left: number; arrived: number; hasWritten: boolean }): LifeboatError {
  const what =
    seen.left > 0
      ? `${seen.left} sessions keep coming back to the old instance`
      : seen.arrived === 0
        ? 'no consumer has come to the restored database'
        : 'no consumer has written to the restored database'
  return new LifeboatError('SwitchNotProven', what, {
    hint: 'Restart the consumers that do not read the secret again, then retry.',
  })
}

async function writeThroughPublicName({ http }: Workload): Promise<number | null> {
  if (!http) return null
  const { url, method, body, timeoutSeconds } = http
  return probeHttp({
    url,
    method,
    timeoutMs: timeoutSeconds * 1000,
    ...(body !== undefined && { body }),
  })
}

/** Sessions of anybody but us. */
async function countConsumers(database: Database): Promise<number> {
  const { sessions } = await database.one(
    `select count(*) as sessions from pg_stat_activity
      where datname = current_database() and application_name not like '${OUR_SESSIONS}%'
        and coalesce(backend_type, 'client backend') = 'client backend'`,
  )
  return Number(sessions)
}

/** Rows that the workload has ever written; the server adds them up within about a second. */
async function countWrites(database: Database): Promise<number> {
  const { rows } = await database.one(
    `select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) as rows
       from pg_stat_user_tables where schemaname <> 'lifeboat'`,
  )
  return Number(rows)
}

/** What leaving the old instance costs, as it is at this moment. */
export async function costOfSwitching(
  { workload }: DataCorruption,
  { source, baseline, suspect, recoveryPoint }: Identified,
  restored: Restored,
  tools: RecoveryTools,
): Promise<string[]> {
  const rows = baseline
    ? await asAdministrator(tools, workload, source.endpoint, (old) =>
        countRowsSince(old, workload, baseline.snapshot, suspect?.transaction.ids ?? []),
      )
    : undefined
  return [
    `Consumers leave '${source.instance}' for '${restored.instance}'; there is no way back after this.`,
    rows === undefined
      ? `It is not known how many rows were written after ${recoveryPoint.time}.`
      : `At most ${rows} rows, written since the last good baseline, leave with the old instance; those that are good and not in the restored database are written out and offered back.`,
    `'${source.instance}' is kept, protected from deletion, and accepts no writes.`,
  ]
}

/** Row versions that a snapshot did not see and no suspect wrote: no good row since then is missing in it. */
async function countRowsSince(
  database: Database,
  workload: Workload,
  snapshot: string,
  suspects: readonly string[],
): Promise<number> {
  const oldest = parseSnapshot(snapshot).xmin & 0xffff_ffffn
  const ids = suspects.map((id) => `'${BigInt(id) & 0xffff_ffffn}'`)
  const good = ids.length > 0 ? `and xmin::text not in (${ids.join(', ')})` : ''
  let total = 0
  for (const table of await listTables(database, workload)) {
    const { rows } = await database.one(
      `select count(*) as rows from ${table.sql}
        where ((xmin::text::bigint - ${oldest}) & 4294967295) < 2147483648 ${good}`,
    )
    total += Number(rows)
  }
  return total
}
