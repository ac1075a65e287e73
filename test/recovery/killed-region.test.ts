import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateDBSnapshotCommand,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { amcheck, findAmcheck } from '../trials/amcheck.ts'
import { connect, faultsOf, Ledger, lossesOf, ORDERS, rowsAt } from '../trials/ledger.ts'
import { Chance, figures, rounds, timeFor } from '../trials/rounds.ts'
import { TrialRegion, until } from '../trials/trial-region.ts'

const SHORT = 3
const SUPERUSER = 'rdsadmin'

describe('a region whose processes were all killed under load', () => {
  const chance = new Chance()
  let region: TrialRegion
  let ledger: Ledger
  let dataDirectory: string

  beforeAll(async () => {
    region = await TrialRegion.start('killed')
    await region.create('shop-db')
    dataDirectory = await region.dataDirectoryOf('shop-db')
    const shop = await region.login('shop-db')
    const session = await connect(shop)
    await session.query(ORDERS)
    await session.end()
    ledger = new Ledger(join(region.folder, 'ledger.jsonl'), () => shop)
    ledger.write({ writers: 4, perSecond: 200 })
    await ledger.until(50)
    await region.untilRestorable('shop-db', new Date())
  })
  afterAll(async () => {
    await ledger?.close()
    await region?.end()
  })

  const snapshots = async () =>
    (await region.rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' })))
      .DBSnapshots ?? []

  /** What the region is in the middle of when it is killed. */
  const beginnings = {
    nothing: async () => undefined,
    snapshot: async () => {
      const acknowledged = ledger.entries()
      await region.rds.send(
        new CreateDBSnapshotCommand({
          DBInstanceIdentifier: 'shop-db',
          DBSnapshotIdentifier: 'snapshot',
        }),
      )
      return { acknowledged }
    },
    restore: async () => {
      const { LatestRestorableTime: time } = (await region.describe('shop-db'))!
      await region.restore('shop-db', 'copy', { RestoreTime: time! })
      return { time }
    },
  }

  test(
    'comes back with every acknowledged order, and lists nothing half-made',
    async () => {
      const started = Date.now()
      let [kills, finished, worstMs] = [0, 0, 0]
      for (let round = 0; round < rounds(SHORT); round++) {
        const names = ['restore', 'snapshot', 'nothing'] as const
        const name = names[round % names.length]!
        const where = `seed ${chance.seed}, round ${round}, in the middle of: ${name}`
        const begun: { time?: Date | undefined; acknowledged?: ReturnType<Ledger['entries']> } =
          (await beginnings[name]()) ?? {}
        await sleep(chance.between(0, 1500))
        await region.kill()
        kills += 1
        const down = Date.now()
        await region.startAgain()
        await region.untilAvailable('shop-db')
        worstMs = Math.max(worstMs, Date.now() - down)
        await ledger.until(20)

        const acknowledged = ledger.entries()
        expect(lossesOf(await rowsAt(await region.login('shop-db')), acknowledged), where).toEqual(
          [],
        )

        for (const { DBSnapshotIdentifier } of await snapshots()) {
          await until('the snapshot is settled', 60_000, async () =>
            (await snapshots()).every(({ Status }) => Status === 'available'),
          )
          await region.rds.send(
            new RestoreDBInstanceFromDBSnapshotCommand({
              DBInstanceIdentifier: 'from-snapshot',
              DBSnapshotIdentifier,
            }),
          )
          await region.untilAvailable('from-snapshot')
          const rows = await rowsAt(await region.login('from-snapshot'))
          expect(lossesOf(rows, begun.acknowledged ?? []), where).toEqual([])
          await region.rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier }))
          finished += 1
        }
        for (const { DBInstanceIdentifier: identifier } of await region.instances()) {
          if (identifier === 'shop-db') continue
          await region.untilAvailable(identifier!)
          const rows = await rowsAt(await region.login(identifier!))
          if (identifier === 'copy') {
            expect(faultsOf(rows, ledger.entries(), begun.time!), where).toEqual([])
            finished += 1
          }
          await region.delete(identifier!)
        }
      }
      figures('killed region', {
        kills,
        'snapshots and restores completed afterwards': finished,
        'acknowledged orders': ledger.acknowledged,
        lost: 0,
        'back after at most (ms)': worstMs,
        'seconds in all': Math.round((Date.now() - started) / 1000),
      })
    },
    timeFor(15_000, SHORT),
  )

  test('has sound backups of all that was acknowledged through every kill', async () => {
    const { acknowledgedAt } = ledger.entries().at(-1)!
    const time = new Date(acknowledgedAt)
    await region.untilRestorable('shop-db', time)
    await region.restore('shop-db', 'last', { RestoreTime: time })
    await region.untilAvailable('last')
    const rows = await rowsAt(await region.login('last'))
    expect(faultsOf(rows, ledger.entries(), time), `seed ${chance.seed}`).toEqual([])
  })

  test('has tables and indexes that pg_amcheck finds sound', async (context) => {
    const program = findAmcheck()
    if (!program) return context.skip('skipped: needs pg_amcheck of PostgreSQL')
    await region.kill()
    const found = await amcheck(program, dataDirectory, {
      binaries: region.binaries,
      superuser: SUPERUSER,
    })
    expect(found).toBe('')
    await region.startAgain()
  })
})
