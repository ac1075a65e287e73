import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { findPostgresBinaries, type PostgresBinaries } from '../../src/postgres/binaries.ts'
import { Cluster } from '../../src/postgres/cluster.ts'
import { Protection } from '../../src/postgres/protection.ts'
import { connect, faultsOf, Ledger, type Login, ORDERS, rowsAt } from '../trials/ledger.ts'
import { Chance, figures, rounds, timeFor } from '../trials/rounds.ts'
import { until } from '../trials/trial-region.ts'

const SHORT = 1
const superuser = { name: 'rdsadmin', password: 'secret' }

describe.each([18, 15])('WAL of PostgreSQL %i recycled while nobody streamed it', (major) => {
  const chance = new Chance()
  /** One moment in each window, and one in each gap. */
  const kept: Date[] = []
  const lost: Date[] = []
  let folder: string
  let binaries: PostgresBinaries | undefined
  let cluster: Cluster
  let protection: Protection
  let session: pg.Client
  let ledger: Ledger

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-trial-gap-'))
    await chmod(folder, 0o711)
    const installed = await findPostgresBinaries({ cache: join(folder, 'postgresql') })
    binaries = installed.find((one) => one.major === major)
    if (!binaries) return
    cluster = await Cluster.create({
      dataDirectory: join(folder, 'shop', 'data'),
      templates: join(folder, 'templates'),
      binaries,
      superuser,
      // Enough for a receiver on a busy machine that goes on behind the gap, so that it falls into no second one.
      settings: { max_slot_wal_keep_size: '64MB', min_wal_size: '32MB', wal_keep_size: '0' },
    })
    await cluster.start()
    protection = await open()
    await protection.attach(cluster)
    session = await connect(loginOf(cluster))
    await session.query(`${ORDERS}; create table filler (text text)`)
    await protection.backUp()
    ledger = new Ledger(join(folder, 'ledger.jsonl'), () => loginOf(cluster))
    ledger.write({ writers: 1, perSecond: 100 })
  })
  afterAll(async () => {
    await ledger?.close()
    await session?.end()
    await protection?.close()
    await cluster?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const open = () =>
    Protection.open({ folder: join(folder, 'shop', 'protection'), clock: systemClock })
  const restored = async (to: Parameters<Protection['restore']>[0]['to']) => {
    const copy = await protection.restore({
      to,
      into: join(folder, 'copy', 'data'),
      binaries: binaries!,
      superuser,
    })
    const rows = await rowsAt(loginOf(copy))
    await copy.stop()
    await rm(join(folder, 'copy'), { recursive: true })
    return rows
  }
  const untilRestorable = (moment: Date) =>
    until(`${moment.toISOString()} is restorable`, 60_000, async () => {
      return (protection.latestRestorableTime() ?? new Date(0)) >= moment
    })
  const slotStatus = async () =>
    (
      await session.query(
        "select wal_status from pg_replication_slots where slot_name = 'lifeboat'",
      )
    ).rows[0]?.wal_status
  /** Orders go on meanwhile. */
  const recycleWal = async () => {
    while ((await slotStatus()) !== 'lost') {
      await session.query(
        'insert into filler select repeat(md5(n::text), 30) from generate_series(1, 16000) n',
      )
      await session.query('select pg_switch_wal()')
      await session.query('checkpoint')
    }
  }

  test(
    'is reported as a gap, splits the window, and a new base backup begins by itself',
    async (context) => {
      if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
      let slowestReportMs = 0
      for (let round = 0; round < rounds(SHORT); round++) {
        await ledger.until(10)
        await sleep(chance.between(0, 500))
        kept.push(new Date())
        await ledger.until(10)
        await untilRestorable(kept.at(-1)!)

        await protection.detach()
        await ledger.until(10)
        await recycleWal()
        await ledger.until(10)
        lost.push(new Date())
        await ledger.until(10)

        const attachedAt = Date.now()
        let reportedMs: number | undefined
        protection.once('gap', () => {
          reportedMs = Date.now() - attachedAt
        })
        await protection.attach(cluster)
        await until('the gap is reported', 60_000, async () => reportedMs !== undefined)
        slowestReportMs = Math.max(slowestReportMs, reportedMs!)
        await until('a new window is open', 60_000, async () => {
          return protection.restoreWindows().length === round + 2
        })
        expect(protection.gaps()).toHaveLength(round + 1)
        expect(protection.backups()).toHaveLength(round + 2)

        // From now on the server holds WAL for us again.
        await protection.detach()
        for (let times = 0; times < 2; times++) {
          await ledger.until(1)
          await session.query('select pg_switch_wal()')
          await session.query('checkpoint')
        }
        await protection.attach(cluster)
        await untilRestorable(new Date())
        expect(protection.gaps()).toHaveLength(round + 1)
      }
      kept.push(new Date())
      await untilRestorable(kept.at(-1)!)
      figures(`WAL gaps of PostgreSQL ${major}`, {
        gaps: lost.length,
        'reported after at most (ms)': slowestReportMs,
      })
    },
    timeFor(10_000, SHORT),
  )

  test(
    'leaves every window restorable, and no moment in a gap',
    async (context) => {
      if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
      const windows = protection.restoreWindows()
      for (const [index, moment] of kept.entries()) {
        const { earliest, latest } = windows[index]!
        const where = `seed ${chance.seed}, window ${index}, ${moment.toISOString()}`
        expect(earliest <= moment && moment <= latest, where).toBe(true)
        expect(faultsOf(await restored({ time: moment }), ledger.entries(), moment), where).toEqual(
          [],
        )
      }
      const named = windows
        .map(({ earliest, latest }) => `${earliest.toISOString()} to ${latest.toISOString()}`)
        .slice(0, -1)
        .join(', ')
      for (const moment of lost) {
        await expect(restored({ time: moment })).rejects.toMatchObject({
          code: 'RecoveryPointUnreachable',
          hint: expect.stringContaining(named),
        })
        expect(existsSync(join(folder, 'copy', 'data'))).toBe(false)
      }
    },
    timeFor(10_000, SHORT),
  )

  test('is still known as a gap after a restart', async (context) => {
    if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const [gaps, windows] = [protection.gaps(), protection.restoreWindows()]
    await protection.close()
    protection = await open()
    expect(protection.gaps()).toEqual(gaps)
    expect(protection.restoreWindows().slice(0, -1)).toEqual(windows.slice(0, -1))
    await protection.attach(cluster)
    expect(protection.gaps()).toEqual(gaps)
  })
})

function loginOf(cluster: Cluster): Login {
  const { host, port, user, password } = cluster.target()
  return { host, port, user, password, database: 'postgres' }
}
