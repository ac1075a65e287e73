import type { Clock } from '../../core/clock.ts'
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts'
import type { Connection } from '../wire/connection.ts'
import type { Relation } from './file-list.ts'

/** A relation's file ends at 1 GiB, and the next one goes on. Source: pg_config.h, RELSEG_SIZE. */
export const BLOCKS_PER_SEGMENT = 131_072
const FORKS: readonly Relation['fork'][] = ['main', 'fsm', 'vm', 'init']
/** How long the summarizer may take to reach the backup's start; it was measured to need 3 to 20 ms. */
const SUMMARIZER_DEADLINE_MS = 10_000

/** Which blocks of which relations the WAL between two positions changed. */
export class ChangedBlocks {
  readonly #blocks = new Map<string, Set<number>>()
  /** From this block on nothing of before is left: the relation was truncated there, or made anew. */
  readonly #limits = new Map<string, number>()

  /**
   * Reads the server's WAL summaries (PostgreSQL 17 and later). Undefined when they do not cover the whole stretch: the
   * caller must find changed pages by itself.
   *
   * Source: PostgreSQL manual, "WAL Summarization Information Functions".
   */
  static async fromSummaries(
    connection: Connection,
    o: { timeline: number; from: Lsn; to: Lsn; clock: Clock },
  ): Promise<ChangedBlocks | undefined> {
    if (!(await summarizerReaches(connection, o.to, o.clock))) return undefined
    const summaries = await connection.query(
      `select start_lsn, end_lsn from pg_available_wal_summaries()
       where tli = ${o.timeline} and end_lsn > '${formatLsn(o.from)}' and start_lsn < '${formatLsn(o.to)}'
       order by start_lsn`,
    )
    let covered: bigint = o.from
    for (const { start_lsn: start, end_lsn: end } of summaries) {
      if (parseLsn(start!) > covered) return undefined
      covered = parseLsn(end!)
    }
    if (covered < o.to) return undefined

    const changed = new ChangedBlocks()
    for (const { start_lsn: start, end_lsn: end } of summaries) {
      const rows = await connection.query(
        `select relfilenode, reltablespace, reldatabase, relforknumber, is_limit_block,
                string_agg(relblocknumber::text, ',') blocks
         from pg_wal_summary_contents(${o.timeline}, '${start}', '${end}') group by 1, 2, 3, 4, 5`,
      )
      for (const row of rows) changed.#add(row)
    }
    return changed
  }

  /** Changed blocks of a segment, counted within it; `whole` when nothing of before can be relied on. */
  ofSegment(relation: Relation, blockCount: number, oldBlockCount: number): number[] | 'whole' {
    if (this.#limits.has(keyOf(relation.tablespace, relation.database, 0, 'main'))) return 'whole'
    const key = keyOf(relation.tablespace, relation.database, relation.relfilenode, relation.fork)
    const first = relation.segment * BLOCKS_PER_SEGMENT
    const limit = (this.#limits.get(key) ?? Number.POSITIVE_INFINITY) - first
    if (limit <= 0) return 'whole'
    const unknownFrom = Math.min(limit, oldBlockCount)
    const wanted = new Set<number>()
    for (const block of this.#blocks.get(key) ?? []) {
      const within = block - first
      if (within >= 0 && within < Math.min(blockCount, BLOCKS_PER_SEGMENT)) wanted.add(within)
    }
    for (let block = unknownFrom; block < blockCount; block++) wanted.add(block)
    return [...wanted].sort((a, b) => a - b)
  }

  #add(row: Record<string, string | null>): void {
    const key = keyOf(
      Number(row.reltablespace),
      Number(row.reldatabase),
      Number(row.relfilenode),
      FORKS[Number(row.relforknumber)]!,
    )
    const blocks = (row.blocks ?? '').split(',').map(Number)
    if (row.is_limit_block === 't') {
      this.#limits.set(key, Math.min(this.#limits.get(key) ?? Number.POSITIVE_INFINITY, ...blocks))
      return
    }
    const known = this.#blocks.get(key) ?? new Set()
    for (const block of blocks) known.add(block)
    this.#blocks.set(key, known)
  }
}

async function summarizerReaches(connection: Connection, lsn: Lsn, clock: Clock): Promise<boolean> {
  const [setting] = await connection.query("select current_setting('summarize_wal', true) as on")
  if (setting?.on !== 'on') return false
  const end = clock.monotonicMs() + SUMMARIZER_DEADLINE_MS
  for (;;) {
    const [state] = await connection.query(
      'select summarized_lsn lsn from pg_get_wal_summarizer_state()',
    )
    if (parseLsn(state?.lsn ?? '0/0') >= lsn) return true
    if (clock.monotonicMs() > end) return false
    await clock.sleep(3)
  }
}

function keyOf(
  tablespace: number,
  database: number,
  relfilenode: number,
  fork: Relation['fork'],
): string {
  return `${tablespace}/${database}/${relfilenode}/${fork}`
}
