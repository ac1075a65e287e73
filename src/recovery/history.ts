import type { StateDatabase } from '../runbook/state-database.ts'
import type { Baseline } from './baseline.ts'
import { isoTime } from './baseline.ts'
import type { ExportedBundle } from './break-glass/exported.ts'
import type { CheckResult, CheckState } from './checks.ts'
import type { PublicRecords } from './failover-records.ts'
import type { CanaryTravel } from './objects/canary.ts'

/** One run of the checks that were due, on one snapshot of one database. */
export interface Observation {
  /** `host:port/database`: results of a damaged instance are never mixed with those of its successor. */
  readonly place: string
  /** The database's clock when the transaction began and after its snapshot was taken; ISO 8601, µs. */
  readonly beganAt: string
  readonly seenAt: string
  /** Our own clock when the results were in. */
  readonly knownAt: Date
  /** Our clock minus the database's, half a round trip uncertain. */
  readonly skewMs: number
  readonly results: readonly CheckResult[]
}

export type RecordedResult = CheckResult & {
  readonly beganAt: string
  readonly seenAt: string
  readonly knownAt: string
  readonly skewMs: number
}

/** What the checks say about when a database was damaged. JSON. */
export interface Findings {
  /** The last moment at which every check is known to have passed, by the database's clock. */
  readonly lastGoodAt?: string
  /** The first result that failed, since everything passed. */
  readonly firstBad?: RecordedResult
  /** Of each check that fails, the first result that did; the earliest one first. */
  readonly firstBads: readonly RecordedResult[]
  /** Every check's newest result. */
  readonly newest: readonly RecordedResult[]
}

const MIGRATIONS = [
  `create table recovery.check_results (
     id bigint generated always as identity primary key,
     workload text not null, place text not null, check_name text not null,
     state text not null, value text, reason text,
     began_at timestamptz not null, seen_at timestamptz not null,
     known_at timestamptz not null, skew_ms double precision not null)`,
  `create index check_results_of_place on recovery.check_results (workload, place, check_name, began_at desc)`,
  `create table recovery.baselines (
     id bigint generated always as identity primary key,
     workload text not null, place text not null, at timestamptz not null, document jsonb not null)`,
  `create index baselines_of_place on recovery.baselines (workload, place, at desc)`,
  `create table recovery.canaries (
     id bigint generated always as identity primary key,
     workload text not null, replica text not null, written_at timestamptz not null, travel jsonb not null)`,
  `create index canaries_of_replica on recovery.canaries (workload, replica, written_at desc)`,
  `create table recovery.public_records (
     workload text primary key, seen_at timestamptz not null, records jsonb not null)`,
  // Not jsonb, which would put its keys in another order than the files that were made from it.
  `create table recovery.bundles (workload text primary key, bundle json not null)`,
]

/** What was seen of each workload over time, in Lifeboat's own database. */
export class History {
  private constructor(private readonly store: StateDatabase) {}

  static async open(store: StateDatabase): Promise<History> {
    await store.migrate('recovery', MIGRATIONS)
    return new History(store)
  }

  async record(workload: string, seen: Observation): Promise<void> {
    for (const result of seen.results) {
      await this.store.query(
        `insert into recovery.check_results
           (workload, place, check_name, state, value, reason, began_at, seen_at, known_at, skew_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          workload,
          seen.place,
          result.check,
          result.state,
          result.value ?? null,
          result.reason ?? null,
          seen.beganAt,
          seen.seenAt,
          seen.knownAt,
          seen.skewMs,
        ],
      )
    }
  }

  async recordBaseline(workload: string, place: string, baseline: Baseline): Promise<void> {
    await this.store.query(
      'insert into recovery.baselines (workload, place, at, document) values ($1, $2, $3, $4)',
      [workload, place, baseline.at, JSON.stringify(baseline)],
    )
  }

  /** @param replica  the bucket that the canary was on its way to */
  async recordCanary(workload: string, replica: string, travel: CanaryTravel): Promise<void> {
    await this.store.query(
      'insert into recovery.canaries (workload, replica, written_at, travel) values ($1, $2, $3, $4)',
      [workload, replica, travel.writtenAt, JSON.stringify(travel)],
    )
  }

  async newestCanary(workload: string, replica: string): Promise<CanaryTravel | undefined> {
    const [row] = await this.store.query<{ travel: CanaryTravel }>(
      `select travel from recovery.canaries
        where workload = $1 and replica = $2 order by written_at desc limit 1`,
      [workload, replica],
    )
    return row?.travel
  }

  /** The records of the public name, as they were seen last: nobody can ask for them while Route 53's API is dead. */
  async rememberRecords(workload: string, records: PublicRecords, seenAt: Date): Promise<void> {
    await this.store.query(
      `insert into recovery.public_records (workload, seen_at, records) values ($1, $2, $3)
       on conflict (workload) do update set seen_at = excluded.seen_at, records = excluded.records`,
      [workload, seenAt, JSON.stringify(records)],
    )
  }

  async recordsSeenLast(
    workload: string,
  ): Promise<{ readonly seenAt: string; readonly records: PublicRecords } | undefined> {
    const [row] = await this.store.query<{ at: string; records: PublicRecords }>(
      `select to_json(seen_at)#>>'{}' as at, records from recovery.public_records where workload = $1`,
      [workload],
    )
    return row && { seenAt: isoTime(row.at), records: row.records }
  }

  /** The break-glass bundle that was exported last. */
  async rememberBundle(workload: string, bundle: ExportedBundle): Promise<void> {
    await this.store.query(
      `insert into recovery.bundles (workload, bundle) values ($1, $2)
       on conflict (workload) do update set bundle = excluded.bundle`,
      [workload, JSON.stringify(bundle)],
    )
  }

  async bundleExportedLast(workload: string): Promise<ExportedBundle | undefined> {
    const [row] = await this.store.query<{ bundle: ExportedBundle }>(
      'select bundle from recovery.bundles where workload = $1',
      [workload],
    )
    return row?.bundle
  }

  /** The newest baseline at or before `time`; undefined when nothing was watched then. */
  async baselineAtOrBefore(
    workload: string,
    place: string,
    time: string,
  ): Promise<Baseline | undefined> {
    const [row] = await this.store.query<{ document: Baseline }>(
      `select document from recovery.baselines
        where workload = $1 and place = $2 and at <= $3 order by at desc limit 1`,
      [workload, place, time],
    )
    return row?.document
  }

  /** The largest number of rows that a table lost between two baselines following each other. */
  async deletesBetweenBaselines(
    workload: string,
    place: string,
    before: string,
  ): Promise<Record<string, number>> {
    const rows = await this.store.query<{ name: string; deleted: string }>(
      `with steps as (
         select key as name, (value->>'deleted')::bigint
             - lag((value->>'deleted')::bigint) over (partition by key order by at) as deleted
           from (select * from recovery.baselines
                  where workload = $1 and place = $2 and at <= $3 order by at desc limit 100) recent,
                jsonb_each(document->'tables'))
       select name, coalesce(max(deleted), 0)::text as deleted from steps group by name`,
      [workload, place, before],
    )
    return Object.fromEntries(rows.map((row) => [row.name, Number(row.deleted)]))
  }

  /** When every check last passed and the first one failed, of one database. */
  async findings(workload: string, place: string, checks: readonly string[]): Promise<Findings> {
    const newest: RecordedResult[] = []
    const firstBads: RecordedResult[] = []
    for (const check of checks) {
      const last = await this.#result(workload, place, check, 'true order by began_at desc')
      if (last) newest.push(last)
      const firstBad = await this.#result(
        workload,
        place,
        check,
        `state = 'failed' and began_at > coalesce((select max(began_at) from recovery.check_results
           where workload = $1 and place = $2 and check_name = $3 and state = 'passed'), '-infinity')
         order by began_at`,
      )
      if (firstBad) firstBads.push(firstBad)
    }
    firstBads.sort((a, b) => compareText(a.beganAt, b.beganAt))
    const [firstBad] = firstBads

    const lastPasses: (string | undefined)[] = []
    for (const check of checks) {
      const until = firstBad ? `and began_at < '${firstBad.beganAt}'` : ''
      const pass = await this.#result(
        workload,
        place,
        check,
        `state = 'passed' ${until} order by began_at desc`,
      )
      lastPasses.push(pass?.beganAt)
    }
    const isComplete = lastPasses.every((time) => time !== undefined)
    const lastGoodAt = isComplete ? lastPasses.toSorted(compareText)[0] : undefined
    return { newest, firstBads, ...(lastGoodAt && { lastGoodAt }), ...(firstBad && { firstBad }) }
  }

  /** Drops results and canaries, and thins out baselines: one an hour is kept of those older than an hour. */
  async expire(workload: string, now: Date, keepDays = 35): Promise<void> {
    const oldest = new Date(now.getTime() - keepDays * 86_400_000)
    const hourAgo = new Date(now.getTime() - 3_600_000)
    await this.store.query(
      'delete from recovery.check_results where workload = $1 and known_at < $2',
      [workload, oldest],
    )
    await this.store.query(
      'delete from recovery.canaries where workload = $1 and written_at < $2',
      [workload, oldest],
    )
    await this.store.query(
      `delete from recovery.baselines b where workload = $1 and (at < $2 or (at < $3 and exists (
         select from recovery.baselines e where e.workload = b.workload and e.place = b.place and e.id < b.id
            and date_trunc('hour', e.at) = date_trunc('hour', b.at))))`,
      [workload, oldest, hourAgo],
    )
  }

  async #result(workload: string, place: string, check: string, condition: string) {
    const [row] = await this.store.query<{
      state: CheckState
      value: string | null
      reason: string | null
      began: string
      seen: string
      known: string
      skew: string
    }>(
      `select state, value, reason, to_json(began_at)#>>'{}' as began, to_json(seen_at)#>>'{}' as seen,
              to_json(known_at)#>>'{}' as known, skew_ms::text as skew
         from recovery.check_results
        where workload = $1 and place = $2 and check_name = $3 and ${condition} limit 1`,
      [workload, place, check],
    )
    if (!row) return undefined
    const result: RecordedResult = {
      check,
      state: row.state,
      ...(row.value !== null && { value: row.value }),
      ...(row.reason !== null && { reason: row.reason }),
      beganAt: isoTime(row.began),
      seenAt: isoTime(row.seen),
      knownAt: isoTime(row.known),
      skewMs: Number(row.skew),
    }
    return result
  }
}

/** Orders ISO times of one precision. */
const compareText = (a: string | undefined, b: string | undefined) =>
  (a ?? '') < (b ?? '') ? -1 : 1
