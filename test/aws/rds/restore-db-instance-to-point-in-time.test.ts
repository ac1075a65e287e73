import {
  type DBInstance,
  DeleteDBInstanceCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  ModifyDBInstanceCommand,
  RestoreDBInstanceToPointInTimeCommand,
  type RestoreDBInstanceToPointInTimeMessage,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest, sql } from './rds-under-test.ts'

describe('RestoreDBInstanceToPointInTime', () => {
  const { rds, create, until, describe: described } = rdsUnderTest()
  const restore = async (target: string, more: Partial<RestoreDBInstanceToPointInTimeMessage>) =>
    (
      await rds().send(
        new RestoreDBInstanceToPointInTimeCommand({
          TargetDBInstanceIdentifier: target,
          SourceDBInstanceIdentifier: 'shop-db',
          ...more,
        }),
      )
    ).DBInstance
  const restorableAt = async (identifier: string, time: Date) => {
    await vi.waitFor(
      async () => {
        const latest = (await described(identifier))?.LatestRestorableTime
        expect(latest?.getTime() ?? 0).toBeGreaterThanOrEqual(time.getTime())
      },
      { timeout: 60_000, interval: 50 },
    )
  }
  const serverTime = async (instance: DBInstance) =>
    (await sql(instance, 'select clock_timestamp() now'))[0]?.now as Date
  let shop: DBInstance
  let before: Date

  beforeAll(async () => {
    await create('shop-db', {
      BackupRetentionPeriod: 7,
      DeletionProtection: true,
      StorageEncrypted: true,
      CopyTagsToSnapshot: true,
      Tags: [{ Key: 'team', Value: 'shop' }],
    })
    shop = await until('shop-db', 'available')
    await sql(shop, 'create table orders (id int primary key, total int)')
    await sql(shop, 'insert into orders select n, 10 from generate_series(1, 1000) n')
    before = await serverTime(shop)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await sql(shop, 'update orders set total = 0')
    await restorableAt('shop-db', await serverTime(shop))
  })

  test('answers creating, and comes back with the data of that moment', async () => {
    const answered = await restore('restored', { RestoreTime: before })
    expect(answered?.DBInstanceStatus).toBe('creating')
    const restored = await until('restored', 'available')
    const [row] = await sql(restored, 'select count(*)::int n, sum(total)::int total from orders')
    expect(row).toEqual({ n: 1000, total: 10_000 })
    const [damaged] = await sql(shop, 'select sum(total)::int total from orders')
    expect(damaged).toEqual({ total: 0 })
  })

  test('comes back with the defaults of RDS, not with what the source had', async () => {
    const restored = await until('restored', 'available')
    expect(restored).toMatchObject({
      DeletionProtection: false,
      CopyTagsToSnapshot: false,
      TagList: [],
      BackupRetentionPeriod: 7,
      StorageEncrypted: true,
      DBInstanceClass: 'db.t3.micro',
      MasterUsername: 'appadmin',
      DBName: 'appdb',
    })
    expect(restored.DBParameterGroups?.[0]?.DBParameterGroupName).toBe('default.postgres18')
    expect(restored.VpcSecurityGroups).toEqual([
      { VpcSecurityGroupId: 'sg-00000000000000001', Status: 'active' },
    ])
    expect(restored.DbiResourceId).not.toBe(shop.DbiResourceId)
    expect(restored.Endpoint?.Port).not.toBe(shop.Endpoint?.Port)
  })

  test('is protected itself: restored, written to, restored again, and again', async () => {
    let source = await until('restored', 'available')
    for (const generation of [2, 3]) {
      await sql(source, `insert into orders values (${generation * 10_000}, 1)`)
      await restorableAt(source.DBInstanceIdentifier!, await serverTime(source))
      const name = `generation-${generation}`
      await restore(name, {
        SourceDBInstanceIdentifier: source.DBInstanceIdentifier,
        UseLatestRestorableTime: true,
      })
      source = await until(name, 'available')
      const [row] = await sql(source, 'select count(*)::int n from orders')
      expect(row).toEqual({ n: 1000 + generation - 1 })
    }
  })

  test('has the password of that moment', async () => {
    await restorableAt('shop-db', await serverTime(shop))
    const moment = await serverTime(shop)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await rds().send(
      new ModifyDBInstanceCommand({
        DBInstanceIdentifier: 'shop-db',
        MasterUserPassword: 'r0tated-passw0rd',
      }),
    )
    shop = await until('shop-db', 'available')
    await sql(shop, 'select 1', { password: 'r0tated-passw0rd' })
    await restorableAt('shop-db', moment)
    await restore('old-password', { RestoreTime: moment })
    const restored = await until('old-password', 'available')
    await sql(restored, 'select 1')
    await expect(sql(restored, 'select 1', { password: 'r0tated-passw0rd' })).rejects.toThrow(
      /password authentication failed/,
    )
  })

  test('refuses neither and both of the two ways to say when', async () => {
    const both = { RestoreTime: before, UseLatestRestorableTime: true }
    expect(await refusal(restore('refused', {}))).toBe('InvalidParameterCombination')
    expect(await refusal(restore('refused', both))).toBe('InvalidParameterCombination')
    expect(await described('refused')).toBeUndefined()
  })

  test.each([
    ['before the first backup', '2024-01-15T10:30:00Z'],
    ['in the future', '2099-01-15T10:30:00Z'],
  ])('refuses a time %s, and names the window', async (_, time) => {
    const refused = restore('refused', { RestoreTime: new Date(time) })
    await expect(refused).rejects.toMatchObject({
      name: 'InvalidRestoreFault',
      message: expect.stringMatching(/not within its restore window: \S+Z to \S+Z\./),
    })
    expect(await described('refused')).toBeUndefined()
  })

  test('refuses a taken name and a source that is not there', async () => {
    expect(await refusal(restore('shop-db', { RestoreTime: before }))).toBe(
      'DBInstanceAlreadyExistsFault',
    )
    const absent = { SourceDBInstanceIdentifier: 'absent', RestoreTime: before }
    expect(await refusal(restore('refused', absent))).toBe('DBInstanceNotFoundFault')
  })

  test('refuses an instance without automated backups', async () => {
    await create('unprotected', { BackupRetentionPeriod: 0 })
    const unprotected = await until('unprotected', 'available')
    expect(unprotected.LatestRestorableTime).toBeUndefined()
    const refused = restore('refused', {
      SourceDBInstanceIdentifier: 'unprotected',
      UseLatestRestorableTime: true,
    })
    expect(await refusal(refused)).toBe('PointInTimeRestoreNotEnabledFault')
  })

  test('restores an instance that is gone from backups that were retained', async () => {
    const { DbiResourceId } = await until('generation-3', 'available')
    await rds().send(
      new DeleteDBInstanceCommand({
        DBInstanceIdentifier: 'generation-3',
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: false,
      }),
    )
    await until('generation-3', undefined)
    const { DBInstanceAutomatedBackups: kept } = await rds().send(
      new DescribeDBInstanceAutomatedBackupsCommand({ DbiResourceId }),
    )
    expect(kept).toMatchObject([{ Status: 'retained', DBInstanceIdentifier: 'generation-3' }])
    const gone = {
      SourceDBInstanceIdentifier: 'generation-3',
      UseLatestRestorableTime: true,
    }
    expect(await refusal(restore('refused', gone))).toBe('DBInstanceNotFoundFault')
    await restore('risen', {
      SourceDBInstanceIdentifier: undefined,
      SourceDbiResourceId: DbiResourceId,
      UseLatestRestorableTime: true,
    })
    const [row] = await sql(await until('risen', 'available'), 'select count(*)::int n from orders')
    expect(row).toEqual({ n: 1002 })
  })
})
