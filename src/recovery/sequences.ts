import type { Database } from '../probe/database.ts'

/**
 * Moves every sequence of the restored database past where the old one's has come, so that a row that is
 * written there never takes the key of a row that is still to be put back.
 *
 * Called before anybody writes to the restored database; safe to call again.
 *
 * @returns how many sequences were moved
 */
export async function advanceSequences(old: Database, restored: Database): Promise<number> {
  const sequences = await old.query(`
    select schemaname, sequencename, last_value from pg_sequences
     where last_value is not null order by 1, 2`)
  let moved = 0
  for (const { schemaname, sequencename, last_value } of sequences) {
    const rows = await restored.query(
      `select setval(format('%I.%I', schemaname, sequencename)::regclass, $3::bigint)
         from pg_sequences where schemaname = $1 and sequencename = $2
          and (last_value is null or (last_value - $3::bigint) * sign(increment_by) < 0)`,
      [schemaname, sequencename, last_value],
    )
    moved += rows.length
  }
  return moved
}
