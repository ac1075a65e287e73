import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { MASTER, rdsUnderTest, sql } from './rds-under-test.ts'

describe('CreateDBInstance', () => {
  const { create, describe: described, until } = rdsUnderTest()

  test('answers at once, and the server is there', async () => {
    const answered = await create('shop-db', { BackupRetentionPeriod: 0 })
    expect(answered).toMatchObject({
      DBInstanceIdentifier: 'shop-db',
      DBInstanceStatus: 'creating',
      DbiResourceId: expect.stringMatching(/^db-[A-Z0-9]{26}$/),
      DBInstanceArn: 'arn:aws:rds:ap-southeast-1:000000000000:db:shop-db',
    })
    expect(answered.Endpoint).toBeUndefined()
    const instance = await until('shop-db', 'available')
    expect(instance.Endpoint).toMatchObject({ Address: '127.0.0.1', Port: expect.any(Number) })
    const [row] = await sql(instance, 'select current_user, current_database() database')
    expect(row).toEqual({ current_user: 'appadmin', database: 'appdb' })
    await sql(instance, 'create table orders (id int primary key); insert into orders values (1)')
  })

  test('gives the master user what RDS gives it, and no more', async () => {
    const instance = await until('shop-db', 'available')
    const [role] = await sql(
      instance,
      `select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
        pg_has_role('rds_superuser', 'member') as member from pg_roles where rolname = current_user`,
    )
    expect(role).toEqual({
      rolsuper: false,
      rolcreatedb: true,
      rolcreaterole: true,
      rolreplication: false,
      rolbypassrls: false,
      member: true,
    })
    await expect(sql(instance, 'alter system set fsync = off')).rejects.toThrow(/permission denied/)
    await expect(sql(instance, "copy (select 1) to program 'id'")).rejects.toThrow(/permission/)
    await expect(sql(instance, "alter role rdsadmin password 'x'")).rejects.toThrow(/permission/)
    await sql(instance, "create role app login password 'app'")
    await sql(instance, 'create database other')
  })

  test('refuses a second one of that name', async () => {
    expect(await refusal(create('Shop-DB'))).toBe('DBInstanceAlreadyExistsFault')
  })

  test.each([
    ['an identifier with two hyphens', { DBInstanceIdentifier: 'a--b' }, 'InvalidParameterValue'],
    ['a retention of 36 days', { BackupRetentionPeriod: 36 }, 'InvalidParameterValue'],
    ['a short password', { MasterUserPassword: 'short' }, 'InvalidParameterValue'],
    ['a password with @', { MasterUserPassword: 'p@ssword1' }, 'InvalidParameterValue'],
    ['a reserved user name', { MasterUsername: 'rdsadmin' }, 'InvalidParameterValue'],
    ['a version that is not here', { EngineVersion: '9.6' }, 'InvalidParameterCombination'],
    ['another engine', { Engine: 'mysql' }, 'UnsupportedOperation'],
    ['Aurora', { Engine: 'aurora-postgresql' }, 'UnsupportedOperation'],
    ['a standby', { MultiAZ: true }, 'UnsupportedOperation'],
    ['IAM authentication', { EnableIAMDatabaseAuthentication: true }, 'UnsupportedOperation'],
    ['Performance Insights', { EnablePerformanceInsights: true }, 'UnsupportedOperation'],
    ['a managed password', { ManageMasterUserPassword: true }, 'UnsupportedOperation'],
    ['an unknown class', { DBInstanceClass: 'db.x' }, 'InvalidParameterValue'],
    ['no storage', { AllocatedStorage: 1 }, 'InvalidParameterValue'],
    ['an unknown storage type', { StorageType: 'constructor' }, 'InvalidParameterValue'],
    ['an unknown parameter group', { DBParameterGroupName: 'no' }, 'DBParameterGroupNotFoundFault'],
    ['an unknown subnet group', { DBSubnetGroupName: 'no' }, 'DBSubnetGroupNotFoundFault'],
    [
      'a key that is not there',
      { KmsKeyId: 'x', StorageEncrypted: true },
      'KMSKeyNotAccessibleFault',
    ],
    [
      'windows that overlap',
      { PreferredBackupWindow: '03:00-04:00', PreferredMaintenanceWindow: 'Mon:03:59-Mon:05:00' },
      'InvalidParameterValue',
    ],
  ])('refuses %s, and makes nothing', async (_, more, code) => {
    expect(await refusal(create('refused', { BackupRetentionPeriod: 0, ...more }))).toBe(code)
    expect(await described('refused')).toBeUndefined()
  })

  test('accepts adjacent windows', async () => {
    const made = await create('adjacent', {
      BackupRetentionPeriod: 0,
      PreferredBackupWindow: '03:00-04:00',
      PreferredMaintenanceWindow: 'Mon:04:00-Mon:05:00',
    })
    expect(made.PreferredMaintenanceWindow).toBe('mon:04:00-mon:05:00')
    await until('adjacent', 'available')
  })

  test('lists the versions that are here when it refuses one', async () => {
    const refused = create('refused', { EngineVersion: '15.7.1' })
    await expect(refused).rejects.toThrow(/Cannot find version 15.7.1 for postgres.*18\.4/)
  })

  test('never shows a password', async () => {
    const instance = await until('shop-db', 'available')
    expect(JSON.stringify(instance)).not.toContain(MASTER.MasterUserPassword)
  })
})
