import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, faultsOf, Ledger, ORDERS, rowsAt } from '../trials/ledger.ts'
import { Chance, figures, rounds, timeFor } from '../trials/rounds.ts'
import { TrialRegion } from '../trials/trial-region.ts'

const SHORT = 3

describe('a restore to a moment', () => {
  let region: TrialRegion
  let ledger: Ledger
  let openedAt: Date
  /** When each order of the one writer was committed, as PostgreSQL remembers it; microseconds, oldest first. */
  let commits: number[]

  beforeAll(async () => {
    region = await TrialRegion.start('exact')
    await region.rememberCommitTimes('commit-times')
    await region.create('shop-db', { DBParameterGroupName: 'commit-times' })
    const shop = await region.login('shop-db')
    const session = await connect(shop)
    await session.query(ORDERS)
    openedAt = new Date()
    ledger = new Ledger(join(region.folder, 'ledger.jsonl'), () => shop)
    ledger.write({ writers: 1, perSecond: 200 })
    await ledger.until(300)
    await ledger.close()
    const { rows } = await session.query(
      `select (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint us
       from orders order by number`,
    )
    commits = rows.map(({ us }) => Number(us))
    await session.end()
    await region.untilRestorable('shop-db', new Date())
  })
  afterAll(() => region?.end())

  const restored = async (time: Date) => {
    await region.restore('shop-db', 'copy', { RestoreTime: time })
    await region.untilAvailable('copy')
    const rows = await rowsAt(await region.login('copy'))
    await region.delete('copy')
    return rows
  }

  test(
    'holds every commit before it and none after',
    async () => {
      const chance = new Chance()
      const entries = ledger.entries()
      let furthest = 0
      for (let round = 0; round < rounds(SHORT); round++) {
        const time = new Date(chance.between(openedAt.getTime(), entries.at(-1)!.acknowledgedAt))
        const rows = await restored(time)
        const found = rows.get(1)?.length ?? 0
        const expected = commits.filter((us) => us <= time.getTime() * 1000).length
        const where = `seed ${chance.seed}, round ${round}, ${time.toISOString()}`
        expect(faultsOf(rows, entries, time), where).toEqual([])
        expect(found, where).toBe(expected)
        furthest = Math.max(furthest, Math.abs(found - expected))
      }
      figures('exact restore', { rounds: rounds(SHORT), 'transactions off at most': furthest })
    },
    timeFor(10_000, SHORT),
  )

  test('reaches a moment after which nothing was committed', async () => {
    const { LatestRestorableTime } = (await region.describe('shop-db'))!
    expect(LatestRestorableTime!.getTime() * 1000).toBeGreaterThan(commits.at(-1)!)
    const rows = await restored(LatestRestorableTime!)
    expect(rows.get(1)).toHaveLength(commits.length)
  })

  test.each([
    ['before the window', () => new Date('2024-01-15T10:30:00Z')],
    ['after the window', () => new Date(Date.now() + 3_600_000)],
  ])('is refused %s, with the window named and no instance made', async (_, time) => {
    const before = await region.instances()
    await expect(restored(time())).rejects.toMatchObject({
      name: 'InvalidRestoreFault',
      message: expect.stringMatching(/restore window: \S+Z to \S+Z/),
    })
    expect((await region.instances()).map((one) => one.DBInstanceIdentifier)).toEqual(
      before.map((one) => one.DBInstanceIdentifier),
    )
  })
})
