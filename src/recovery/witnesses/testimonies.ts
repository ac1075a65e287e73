import type { StateDatabase } from '../../runbook/state-database.ts'
import { isoTime } from '../baseline.ts'
import type { Testimony, WitnessReport } from './witness.ts'

const MIGRATIONS = [
  `create table witnesses.testimonies (
     workload text not null, witness text not null, state text not null, reason text,
     since timestamptz not null, said_at timestamptz not null,
     primary key (workload, witness))`,
]

/** What the witnesses of each workload have said last, in Lifeboat's own database. */
export class Testimonies {
  private constructor(private readonly store: StateDatabase) {}

  static async open(store: StateDatabase): Promise<Testimonies> {
    await store.migrate('witnesses', MIGRATIONS)
    return new Testimonies(store)
  }

  /** Since when a witness says something is kept for as long as it says the same. */
  async record(
    workload: string,
    witness: string,
    { state, reason }: WitnessReport,
    saidAt: Date,
  ): Promise<void> {
    await this.store.query(
      `insert into witnesses.testimonies as known (workload, witness, state, reason, since, said_at)
       values ($1, $2, $3, $4, $5, $5)
       on conflict (workload, witness) do update
          set state = excluded.state, reason = excluded.reason, said_at = excluded.said_at,
              since = case when known.state = excluded.state then known.since else excluded.since end`,
      [workload, witness, state, reason ?? null, saidAt],
    )
  }

  /** By the name of the witness. */
  async of(workload: string): Promise<ReadonlyMap<string, Testimony>> {
    const rows = await this.store.query<{
      witness: string
      state: Testimony['state']
      reason: string | null
      since: string
      said_at: string
    }>(
      `select witness, state, reason, to_json(since)#>>'{}' as since, to_json(said_at)#>>'{}' as said_at
         from witnesses.testimonies where workload = $1`,
      [workload],
    )
    return new Map(
      rows.map(({ witness, state, reason, since, said_at }) => [
        witness,
        {
          ...{ state, since: isoTime(since), saidAt: isoTime(said_at) },
          ...(reason !== null && { reason }),
        },
      ]),
    )
  }
}
