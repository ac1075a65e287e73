import {
  type DBSnapshot,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBSnapshotsCommand,
  DescribeEventsCommand,
  ModifyDBInstanceCommand,
  type ModifyDBInstanceMessage,
  RestoreDBInstanceToPointInTimeCommand,
  StopDBInstanceCommand,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest, sql } from './rds-under-test.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** The file's tests build on each other: its clock only goes forward. */
describe('what happens by the clock', () => {
  const { region, rds, create, until } = rdsUnderTest()
  const now = () => region.clock.now().getTime()
  const forwardTo = (time: number) => region.clock.forward(time - now())
  const automated = async (): Promise<DBSnapshot[]> =>
    (
      await rds().send(
        new DescribeDBSnapshotsCommand({
          DBInstanceIdentifier: 'shop-db',
          SnapshotType: 'automated',
        }),
      )
    ).DBSnapshots ?? []
  const untilAutomated = (count: number) =>
    vi.waitFor(
      async () => {
        const snapshots = await automated()
        expect(snapshots.map(({ Status }) => Status)).toEqual(Array(count).fill('available'))
      },
      { timeout: 60_000, interval: 50 },
    )
  const modify = (more: Partial<ModifyDBInstanceMessage>) =>
    rds().send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'shop-db', ...more }))
  const hours = (ms: number) => new Date(ms).toISOString().slice(11, 16)
  /** 01:00 of the second day from today: far from every window below. */
  const start = Math.floor(Date.now() / DAY_MS) * DAY_MS + 2 * DAY_MS + HOUR_MS
  const weekday = new Date(start + DAY_MS).toUTCString().slice(0, 3)

  beforeAll(async () => {
    forwardTo(start)
    await create('shop-db', {
      BackupRetentionPeriod: 7,
      CopyTagsToSnapshot: true,
      PreferredBackupWindow: '03:00-04:00',
      PreferredMaintenanceWindow: `${weekday}:04:00-${weekday}:05:00`,
      Tags: [{ Key: 'team', Value: 'shop' }],
    })
    await until('shop-db', 'available')
  })

  test('the first backup is an automated snapshot', async () => {
    const [first, ...others] = await automated()
    expect(others).toEqual([])
    expect(first).toMatchObject({
      SnapshotType: 'automated',
      Status: 'available',
      DBSnapshotIdentifier: `rds:shop-db-${new Date(start).toISOString().slice(0, 10)}-01-00`,
      TagList: [{ Key: 'team', Value: 'shop' }],
    })
  })

  test('one backup is made in each backup window, and none outside', async () => {
    forwardTo(start + 1.5 * HOUR_MS)
    await settle()
    await untilAutomated(1)
    forwardTo(start + 2 * HOUR_MS + 60_000)
    expect(hours(now())).toBe('03:01')
    await untilAutomated(2)
    forwardTo(start + 2.5 * HOUR_MS)
    await settle()
    await untilAutomated(2)
    forwardTo(start + DAY_MS + 2 * HOUR_MS + 60_000)
    await untilAutomated(3)
    await until('shop-db', 'available')
  })

  test('what waits is applied in the maintenance window', async () => {
    await modify({ DBInstanceClass: 'db.m5.large', AllocatedStorage: 50 })
    await settle()
    const waiting = await until('shop-db', 'available')
    expect(waiting.PendingModifiedValues).toMatchObject({ DBInstanceClass: 'db.m5.large' })
    forwardTo(start + DAY_MS + 3 * HOUR_MS + 60_000)
    await vi.waitFor(
      async () => {
        const applied = await until('shop-db', 'available')
        expect(applied).toMatchObject({ DBInstanceClass: 'db.m5.large', AllocatedStorage: 50 })
        expect(applied.PendingModifiedValues).toEqual({})
      },
      { timeout: 60_000, interval: 50 },
    )
  })

  test('a shorter retention deletes what it no longer keeps', async () => {
    const [oldest] = (await automated()).sort((a, b) => at(a) - at(b))
    expect(await automated()).toHaveLength(3)
    // The server's own clock is days behind the region's: to it, all backups are of today.
    forwardTo(start + 5 * DAY_MS)
    await modify({ BackupRetentionPeriod: 1 })
    expect(await automated()).toEqual([])
    const restore = rds().send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: 'shop-db',
        TargetDBInstanceIdentifier: 'refused',
        RestoreTime: new Date(at(oldest!)),
      }),
    )
    expect(await refusal(restore)).toBe('InvalidRestoreFault')
  })

  test('a retention of 0 turns backups off and deletes them; another turns them on with a backup', async () => {
    await modify({ BackupRetentionPeriod: 0 })
    expect(await until('shop-db', 'available')).toMatchObject({
      BackupRetentionPeriod: 1,
      PendingModifiedValues: { BackupRetentionPeriod: 0 },
    })
    await modify({ BackupRetentionPeriod: 0, ApplyImmediately: true })
    const off = await until('shop-db', 'available')
    expect(off.BackupRetentionPeriod).toBe(0)
    expect(off.LatestRestorableTime).toBeUndefined()
    const { DBInstanceAutomatedBackups } = await rds().send(
      new DescribeDBInstanceAutomatedBackupsCommand({ DBInstanceIdentifier: 'shop-db' }),
    )
    expect(DBInstanceAutomatedBackups).toEqual([])
    await vi.waitFor(
      async () => expect(await sql(off, 'select * from pg_replication_slots')).toEqual([]),
      { timeout: 60_000 },
    )
    await modify({ BackupRetentionPeriod: 7, ApplyImmediately: true })
    await untilAutomated(1)
    await vi.waitFor(
      async () => expect((await until('shop-db', 'available')).LatestRestorableTime).toBeDefined(),
      { timeout: 60_000 },
    )
  })

  test('a stopped instance is started again after seven days: a stop is no fence', async () => {
    await rds().send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'shop-db' }))
    const stopped = await until('shop-db', 'stopped')
    expect(stopped.AutomaticRestartTime!.getTime() - now()).toBeGreaterThan(6.9 * DAY_MS)
    forwardTo(now() + 6.9 * DAY_MS)
    await settle()
    await until('shop-db', 'stopped')
    forwardTo(now() + 0.15 * DAY_MS)
    await until('shop-db', 'available')
    const { Events } = await rds().send(
      new DescribeEventsCommand({ SourceIdentifier: 'shop-db', SourceType: 'db-instance' }),
    )
    expect(Events?.map(({ Message }) => Message)).toContain(
      'DB instance is being started due to it exceeding the maximum allowed time being stopped.',
    )
  })

  /** Long enough for the scheduler to have looked at least once: that nothing happens has no condition to wait for. */
  const settle = () => new Promise((resolve) => setTimeout(resolve, 1_200))
})

const at = ({ SnapshotCreateTime }: DBSnapshot) => SnapshotCreateTime!.getTime()
