import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, faultsOf, Ledger, ORDERS, rowsAt } from '../trials/ledger.ts'
import { figures, rounds, timeFor } from '../trials/rounds.ts'
import { TrialRegion } from '../trials/trial-region.ts'

const GENERATIONS = 3

let region: TrialRegion

beforeAll(async () => {
  region = await TrialRegion.start('generations')
  await region.create('generation-0')
  const session = await connect(await region.login('generation-0'))
  await session.query(ORDERS)
  await session.end()
})
afterAll(() => region?.end())

test(
  'a restored database is written to and restored again, three generations deep',
  async () => {
    const generations = rounds(GENERATIONS)
    for (let generation = 0; generation < generations; generation++) {
      const [parent, child] = [`generation-${generation}`, `generation-${generation + 1}`]
      const login = await region.login(parent)
      const before = await rowsAt(login)
      // Each generation has writers of its own, so that its orders are told apart from those it was born with.
      const ledger = new Ledger(join(region.folder, `${parent}.jsonl`), () => login, {
        firstWriter: 10 * generation + 1,
      })
      ledger.write({ writers: 2, perSecond: 200 })
      await ledger.until(100)
      const moment = new Date()
      await ledger.until(100)
      await region.untilRestorable(parent, moment)
      await region.restore(parent, child, { RestoreTime: moment })
      await region.untilAvailable(child)
      await ledger.close()

      const rows = await rowsAt(await region.login(child))
      expect(faultsOf(rows, ledger.entries(), moment), child).toEqual([])
      for (const [writer, numbers] of before) expect(rows.get(writer), child).toEqual(numbers)
      expect(rows.size).toBe(2 * (generation + 1))
      await region.delete(parent)
    }
    figures('generations', { restored: generations })
  },
  timeFor(15_000, GENERATIONS),
)
