import { ModifyDBInstanceCommand, type ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { MASTER, rdsUnderTest, sql } from './rds-under-test.ts'

describe('ModifyDBInstance', () => {
  const { rds, create, until, describe: described } = rdsUnderTest()
  const modify = async (more: Partial<ModifyDBInstanceMessage>, DBInstanceIdentifier = 'shop-db') =>
    (await rds().send(new ModifyDBInstanceCommand({ DBInstanceIdentifier, ...more }))).DBInstance
  beforeAll(async () => {
    await create('shop-db', { BackupRetentionPeriod: 0, DeletionProtection: true })
    await until('shop-db', 'available')
  })

  test('keeps what can wait for the maintenance window', async () => {
    const answered = await modify({ DBInstanceClass: 'db.m5.large', AllocatedStorage: 40 })
    const pending = { DBInstanceClass: 'db.m5.large', AllocatedStorage: 40 }
    expect(answered?.PendingModifiedValues).toEqual(pending)
    expect(await described('shop-db')).toMatchObject({
      DBInstanceStatus: 'available',
      DBInstanceClass: 'db.t3.micro',
      AllocatedStorage: 20,
      PendingModifiedValues: pending,
    })
  })

  test('takes back what was waiting when the present value is asked for', async () => {
    const answered = await modify({ DBInstanceClass: 'db.t3.micro' })
    expect(answered?.PendingModifiedValues).toEqual({ AllocatedStorage: 40 })
  })

  test('applies everything that waits with ApplyImmediately', async () => {
    await modify({ StorageType: 'gp3', ApplyImmediately: true })
    const instance = await until('shop-db', 'available')
    expect(instance).toMatchObject({ AllocatedStorage: 40, StorageType: 'gp3' })
    expect(instance.PendingModifiedValues).toEqual({})
  })

  test('changes at once what AWS changes at once', async () => {
    const answered = await modify({ DeletionProtection: false, CopyTagsToSnapshot: true })
    expect(answered).toMatchObject({ DeletionProtection: false, CopyTagsToSnapshot: true })
    expect(answered?.PendingModifiedValues).toEqual({})
    expect(answered?.DBInstanceStatus).toBe('available')
  })

  test('changes the password of the role, and never shows it', async () => {
    const password = 'an0ther-passw0rd'
    const answered = await modify({ MasterUserPassword: password })
    expect(answered?.PendingModifiedValues?.MasterUserPassword).toBe('****')
    const instance = await until('shop-db', 'available')
    expect(instance.PendingModifiedValues).toEqual({})
    await sql(instance, 'select 1', { password })
    await expect(sql(instance, 'select 1')).rejects.toThrow(/password authentication failed/)
    await modify({ MasterUserPassword: MASTER.MasterUserPassword })
    await sql(await until('shop-db', 'available'), 'select 1')
  })

  test('gives another name, and the server stays', async () => {
    await sql(await until('shop-db', 'available'), 'create table kept (id int)')
    await modify({ NewDBInstanceIdentifier: 'Shop-Old', ApplyImmediately: true })
    const renamed = await until('shop-old', 'available')
    expect(await described('shop-db')).toBeUndefined()
    expect(renamed.DBInstanceArn).toMatch(/:db:shop-old$/)
    await sql(renamed, 'select * from kept')
    await modify({ NewDBInstanceIdentifier: 'shop-db', ApplyImmediately: true }, 'shop-old')
    await until('shop-db', 'available')
  })

  test('moves to another port with a restart', async () => {
    const { Endpoint } = await until('shop-db', 'available')
    const DBPortNumber = Endpoint!.Port! === 61_234 ? 61_235 : 61_234
    await modify({ DBPortNumber })
    const moved = await until('shop-db', 'available')
    expect(moved.Endpoint?.Port).toBe(DBPortNumber)
    await sql(moved, 'select * from kept')
  })

  test.each([
    ['36 days of retention', { BackupRetentionPeriod: 36 }, 'InvalidParameterValue'],
    ['less storage', { AllocatedStorage: 20 }, 'InvalidParameterCombination'],
    ['an unknown class', { DBInstanceClass: 'db.t3.giant' }, 'InvalidParameterValue'],
    ['a standby', { MultiAZ: true }, 'UnsupportedOperation'],
    [
      'log exports',
      { CloudwatchLogsExportConfiguration: { EnableLogTypes: ['postgresql'] } },
      'UnsupportedOperation',
    ],
    ['a short password', { MasterUserPassword: 'short' }, 'InvalidParameterValue'],
    ['its own name with --', { NewDBInstanceIdentifier: 'a--b' }, 'InvalidParameterValue'],
    [
      'a window inside the other',
      { PreferredBackupWindow: '00:00-23:59' },
      'InvalidParameterValue',
    ],
    ['an unknown parameter group', { DBParameterGroupName: 'no' }, 'DBParameterGroupNotFoundFault'],
    ['an unknown version', { EngineVersion: '99' }, 'InvalidParameterCombination'],
  ])('refuses %s, and changes nothing', async (_, more, code) => {
    const before = await described('shop-db')
    expect(await refusal(modify({ ...more, ApplyImmediately: true }))).toBe(code)
    expect(await described('shop-db')).toEqual(before)
  })

  test('refuses an instance that is not there, and one that is busy', async () => {
    expect(await refusal(modify({}, 'absent'))).toBe('DBInstanceNotFoundFault')
    await create('busy', { BackupRetentionPeriod: 0 })
    const refused = modify({ DeletionProtection: true }, 'busy')
    expect(await refusal(refused)).toBe('InvalidDBInstanceStateFault')
    await until('busy', 'available')
  })
})
