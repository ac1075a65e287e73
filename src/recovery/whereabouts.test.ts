import { expect, test } from 'vitest'
import type { Execution } from '../runbook/execution.ts'
import { refuseElsewhere, whereaboutsOf } from './whereabouts.ts'
import { parseWorkload } from './workload-file.ts'

const WORKLOAD = parseWorkload(`workload: shop
objectives: { rto: 5m, rpo: 30s }
regions: { primary: ap-southeast-1, recovery: us-east-1 }
database: { instance: shop-db, secret: shop/database, standby: shop-db-standby }
buckets: [{ bucket: receipts, replica: { bucket: receipts-away } }]
checks: [{ name: any, sql: select 1, expect: 1, every: 5s }]
`)
const PROMOTED = {
  ...{ instance: 'shop-db-standby', arn: 'arn:db', endpoint: { host: 'there', port: 5432 } },
  ...{ writableAt: '2026-01-15T10:00:00.000Z', timeline: 2 },
}

/** What executions have left in the journal, the newest first. */
function journal(...left: { runbook: string; status: string; outputs?: object }[]) {
  const all = left.map(({ runbook, status, outputs = {} }, index) => ({
    ...{ id: `${runbook}-${index}`, runbook, status, verdict: 'proven', owns: 'shop' },
    ...{ startedAt: new Date(0), input: { workload: WORKLOAD } },
    steps: Object.entries(outputs).map(([name, output]) => ({
      ...{ name, output, phase: 'execute', attempts: [] },
    })),
  })) as unknown as Execution[]
  return { list: async () => all, get: async (id: string) => all.find((one) => one.id === id)! }
}

const failedOver = {
  runbook: 'region-failure',
  // The public name was led there by hand.
  status: 'completedWithSkips',
  outputs: { readiness: { region: 'us-east-1' }, fence: { grade: 'none' }, promote: PROMOTED },
}

test('a failover has brought it away, also when steps behind the promotion were skipped', async () => {
  const { workload, away } = await whereaboutsOf(WORKLOAD, journal(failedOver))
  expect(away).toEqual({
    failover: 'region-failure-0',
    region: 'us-east-1',
    since: PROMOTED.writableAt,
    fenceOwed: 'none',
  })
  expect(workload).toMatchObject({
    region: 'us-east-1',
    recoveryRegion: 'ap-southeast-1',
    database: { instance: 'shop-db-standby' },
    buckets: [{ bucket: 'receipts-away', replica: { bucket: 'receipts' } }],
  })
  await expect(refuseElsewhere(WORKLOAD, journal(failedOver))).rejects.toMatchObject({
    code: 'WorkloadAway',
  })
})

test('it is at home after a failback, and where its file has moved to', async () => {
  const back = { runbook: 'failback', status: 'completed', outputs: { promote: PROMOTED } }
  expect((await whereaboutsOf(WORKLOAD, journal(back, failedOver))).away).toBeNull()
  const moved = { ...WORKLOAD, region: 'us-east-1', recoveryRegion: 'ap-southeast-1' }
  expect(await whereaboutsOf(moved, journal(failedOver))).toEqual({ workload: moved, away: null })
  // A failover that was given up has changed nothing.
  const canceled = { ...failedOver, status: 'canceled' }
  expect((await whereaboutsOf(WORKLOAD, journal(canceled))).away).toBeNull()
})

test('a file that names the database from before the last recovery is refused, and no other', async () => {
  const restore = { instance: 'shop-db-restored', endpoint: { host: 'here', port: 1 } }
  const recovered = { runbook: 'data-corruption', status: 'completed', outputs: { restore } }
  await expect(refuseElsewhere(WORKLOAD, journal(recovered))).rejects.toMatchObject({
    code: 'InvalidUsage',
    hint: 'Run lifeboat workload update first.',
  })
  const renamed = (instance: string) => ({
    ...WORKLOAD,
    database: { ...WORKLOAD.database, instance },
  })
  await refuseElsewhere(renamed('shop-db-restored'), journal(recovered))
  await refuseElsewhere(renamed('another-db'), journal(recovered))
  // Where the restore was skipped, nothing has another name.
  const skipped = { runbook: 'data-corruption', status: 'completedWithSkips' }
  await refuseElsewhere(WORKLOAD, journal(skipped))
})
