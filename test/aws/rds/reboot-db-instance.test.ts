import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  DescribeDBSnapshotsCommand,
  DescribeEventsCommand,
  RebootDBInstanceCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest, sql } from './rds-under-test.ts'

describe('RebootDBInstance, StopDBInstance, StartDBInstance', () => {
  const { region, rds, create, until, describe: described } = rdsUnderTest()
  const DBInstanceIdentifier = 'shop-db'
  const reboot = (more = {}) =>
    rds().send(new RebootDBInstanceCommand({ DBInstanceIdentifier, ...more }))
  const stop = () => rds().send(new StopDBInstanceCommand({ DBInstanceIdentifier }))
  const start = () => rds().send(new StartDBInstanceCommand({ DBInstanceIdentifier }))
  const startedAt = async () =>
    (await sql(await until('shop-db', 'available'), 'select pg_postmaster_start_time() t'))[0]?.t
  const events = async () =>
    (
      await rds().send(
        new DescribeEventsCommand({ SourceIdentifier: 'shop-db', SourceType: 'db-instance' }),
      )
    ).Events?.map(({ Message }) => Message)
  beforeAll(async () => {
    await create('shop-db')
    await sql(await until('shop-db', 'available'), 'create table kept as select 1 i')
  })

  test('a reboot restarts the server, at the same endpoint, with its data', async () => {
    const before = await until('shop-db', 'available')
    const booted = await startedAt()
    expect((await reboot()).DBInstance?.DBInstanceStatus).toBe('rebooting')
    const after = await until('shop-db', 'available')
    expect(await startedAt()).not.toEqual(booted)
    expect(after.Endpoint).toEqual(before.Endpoint)
    expect(await sql(after, 'select * from kept')).toEqual([{ i: 1 }])
    expect(await events()).toContain('DB instance restarted')
  })

  test('WAL goes on arriving after a reboot, a stop and a crash', async () => {
    const moves = async () => {
      const before = (await until('shop-db', 'available')).LatestRestorableTime?.getTime() ?? 0
      await vi.waitFor(
        async () =>
          expect((await described('shop-db'))?.LatestRestorableTime?.getTime()).toBeGreaterThan(
            before,
          ),
        { timeout: 60_000, interval: 100 },
      )
    }
    await moves()
    await stop()
    await until('shop-db', 'stopped')
    await start()
    await moves()
    await killServer()
    await moves()
  })

  test('a stopped instance does not answer, and starts with its data', async () => {
    const { Endpoint } = await until('shop-db', 'available')
    expect((await stop()).DBInstance?.DBInstanceStatus).toBe('stopping')
    await until('shop-db', 'stopped')
    await expect(sql({ Endpoint }, 'select 1')).rejects.toThrow(/ECONNREFUSED/)
    expect(await refusal(stop())).toBe('InvalidDBInstanceStateFault')
    expect(await refusal(reboot())).toBe('InvalidDBInstanceStateFault')
    expect((await start()).DBInstance?.DBInstanceStatus).toBe('starting')
    const back = await until('shop-db', 'available')
    expect(back.Endpoint).toEqual(Endpoint)
    expect(await sql(back, 'select * from kept')).toEqual([{ i: 1 }])
    expect(await refusal(start())).toBe('InvalidDBInstanceStateFault')
  })

  test('a stop takes the snapshot that is asked for', async () => {
    await until('shop-db', 'available')
    await rds().send(
      new StopDBInstanceCommand({ DBInstanceIdentifier, DBSnapshotIdentifier: 'before-stop' }),
    )
    await until('shop-db', 'stopped')
    const { DBSnapshots } = await rds().send(
      new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'before-stop' }),
    )
    expect(DBSnapshots).toMatchObject([{ Status: 'available', SnapshotType: 'manual' }])
    await start()
    await until('shop-db', 'available')
  })

  test('a server that dies is started again, and events tell', async () => {
    await killServer()
    await vi.waitFor(
      async () => expect(await events()).toContain('Recovery of the DB instance is complete.'),
      { timeout: 60_000 },
    )
    expect(await sql(await until('shop-db', 'available'), 'select * from kept')).toEqual([{ i: 1 }])
  })

  test('a region that is closed and opened again brings its instances back', async () => {
    const before = await until('shop-db', 'available')
    region.errors.length = 0
    await region.restart()
    const after = await until('shop-db', 'available')
    expect(after.Endpoint).toEqual(before.Endpoint)
    expect(after.DbiResourceId).toBe(before.DbiResourceId)
    expect(await sql(after, 'select * from kept')).toEqual([{ i: 1 }])
    expect(region.errors).toEqual([])
  })

  test('a failover is refused: there is no standby', async () => {
    expect(await refusal(reboot({ ForceFailover: true }))).toBe('UnsupportedOperation')
    await until('shop-db', 'available')
  })

  test('a server that dies again and again is given up, and starts with its data when it is asked to', async () => {
    const hasFailed = async () => (await described('shop-db'))?.DBInstanceStatus === 'failed'
    let kills = 0
    for (; kills < 20 && !(await hasFailed()); kills++) {
      await killServer()
      await vi.waitFor(
        async () =>
          expect((await described('shop-db'))?.DBInstanceStatus).toMatch(/^(available|failed)$/),
        { timeout: 60_000, interval: 50 },
      )
    }
    // It crashed in the tests before this one, too.
    expect(kills).toBeGreaterThan(2)
    const failed = await until('shop-db', 'failed')
    await expect(sql(failed, 'select 1')).rejects.toThrow(/ECONNREFUSED/)
    expect(await refusal(reboot())).toBe('InvalidDBInstanceStateFault')
    await start()
    expect(await sql(await until('shop-db', 'available'), 'select * from kept')).toEqual([{ i: 1 }])
  })

  const killServer = async () => {
    const { DbiResourceId } = await until('shop-db', 'available')
    const file = join(region.folder(), 'rds', 'instances', DbiResourceId!, 'data', 'postmaster.pid')
    const pidOf = () => (existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0)
    const pid = pidOf()
    process.kill(pid, 'SIGKILL')
    // Somebody who looks late sees that it was started again.
    const hasBeenSeen = async () =>
      (await described('shop-db'))?.DBInstanceStatus !== 'available' || pidOf() !== pid
    await vi.waitUntil(hasBeenSeen, { timeout: 60_000 })
  }
})
