import {
  CreateDBParameterGroupCommand,
  DeleteDBParameterGroupCommand,
  DescribeDBParametersCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  type Parameter,
  RebootDBInstanceCommand,
  ResetDBParameterGroupCommand,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest, sql } from './rds-under-test.ts'

describe('ModifyDBParameterGroup', () => {
  const { rds, create, until } = rdsUnderTest()
  const DBParameterGroupName = 'shop-parameters'
  const set = (ParameterName: string, ParameterValue: string, ApplyMethod = 'immediate') =>
    rds().send(
      new ModifyDBParameterGroupCommand({
        DBParameterGroupName,
        Parameters: [{ ParameterName, ParameterValue, ApplyMethod } as Parameter],
      }),
    )
  const show = async (name: string) =>
    (await sql(await until('shop-db', 'available'), `show ${name}`))[0]?.[name]
  const applyStatus = async () =>
    (await until('shop-db', 'available')).DBParameterGroups?.[0]?.ParameterApplyStatus

  beforeAll(async () => {
    await rds().send(
      new CreateDBParameterGroupCommand({
        DBParameterGroupName,
        DBParameterGroupFamily: 'postgres18',
        Description: 'for the shop',
      }),
    )
    await create('shop-db', { BackupRetentionPeriod: 0, DBParameterGroupName })
    await until('shop-db', 'available')
  })

  test('gives a dynamic parameter to the running server', async () => {
    await set('work_mem', '8192')
    await expect.poll(() => show('work_mem')).toBe('8MB')
    expect(await applyStatus()).toBe('in-sync')
  })

  test('keeps a static one until the reboot', async () => {
    await set('max_connections', '150', 'pending-reboot')
    expect(await applyStatus()).toBe('pending-reboot')
    expect(await show('max_connections')).toBe('100')
    await rds().send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'shop-db' }))
    expect(await show('max_connections')).toBe('150')
    expect(await applyStatus()).toBe('in-sync')
  })

  test('lists what was set, and only that as set by a user', async () => {
    const answer = await rds().send(
      new DescribeDBParametersCommand({ DBParameterGroupName, Source: 'user' }),
    )
    expect(answer.Parameters).toMatchObject([
      { ParameterName: 'max_connections', ParameterValue: '150', ApplyType: 'static' },
      { ParameterName: 'work_mem', ParameterValue: '8192', ApplyType: 'dynamic' },
    ])
  })

  test('a group that is changed for another waits for a reboot altogether', async () => {
    const other = 'other-parameters'
    await rds().send(
      new CreateDBParameterGroupCommand({
        DBParameterGroupName: other,
        DBParameterGroupFamily: 'postgres18',
        Description: 'others',
      }),
    )
    const change = (name: string) =>
      rds().send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: 'shop-db',
          DBParameterGroupName: name,
        }),
      )
    await change(other)
    expect(await applyStatus()).toBe('pending-reboot')
    expect(await show('work_mem')).toBe('8MB')
    await change(DBParameterGroupName)
    expect(await applyStatus()).toBe('in-sync')
  })

  test('a reset brings the default back', async () => {
    await rds().send(
      new ResetDBParameterGroupCommand({
        DBParameterGroupName,
        Parameters: [{ ParameterName: 'work_mem', ApplyMethod: 'immediate' }],
      }),
    )
    await expect.poll(() => show('work_mem')).toBe('4MB')
  })

  test.each([
    ['fsync', 'off', 'pending-reboot', 'InvalidParameterValue'],
    ['archive_command', 'rm -rf /', 'immediate', 'InvalidParameterValue'],
    ['listen_addresses', '*', 'pending-reboot', 'InvalidParameterValue'],
    ['shared_preload_libraries', 'evil', 'pending-reboot', 'InvalidParameterValue'],
    ['work_mem', 'much', 'immediate', 'InvalidParameterValue'],
    ['work_mem', '1', 'immediate', 'InvalidParameterValue'],
    ['timezone', "x'; fsync = off #", 'immediate', 'InvalidParameterValue'],
    ['max_connections', '200', 'immediate', 'InvalidParameterCombination'],
    [
      'max_connections',
      '{DBInstanceClassMemory/9531392}',
      'pending-reboot',
      'UnsupportedOperation',
    ],
    ['rds.force_ssl', '1', 'immediate', 'InvalidParameterValue'],
  ])('refuses %s = %s (%s), and sets nothing', async (name, value, method, code) => {
    expect(await refusal(set(name, value, method))).toBe(code)
    const answer = await rds().send(
      new DescribeDBParametersCommand({ DBParameterGroupName, Source: 'user' }),
    )
    expect(answer.Parameters?.map(({ ParameterName }) => ParameterName)).toEqual([
      'max_connections',
    ])
  })

  test('refuses to touch a default group, or to delete one that is used', async () => {
    const name = 'default.postgres18'
    const modify = new ModifyDBParameterGroupCommand({
      DBParameterGroupName: name,
      Parameters: [{ ParameterName: 'work_mem', ParameterValue: '8192', ApplyMethod: 'immediate' }],
    })
    expect(await refusal(rds().send(modify))).toBe('InvalidDBParameterGroupStateFault')
    for (const group of [name, DBParameterGroupName]) {
      const remove = new DeleteDBParameterGroupCommand({ DBParameterGroupName: group })
      expect(await refusal(rds().send(remove))).toBe('InvalidDBParameterGroupStateFault')
    }
  })

  test('a server that does not start with its parameters says so, and can be helped', async () => {
    await set('shared_buffers', '1073741823', 'pending-reboot')
    await rds().send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'shop-db' }))
    await until('shop-db', 'incompatible-parameters')
    await set('shared_buffers', '16384', 'pending-reboot')
    await rds().send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'shop-db' }))
    await until('shop-db', 'available')
    expect(await show('shared_buffers')).toBe('128MB')
  })
})
