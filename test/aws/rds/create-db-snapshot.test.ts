import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  ListTagsForResourceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds'
import { describe, expect, test, vi } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest, sql } from './rds-under-test.ts'

describe('CreateDBSnapshot', () => {
  const { region, rds, create, until } = rdsUnderTest()
  const take = async (instance: string, snapshot: string) =>
    (
      await rds().send(
        new CreateDBSnapshotCommand({
          DBInstanceIdentifier: instance,
          DBSnapshotIdentifier: snapshot,
          Tags: [{ Key: 'why', Value: 'before the deploy' }],
        }),
      )
    ).DBSnapshot
  const find = async (DBSnapshotIdentifier: string) =>
    (await rds().send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier }))).DBSnapshots?.[0]
  const untilTaken = (identifier: string) =>
    vi.waitFor(async () => expect((await find(identifier))?.Status).toBe('available'), 30_000)
  const restore = (target: string, DBSnapshotIdentifier: string) =>
    rds().send(
      new RestoreDBInstanceFromDBSnapshotCommand({
        DBInstanceIdentifier: target,
        DBSnapshotIdentifier,
      }),
    )

  test.each([
    ['with automated backups', 'kept', 7],
    ['without automated backups', 'bare', 0],
  ])(
    'of an instance %s holds what was there, also when the instance is gone',
    async (_, name, days) => {
      await create(name, {
        BackupRetentionPeriod: days,
        CopyTagsToSnapshot: true,
        StorageEncrypted: true,
        Tags: [{ Key: 'team', Value: 'shop' }],
      })
      const instance = await until(name, 'available')
      await sql(instance, 'create table t as select generate_series(1, 1000) i')
      const answered = await take(name, `${name}-snapshot`)
      expect(answered).toMatchObject({
        Status: 'creating',
        SnapshotType: 'manual',
        Encrypted: true,
      })
      expect(await refusal(take(name, `${name}-second`))).toBe('InvalidDBInstanceStateFault')
      await sql(instance, 'select 1')
      await untilTaken(`${name}-snapshot`)
      await until(name, 'available')
      await sql(instance, 'drop table t')

      const { TagList } = await rds().send(
        new ListTagsForResourceCommand({ ResourceName: answered?.DBSnapshotArn }),
      )
      expect(TagList).toEqual([
        { Key: 'team', Value: 'shop' },
        { Key: 'why', Value: 'before the deploy' },
      ])
      await rds().send(
        new DeleteDBInstanceCommand({ DBInstanceIdentifier: name, SkipFinalSnapshot: true }),
      )
      await until(name, undefined)
      await restore(`${name}-back`, `${name}-snapshot`)
      const back = await until(`${name}-back`, 'available')
      expect(back).toMatchObject({ TagList: [], DeletionProtection: false })
      expect(await sql(back, 'select count(*)::int n from t')).toEqual([{ n: 1000 }])
    },
  )

  test('leaves no slot that would keep WAL for ever where there are no automated backups', async () => {
    const slots = await sql(
      await until('bare-back', 'available'),
      'select * from pg_replication_slots',
    )
    expect(slots).toEqual([])
    await take('bare-back', 'bare-second')
    await untilTaken('bare-second')
    const instance = await until('bare-back', 'available')
    expect(await sql(instance, 'select * from pg_replication_slots')).toEqual([])
  })

  test('is encrypted on disk when the instance is said to be', async () => {
    const instance = await until('kept-back', 'available')
    await sql(
      instance,
      `create table secrets as select 'plain-as-daylight-' || i t from generate_series(1, 5000) i`,
    )
    await take('kept-back', 'sealed')
    await untilTaken('sealed')
    const folders = ['snapshots', 'backups'].map((kind) => join(region.folder(), 'rds', kind))
    for (const folder of folders) {
      const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) =>
        one.isFile(),
      )
      expect(files.length).toBeGreaterThan(0)
      for (const file of files) {
        const bytes = readFileSync(join(file.parentPath, file.name))
        expect(bytes.includes('plain-as-daylight')).toBe(false)
      }
    }
  })

  test('refuses a name twice, and an instance that is not there', async () => {
    expect(await refusal(take('kept-back', 'Sealed'))).toBe('DBSnapshotAlreadyExistsFault')
    expect(await refusal(take('absent', 'other'))).toBe('DBInstanceNotFoundFault')
    expect(await refusal(find('other'))).toBe('DBSnapshotNotFoundFault')
  })

  test('the final snapshot of a deletion is restorable; the same name again is refused', async () => {
    const remove = (name: string) =>
      rds().send(
        new DeleteDBInstanceCommand({
          DBInstanceIdentifier: name,
          FinalDBSnapshotIdentifier: 'my-app-db-final-snapshot',
        }),
      )
    await sql(await until('kept-back', 'available'), 'create table last as select 42 answer')
    await remove('kept-back')
    await until('kept-back', undefined)
    expect(await find('my-app-db-final-snapshot')).toMatchObject({ Status: 'available' })
    await restore('again', 'my-app-db-final-snapshot')
    const again = await until('again', 'available')
    expect(await sql(again, 'select * from last')).toEqual([{ answer: 42 }])
    expect(await refusal(remove('again'))).toBe('DBSnapshotAlreadyExistsFault')
    await until('again', 'available')
  })

  test('DeleteDBSnapshot removes a manual one and its data', async () => {
    const folder = join(region.folder(), 'rds', 'snapshots')
    const count = readdirSync(folder).length
    await rds().send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: 'sealed' }))
    expect(await refusal(find('sealed'))).toBe('DBSnapshotNotFoundFault')
    expect(readdirSync(folder)).toHaveLength(count - 1)
    expect(await refusal(restore('refused', 'sealed'))).toBe('DBSnapshotNotFoundFault')
  })
})
