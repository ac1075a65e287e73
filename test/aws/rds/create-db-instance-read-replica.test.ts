import {
  type DBInstance,
  DeleteDBInstanceCommand,
  DescribeEventsCommand,
  ModifyDBInstanceCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../../src/postgres/free-port.ts'
import { refusal } from '../region-under-test.ts'
import { HERE, rdsOfTwoRegions, THERE } from './rds-of-two-regions.ts'
import { sql } from './rds-under-test.ts'

describe('CreateDBInstanceReadReplica', () => {
  const world = rdsOfTwoRegions()
  const { rds, describe: described } = world
  let shop: DBInstance
  let far: DBInstance

  const arrives = (replica: DBInstance, id: number) =>
    vi.waitFor(
      async () => {
        expect(await sql(replica, `select * from orders where id = ${id}`)).toHaveLength(1)
      },
      { timeout: 60_000, interval: 50 },
    )

  beforeAll(async () => {
    shop = await world.create(HERE, 'shop-db', {
      DeletionProtection: true,
      CopyTagsToSnapshot: true,
      Tags: [{ Key: 'team', Value: 'shop' }],
    })
    await sql(shop, 'create table orders as select id from generate_series(1, 1000) id')
  })

  test('answers creating, and follows from another region', async () => {
    const answered = await world.replicate(THERE, 'shop-replica', shop)
    expect(answered.DBInstanceStatus).toBe('creating')
    far = await world.until(THERE, 'shop-replica', 'available')
    await world.untilReplicating(THERE, 'shop-replica')
    expect(await sql(far, 'select count(*)::int n from orders')).toEqual([{ n: 1000 }])
    await sql(shop, 'insert into orders values (5000)')
    await arrives(far, 5000)
    await expect(sql(far, 'insert into orders values (1)')).rejects.toThrow('read-only transaction')
  })

  test('has backups off, default groups, no tags and no protection, and says whom it follows', async () => {
    expect(await described(THERE, 'shop-replica')).toMatchObject({
      BackupRetentionPeriod: 0,
      DeletionProtection: false,
      CopyTagsToSnapshot: false,
      TagList: [],
      MasterUsername: 'appadmin',
      DBName: 'appdb',
      DBInstanceClass: 'db.t3.micro',
      ReadReplicaSourceDBInstanceIdentifier: shop.DBInstanceArn,
      DBParameterGroups: [{ DBParameterGroupName: 'default.postgres18' }],
    })
    expect((await described(THERE, 'shop-replica'))?.LatestRestorableTime).toBeUndefined()
    const source = await described(HERE, 'shop-db')
    expect(source?.ReadReplicaDBInstanceIdentifiers).toEqual([far.DBInstanceArn])
    expect(source?.StatusInfos).toBeUndefined()
  })

  test('beside its source, it is named by identifier and has its parameter group', async () => {
    await world.replicate(HERE, 'shop-near', { DBInstanceArn: 'shop-db' })
    const near = await world.until(HERE, 'shop-near', 'available')
    expect(near.ReadReplicaSourceDBInstanceIdentifier).toBe('shop-db')
    await sql(shop, 'insert into orders values (5001)')
    await arrives(near, 5001)
    const { ReadReplicaDBInstanceIdentifiers: names } = (await described(HERE, 'shop-db')) ?? {}
    expect(names?.toSorted()).toEqual([far.DBInstanceArn, 'shop-near'].toSorted())
  })

  test('cannot be stopped, nor can its source; no password, no backups and no snapshot of its own', async () => {
    for (const [region, DBInstanceIdentifier] of [
      [HERE, 'shop-db'],
      [THERE, 'shop-replica'],
    ] as const) {
      const stop = rds(region).send(new StopDBInstanceCommand({ DBInstanceIdentifier }))
      expect(await refusal(stop)).toBe('InvalidDBInstanceStateFault')
      const start = rds(region).send(new StartDBInstanceCommand({ DBInstanceIdentifier }))
      expect(await refusal(start)).toBe('InvalidDBInstanceStateFault')
      expect((await described(region, DBInstanceIdentifier))?.DBInstanceStatus).toBe('available')
    }
    const modify = (region: string, DBInstanceIdentifier: string, more: object) =>
      refusal(
        rds(region).send(
          new ModifyDBInstanceCommand({ DBInstanceIdentifier, ApplyImmediately: true, ...more }),
        ),
      )
    const password = { MasterUserPassword: 'an0ther-passw0rd' }
    expect(await modify(THERE, 'shop-replica', password)).toBe('InvalidParameterCombination')
    const off = { BackupRetentionPeriod: 0 }
    expect(await modify(HERE, 'shop-db', off)).toBe('InvalidParameterCombination')
    expect((await described(HERE, 'shop-db'))?.BackupRetentionPeriod).toBe(7)
    await sql(far, 'select 1')
  })

  test('follows its source to another port, and under another name', async () => {
    await rds(HERE).send(
      new ModifyDBInstanceCommand({
        DBInstanceIdentifier: 'shop-db',
        NewDBInstanceIdentifier: 'shop-db-2',
        DBPortNumber: await freePort(),
        ApplyImmediately: true,
      }),
    )
    await world.until(HERE, 'shop-db', undefined)
    shop = await world.until(HERE, 'shop-db-2', 'available')
    await sql(shop, 'insert into orders values (5002)')
    await arrives(far, 5002)
    await world.untilSaid(THERE, 'shop-replica', (one) => {
      expect(one?.ReadReplicaSourceDBInstanceIdentifier).toBe(shop.DBInstanceArn)
    })
  })

  test('is refused where it could not be', async () => {
    const plain = await world.create(HERE, 'plain-db', { BackupRetentionPeriod: 0 })
    const absent = { DBInstanceArn: `${shop.DBInstanceArn}-absent` }
    for (const [source, more, shape] of [
      [plain, {}, 'InvalidDBInstanceStateFault'],
      [absent, {}, 'DBInstanceNotFoundFault'],
      [far, {}, 'InvalidDBInstanceStateFault'],
      [shop, { KmsKeyId: 'alias/aws/rds' }, 'InvalidParameterCombination'],
      [shop, { AllocatedStorage: 19 }, 'InvalidParameterValue'],
      [shop, { MultiAZ: true }, 'UnsupportedOperation'],
      [shop, { DBInstanceIdentifier: 'shop-replica' }, 'DBInstanceAlreadyExistsFault'],
    ] as const) {
      expect(await refusal(world.replicate(THERE, 'refused', source, more))).toBe(shape)
    }
    expect(await described(THERE, 'refused')).toBeUndefined()
    const { ReadReplicaDBInstanceIdentifiers: names } = (await described(HERE, 'shop-db-2')) ?? {}
    expect(names).toHaveLength(2)
  })

  test('when its source is deleted becomes an instance of its own there, and elsewhere says so', async () => {
    await rds(HERE).send(
      new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'shop-db-2', DeletionProtection: false }),
    )
    await sql(shop, 'insert into orders values (6000)')
    await rds(HERE).send(
      new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'shop-db-2', SkipFinalSnapshot: true }),
    )
    await world.until(HERE, 'shop-db-2', undefined)
    const near = await world.untilSaid(HERE, 'shop-near', (one) => {
      expect(one?.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined()
      expect(one).toMatchObject({ DBInstanceStatus: 'available', BackupRetentionPeriod: 1 })
    })
    await sql(near, 'insert into orders values (6001)')
    expect(await sql(near, 'select * from orders where id = 6000')).toHaveLength(1)
    await world.untilSaid(THERE, 'shop-replica', (one) => {
      expect(one?.StatusInfos).toMatchObject([{ Status: 'terminated', Normal: false }])
    })
    expect(await sql(far, 'select * from orders where id = 6000')).toHaveLength(1)
    const { Events } = await rds(THERE).send(
      new DescribeEventsCommand({ SourceIdentifier: 'shop-replica', SourceType: 'db-instance' }),
    )
    const told = Events?.map(({ Message }) => Message).join()
    expect(told).toContain('Replication for the Read Replica was terminated')
    await rds(THERE).send(
      new DeleteDBInstanceCommand({
        DBInstanceIdentifier: 'shop-replica',
        SkipFinalSnapshot: true,
      }),
    )
    await world.until(THERE, 'shop-replica', undefined)
  })
})
