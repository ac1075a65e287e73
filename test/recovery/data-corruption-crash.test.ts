/**
 * The runbook `data-corruption` killed with `kill -9` around and inside its steps, and resumed by another process.
 *
 * `npm test` tries a few places, by a seed that it prints and `LIFEBOAT_SEED` repeats; `LIFEBOAT_CRASH_POINTS=all` tries all,
 * and runs each step twice and lets each fail too; `LIFEBOAT_CRASH_POINTS=switch` tries those whose words hold this;
 * `LIFEBOAT_CRASH_KILLS=3` kills that many processes at each.
 */
import { afterAll, beforeAll } from 'vitest'
import { dataCorruption } from '../../src/recovery/runbooks/data-corruption.ts'
import type { CrashPoint } from '../../src/runbook/crash-process.ts'
import { aroundUndo, describeRunbook, placeOf } from '../../src/runbook/crash-tests.ts'
import { Chance } from '../trials/rounds.ts'
import { BACKUP_WINDOW, FIRST_ORDERS } from './crash-shop.ts'
import { CrashWorlds, INCIDENT } from './data-corruption-crash-world.ts'

const SHORT = 3

/** What each step sends to change something, and what it sends while it is busy: most of a step's life is between effects. */
const SENT: Readonly<Record<string, readonly string[]>> = {
  identify: ['pg_database_size'],
  'stop-writes': ['REVOKE', 'pg_terminate_backend', 'WHERE false', 'has_any_column_privilege'],
  restore: [
    'Action=RestoreDBInstanceToPointInTime.*-restored-',
    'DBInstanceIdentifier=.*-restored-',
  ],
  'restore-control': ['Action=RestoreDBInstanceToPointInTime.*-control-'],
  verify: ['SAVEPOINT|DELETE FROM', 'ROLLBACK'],
  're-arm': ['Action=ModifyDBInstance', 'setval'],
  switch: ['ClientRequestToken', 'n_tup_ins'],
  'retire-control': ['Action=DeleteDBInstance', 'DBInstanceIdentifier=.*-control-'],
  salvage: ['json_array_elements'],
  'put-back': ['INSERT INTO', 'SET CONSTRAINTS ALL IMMEDIATE', 'COMMIT', 'json_array_elements'],
  'count-loss': ['json_array_elements_text'],
  protect: ['Action=ModifyDBInstance'],
}

const all = [
  ...dataCorruption.steps.flatMap(({ name: step }): CrashPoint[] => [
    { step, when: 'before' },
    ...(SENT[step] ?? []).map((sent): CrashPoint => ({ step, when: 'during', sent })),
    { step, when: 'after' },
  ]),
  ...aroundUndo(dataCorruption),
]

const asked = process.env.LIFEBOAT_CRASH_POINTS
const chance = new Chance()

function chosen(): readonly CrashPoint[] {
  if (asked === 'all') return all
  if (asked !== undefined) return all.filter((point) => placeOf(point).includes(asked))
  const left = [...all]
  const some = Array.from({ length: SHORT }, () => left.splice(chance.between(0, left.length), 1))
  process.stdout.write(
    `crash points of seed ${chance.seed}: ${some.flat().map(placeOf).join(', ')}\n`,
  )
  return some.flat()
}

let worlds: CrashWorlds
beforeAll(async () => {
  worlds = await CrashWorlds.start()
})
afterAll(() => worlds?.end())

describeRunbook(dataCorruption, {
  world: {
    runbook: dataCorruption,
    create: () => worlds.create(),
    input: (world) => worlds.input(world),
    tools: (world, around) => worlds.tools(world, around),
    effects: (world, execution) => worlds.effects(world, execution),
    isUntouched: (world) => worlds.isUntouched(world),
    remove: (world) => worlds.remove(world),
    lasting: () => true,
  },
  module: new URL('./data-corruption-crash-world.mjs', import.meta.url),
  databaseUrl: () => worlds.postgres.url,
  timeoutMs: 180_000,
  crashes: chosen(),
  kills: Number(process.env.LIFEBOAT_CRASH_KILLS ?? 1),
  ...(asked !== 'all' && { only: [] }),
  effects: {
    status: 'completed',
    verdict: 'proven',
    instances: ['source', 'restored'],
    source: { isProtected: true, damaged: FIRST_ORDERS, write: '42501' },
    restored: {
      status: 'available',
      backups: [7, BACKUP_WINDOW],
      parameters: [['shop-parameters', 'in-sync']],
      service: 'shop',
      remembersCommitTimes: { track_commit_timestamp: 'on' },
      isRestorable: true,
    },
    secret: { pointsTo: 'restored', pointedTo: 'source', note: 'kept' },
    orders: { lost: [], first: FIRST_ORDERS, altered: [], withoutItsItem: [], strange: [] },
    putBack: { isSomething: true, isAll: true, conflicts: 0, lost: 0 },
    files: INCIDENT,
  },
})
