import {
  type DBInstance,
  DeleteDBInstanceAutomatedBackupCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeEventsCommand,
  ModifyDBInstanceCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  type StartDBInstanceAutomatedBackupsReplicationMessage,
  StopDBInstanceAutomatedBackupsReplicationCommand,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { RegionClient } from '../../../src/aws/region-client.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { refusal } from '../region-under-test.ts'
import { HERE, rdsOfTwoRegions, THERE } from './rds-of-two-regions.ts'
import { sql } from './rds-under-test.ts'

describe('StartDBInstanceAutomatedBackupsReplication', () => {
  const world = rdsOfTwoRegions()
  const { rds } = world
  let shop: DBInstance
  let keyArn: string

  const start = async (
    region: string,
    more: Partial<StartDBInstanceAutomatedBackupsReplicationMessage> = {},
  ) => {
    const command = new StartDBInstanceAutomatedBackupsReplicationCommand({
      SourceDBInstanceArn: shop.DBInstanceArn,
      KmsKeyId: keyArn,
      BackupRetentionPeriod: 3,
      ...more,
    })
    return (await rds(region).send(command)).DBInstanceAutomatedBackup
  }
  const stop = (source = shop) =>
    rds(THERE).send(
      new StopDBInstanceAutomatedBackupsReplicationCommand({
        SourceDBInstanceArn: source.DBInstanceArn,
      }),
    )
  const replicated = async (region = THERE) => {
    const command = new DescribeDBInstanceAutomatedBackupsCommand({
      Filters: [{ Name: 'dbi-resource-id', Values: [shop.DbiResourceId ?? ''] }],
    })
    return (await rds(region).send(command)).DBInstanceAutomatedBackups?.[0]
  }
  const until = async (check: (backup: Awaited<ReturnType<typeof replicated>>) => void) => {
    await vi.waitFor(async () => check(await replicated()), { timeout: 120_000, interval: 50 })
    return (await replicated()) ?? expect.fail('there is none')
  }
  const untilStatus = (status: string) => until((one) => expect(one?.Status).toBe(status))
  /** A moment of which the database itself tells, between what is done before and after it. */
  const moment = async (): Promise<Date> => {
    const [row] = await sql(shop, 'select clock_timestamp() as now from pg_sleep(0.01)')
    await sql(shop, 'select pg_sleep(0.01)')
    return row?.now as Date
  }
  const untilRestorable = (time: Date) =>
    until((one) => {
      expect(one?.RestoreWindow?.LatestTime?.getTime()).toBeGreaterThan(time.getTime())
    })

  beforeAll(async () => {
    shop = await world.create(HERE, 'shop-db', { StorageEncrypted: true })
    await sql(shop, 'create table orders as select id from generate_series(1, 1000) id')
    keyArn = (await world.kms(THERE).createKey({})).KeyMetadata?.Arn ?? ''
  })

  test('is refused without a key, within a region, and for what has no backups', async () => {
    const plain = await world.create(HERE, 'plain-db', { BackupRetentionPeriod: 0 })
    const unkeyed = { KmsKeyId: undefined }
    const arn = shop.DBInstanceArn
    for (const [region, more, shape] of [
      [THERE, unkeyed, 'InvalidParameterCombination'],
      [THERE, { KmsKeyId: shop.KmsKeyId }, 'KMSKeyNotAccessibleFault'],
      [THERE, { BackupRetentionPeriod: 0 }, 'InvalidParameterValue'],
      [THERE, { BackupRetentionPeriod: 36 }, 'InvalidParameterValue'],
      [THERE, { SourceDBInstanceArn: 'shop-db' }, 'InvalidParameterValue'],
      [THERE, { SourceDBInstanceArn: `${arn}-absent` }, 'DBInstanceNotFoundFault'],
      [THERE, { SourceDBInstanceArn: plain.DBInstanceArn }, 'InvalidDBInstanceStateFault'],
      [HERE, unkeyed, 'InvalidParameterValue'],
    ] as const) {
      expect(await refusal(start(region, more))).toBe(shape)
    }
    expect(await replicated()).toBeUndefined()
    expect(await refusal(stop())).toBe('DBInstanceNotFoundFault')
  })

  test('keeps the backups in the other region too, with a retention and a key of their own', async () => {
    const answered = await start(THERE, { Tags: [{ Key: 'for', Value: 'disaster' }] })
    expect(answered).toMatchObject({
      Status: 'pending',
      Region: HERE,
      DBInstanceArn: shop.DBInstanceArn,
      DBInstanceAutomatedBackupsArn: expect.stringContaining(`arn:aws:rds:${THERE}:`),
    })
    expect(await refusal(start(THERE))).toBe('InvalidDBInstanceAutomatedBackupStateFault')
    // Lifeboat may have died before it was told.
    const client = new RegionClient({ ...world.client(THERE), clock: systemClock })
    const sourceArn = shop.DBInstanceArn ?? ''
    expect(await client.databaseBackups.replicate({ sourceArn })).toMatchObject({ sourceArn })
    client.close()
    expect(await untilStatus('replicating')).toMatchObject({
      DbiResourceId: shop.DbiResourceId,
      DBInstanceIdentifier: 'shop-db',
      BackupRetentionPeriod: 3,
      Encrypted: true,
      KmsKeyId: keyArn,
      TagList: [{ Key: 'for', Value: 'disaster' }],
    })
    const replications = [
      { DBInstanceAutomatedBackupsArn: answered?.DBInstanceAutomatedBackupsArn },
    ]
    const source = await world.describe(HERE, 'shop-db')
    expect(source?.DBInstanceAutomatedBackupsReplications).toEqual(replications)
    expect(source?.BackupRetentionPeriod).toBe(7)
    expect((await replicated(HERE))?.DBInstanceAutomatedBackupsReplications).toEqual(replications)
    const { DbiResourceId } = shop
    const remove = new DeleteDBInstanceAutomatedBackupCommand({ DbiResourceId })
    expect(await refusal(rds(THERE).send(remove))).toBe(
      'InvalidDBInstanceAutomatedBackupStateFault',
    )
  })

  test('goes on after either region was killed, and under another name', async () => {
    await sql(shop, 'insert into orders values (2001)')
    await world.kill(THERE)
    await sql(shop, 'insert into orders values (2002)')
    await world.start(THERE)
    await untilRestorable(await moment())
    await world.kill(HERE)
    expect((await replicated())?.Status).toBe('replicating')
    await world.start(HERE)
    await world.until(HERE, 'shop-db', 'available')
    await rds(HERE).send(
      new ModifyDBInstanceCommand({
        DBInstanceIdentifier: 'shop-db',
        NewDBInstanceIdentifier: 'shop-db-2',
        ApplyImmediately: true,
      }),
    )
    await world.until(HERE, 'shop-db', undefined)
    shop = await world.until(HERE, 'shop-db-2', 'available')
    await sql(shop, 'insert into orders values (2003)')
    await untilRestorable(await moment())
    await until((one) => expect(one?.DBInstanceIdentifier).toBe('shop-db-2'))
  })

  test('stops when it is told to, and begins again with the same key', async () => {
    expect((await stop()).DBInstanceAutomatedBackup?.Status).toBe('retained')
    expect(await refusal(stop())).toBe('InvalidDBInstanceStateFault')
    const source = await world.describe(HERE, 'shop-db-2')
    expect(source?.DBInstanceAutomatedBackupsReplications).toEqual([])
    const before = await replicated()
    await sql(shop, 'insert into orders values (2004)')
    const other = await start(THERE, { KmsKeyId: 'alias/aws/rds' }).catch((error) => error.name)
    expect(other).toBe('InvalidDBInstanceAutomatedBackupStateFault')
    expect((await replicated())?.RestoreWindow).toEqual(before?.RestoreWindow)
    const again = await start(THERE)
    expect(again?.DBInstanceAutomatedBackupsArn).toBe(before?.DBInstanceAutomatedBackupsArn)
    await untilRestorable(await moment())
  })

  test('ends when its key cannot be used, and says why', async () => {
    await world.kms(THERE).disableKey({ KeyId: keyArn })
    await untilStatus('retained')
    const command = new DescribeEventsCommand({ SourceType: 'db-instance' })
    const { Events } = await rds(THERE).send(command)
    expect(Events?.at(-1)?.Message).toContain('KMS key')
    expect(await refusal(start(THERE))).toBe('KMSKeyNotAccessibleFault')
    await world.kms(THERE).enableKey({ KeyId: keyArn })
    await start(THERE)
    await untilRestorable(await moment())
  })

  test('restores to the exact moment when the first region is gone with its disk', async () => {
    const time = await moment()
    await sql(shop, 'delete from orders')
    await untilRestorable(await moment())
    await world.lose(HERE)
    const { DBInstanceAutomatedBackupsArn: arn } = await untilStatus('replicating')
    await rds(THERE).send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceAutomatedBackupsArn: arn,
        TargetDBInstanceIdentifier: 'restored',
        RestoreTime: time,
      }),
    )
    const restored = await world.until(THERE, 'restored', 'available')
    expect(restored).toMatchObject({ KmsKeyId: keyArn, BackupRetentionPeriod: 3 })
    expect(await sql(restored, 'select count(*)::int n from orders')).toEqual([{ n: 1004 }])
    const { DbiResourceId } = shop
    await stop()
    await rds(THERE).send(new DeleteDBInstanceAutomatedBackupCommand({ DbiResourceId }))
    expect(await replicated()).toBeUndefined()
  })
})
