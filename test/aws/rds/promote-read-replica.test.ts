import {
  type DBInstance,
  DescribeEventsCommand,
  PromoteReadReplicaCommand,
  type PromoteReadReplicaMessage,
  RestoreDBInstanceToPointInTimeCommand,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { refusal } from '../region-under-test.ts'
import { HERE, rdsOfTwoRegions, THERE } from './rds-of-two-regions.ts'
import { sql } from './rds-under-test.ts'

const hasBoto3 = runs('python3', ['-c', 'import boto3'])

describe('PromoteReadReplica', () => {
  const world = rdsOfTwoRegions()
  const { rds } = world
  let shop: DBInstance
  let far: DBInstance

  const promote = async (
    region: string,
    DBInstanceIdentifier: string,
    more: Partial<PromoteReadReplicaMessage> = {},
  ) => {
    const command = new PromoteReadReplicaCommand({ DBInstanceIdentifier, ...more })
    return (await rds(region).send(command)).DBInstance
  }
  const untilWritable = (instance: DBInstance, id: number) =>
    vi.waitFor(() => sql(instance, `insert into orders values (${id})`), {
      timeout: 60_000,
      interval: 20,
    })
  const timeline = async (instance: DBInstance) =>
    (await sql(instance, 'select timeline_id::int n from pg_control_checkpoint()'))[0]?.n
  const replicasOf = async () =>
    (await world.describe(HERE, 'shop-db'))?.ReadReplicaDBInstanceIdentifiers

  beforeAll(async () => {
    shop = await world.create(HERE, 'shop-db')
    await sql(shop, 'create table orders as select id from generate_series(1, 1000) id')
  })

  test(`of a replica that boto3 made${hasBoto3 ? '' : ' (made by SDK v3: needs boto3)'}`, async () => {
    if (!hasBoto3) await world.replicate(THERE, 'far', shop)
    else {
      const program = `
import boto3
rds = boto3.client('rds')
rds.create_db_instance_read_replica(DBInstanceIdentifier='far', SourceDBInstanceIdentifier='${shop.DBInstanceArn}',
    SourceRegion='${HERE}')
try:
    rds.promote_read_replica(DBInstanceIdentifier='far')
except rds.exceptions.InvalidDBInstanceStateFault as error:
    print(error.response['Error']['Code'])
rds.get_waiter('db_instance_available').wait(DBInstanceIdentifier='far', WaiterConfig={'Delay': 1, 'MaxAttempts': 240})
`
      const said = await outputOf('python3', ['-c', program], world.environment(THERE))
      expect(said.trim()).toBe('InvalidDBInstanceState')
    }
    far = await world.until(THERE, 'far', 'available')
    await world.untilReplicating(THERE, 'far')
    await world.replicate(HERE, 'near', { DBInstanceArn: 'shop-db' })
    expect(await refusal(promote(HERE, 'near'))).toBe('InvalidDBInstanceStateFault')
    await world.until(HERE, 'near', 'available')
    await world.untilReplicating(HERE, 'near')
  })

  test('is refused for what is no replica, and for a retention that is none', async () => {
    for (const [region, identifier, more, shape] of [
      [HERE, 'shop-db', {}, 'InvalidDBInstanceStateFault'],
      [HERE, 'absent', {}, 'DBInstanceNotFoundFault'],
      [HERE, 'near', { BackupRetentionPeriod: 36 }, 'InvalidParameterValue'],
      [HERE, 'near', { PreferredBackupWindow: '25:00-26:00' }, 'InvalidParameterValue'],
    ] as const) {
      expect(await refusal(promote(region, identifier, more))).toBe(shape)
    }
    await world.untilReplicating(HERE, 'near')
  })

  test('beside its source ends the replication, on a new timeline, and the source forgets it', async () => {
    const more = { BackupRetentionPeriod: 3, PreferredBackupWindow: '03:00-03:30' }
    const promoted = await promote(HERE, 'near', more)
    expect(promoted).toMatchObject({
      DBInstanceStatus: 'modifying',
      ReadReplicaSourceDBInstanceIdentifier: 'shop-db',
    })
    const near = await world.untilSaid(HERE, 'near', (one) => {
      expect(one?.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined()
      expect(one).toMatchObject({ DBInstanceStatus: 'available', ...more })
      expect(one?.StatusInfos).toBeUndefined()
    })
    await untilWritable(near, 2001)
    expect(await timeline(near)).toBe(2)
    await vi.waitFor(async () => expect(await replicasOf()).toEqual([far.DBInstanceArn]), 30_000)
    const slots = await sql(shop, `select * from pg_replication_slots where slot_name ~ '^rds_'`)
    expect(slots).toHaveLength(1)
    await sql(shop, 'insert into orders values (2002)')
    expect(await sql(near, 'select * from orders where id = 2002')).toEqual([])
    expect(await refusal(promote(HERE, 'near'))).toBe('InvalidDBInstanceStateFault')
  })

  test('while the region of the source is gone has all that had arrived, and keeps its endpoint', async () => {
    await sql(shop, 'insert into orders values (2003)')
    await vi.waitFor(
      async () => expect(await sql(far, 'select * from orders where id = 2003')).toHaveLength(1),
      60_000,
    )
    await world.kill(HERE)
    await promote(THERE, 'far')
    await untilWritable(far, 2004)
    const promoted = await world.untilSaid(THERE, 'far', (one) => {
      expect(one).toMatchObject({ DBInstanceStatus: 'available', BackupRetentionPeriod: 1 })
      expect(one?.LatestRestorableTime).toBeDefined()
    })
    expect(promoted.Endpoint).toEqual(far.Endpoint)
    expect(promoted.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined()
    const command = new DescribeEventsCommand({
      SourceIdentifier: 'far',
      SourceType: 'db-instance',
    })
    const { Events } = await rds(THERE).send(command)
    const told = Events?.map(({ Message }) => Message).join()
    expect(told).toContain('Promoted Read Replica instance to a stand-alone database instance')
  })

  test('has backups of its own from then on, which restore', async () => {
    const [row] = await sql(far, 'select clock_timestamp() as now from pg_sleep(0.01)')
    const time = row?.now as Date
    await sql(far, 'delete from orders')
    await world.untilSaid(THERE, 'far', (one) => {
      expect(one?.LatestRestorableTime?.getTime()).toBeGreaterThan(time.getTime())
    })
    await rds(THERE).send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: 'far',
        TargetDBInstanceIdentifier: 'restored',
        RestoreTime: time,
      }),
    )
    const restored = await world.until(THERE, 'restored', 'available')
    const found = await sql(restored, 'select id from orders where id > 1000 order by id')
    expect(found).toEqual([{ id: 2002 }, { id: 2003 }, { id: 2004 }])
    expect(await timeline(restored)).toBe(3)
  })

  test('is learnt by a source that was away', async () => {
    await world.start(HERE)
    await world.until(HERE, 'shop-db', 'available')
    await vi.waitFor(async () => expect(await replicasOf()).toEqual([]), {
      timeout: 60_000,
      interval: 100,
    })
    await vi.waitFor(
      async () =>
        expect(
          await sql(shop, `select * from pg_replication_slots where slot_name ~ '^rds_'`),
        ).toEqual([]),
      60_000,
    )
  })
})
