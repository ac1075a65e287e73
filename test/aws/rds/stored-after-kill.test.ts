import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  type DBInstance,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  RDSClient,
  RestoreDBInstanceToPointInTimeCommand,
} from '@aws-sdk/client-rds'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { HomeChild } from '../../../src/region/home-child.ts'
import { regionProgram } from '../../../src/region/home-programs.ts'
import { quietBackupWindow } from '../../harness/quiet-backup-window.ts'
import { MASTER, sql } from './rds-under-test.ts'

const ROUNDS = Number(process.env.LIFEBOAT_KILLS ?? 6)
const REGION = 'ap-southeast-1'

/** Writes as fast as it can and remembers what was acknowledged, until its connection is lost. */
class Writer {
  acknowledged = 0
  async run(instance: DBInstance, from: number): Promise<void> {
    this.acknowledged = from
    const client = new pg.Client({
      host: instance.Endpoint?.Address ?? '',
      port: instance.Endpoint?.Port ?? 0,
      user: MASTER.MasterUsername,
      password: MASTER.MasterUserPassword,
      database: 'appdb',
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      for (let next = from + 1; ; next++) {
        await client.query('insert into ledger values ($1)', [next])
        this.acknowledged = next
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error
    }
  }
}

describe('a region killed with kill -9', () => {
  let home: string
  let region: HomeChild
  let rds: RDSClient
  const start = async () => {
    region = await HomeChild.start(regionProgram(home, REGION))
    const { accessKeyId, secretAccessKey } = JSON.parse(
      await readFile(join(home, 'credentials.json'), 'utf8'),
    )
    rds = new RDSClient({
      region: REGION,
      endpoint: `http://127.0.0.1:${region.port}`,
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 1,
    })
  }
  const kill = () => process.kill(-region.identity.pid, 'SIGKILL')
  const list = async () => (await rds.send(new DescribeDBInstancesCommand({}))).DBInstances ?? []
  const until = async (identifier: string, wanted: string) => {
    let found: DBInstance | undefined
    await vi.waitFor(
      async () => {
        found = (await list()).find((one) => one.DBInstanceIdentifier === identifier)
        expect(found?.DBInstanceStatus).toBe(wanted)
      },
      { timeout: 60_000, interval: 50 },
    )
    return found!
  }

  /** What was under way when it was killed is finished first: then the instance can be asked for more. */
  const rested = () =>
    vi.waitFor(
      async () => {
        const { DBSnapshots = [] } = await rds.send(new DescribeDBSnapshotsCommand({}))
        expect(DBSnapshots.filter(({ Status }) => Status !== 'available')).toEqual([])
        expect((await until('shop-db', 'available')).DBInstanceStatus).toBe('available')
      },
      { timeout: 60_000, interval: 50 },
    )

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-killed-'))
    await chmod(home, 0o711)
    await start()
  })
  afterAll(async () => {
    await region.stop()
    console.log(await readFile(join(home, 'regions', REGION, 'region.log'), 'utf8'))
    await rm(home, { recursive: true, force: true })
  })

  test(`comes back with every acknowledged row and nothing half-made, ${ROUNDS} times`, async () => {
    const common = {
      DBInstanceClass: 'db.t3.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
      ...MASTER,
    }
    await rds.send(
      new CreateDBInstanceCommand({
        ...common,
        DBInstanceIdentifier: 'shop-db',
        DBName: 'appdb',
        BackupRetentionPeriod: 7,
        PreferredBackupWindow: quietBackupWindow(),
      }),
    )
    let shop = await until('shop-db', 'available')
    await sql(shop, 'create table ledger (n int primary key)')
    const { Port } = shop.Endpoint!
    let acknowledged = 0

    for (let round = 1; round <= ROUNDS; round++) {
      await rested()
      const writer = new Writer()
      const writing = writer.run(shop, acknowledged)
      // By turns in the middle of a snapshot, of a restore, of a creation, or of nothing.
      if (round % 4 === 1)
        await rds.send(
          new CreateDBSnapshotCommand({
            DBInstanceIdentifier: 'shop-db',
            DBSnapshotIdentifier: `s-${round}`,
          }),
        )
      if (round % 4 === 2)
        await rds.send(
          new RestoreDBInstanceToPointInTimeCommand({
            SourceDBInstanceIdentifier: 'shop-db',
            TargetDBInstanceIdentifier: `r-${round}`,
            UseLatestRestorableTime: true,
          }),
        )
      if (round % 4 === 3)
        await rds.send(
          new CreateDBInstanceCommand({
            ...common,
            DBInstanceIdentifier: `c-${round}`,
            BackupRetentionPeriod: 1,
          }),
        )
      await new Promise((resolve) => setTimeout(resolve, 50 + ((round * 197) % 900)))
      kill()
      await writing
      acknowledged = writer.acknowledged
      await start()
      shop = await until('shop-db', 'available')
      expect(shop.Endpoint?.Port).toBe(Port)
      const [row] = await sql(shop, 'select count(*)::int n, max(n) newest from ledger')
      expect(row!.newest).toBeGreaterThanOrEqual(acknowledged)
      expect(row!.n).toBe(row!.newest)
      acknowledged = row!.newest as number
    }

    await vi.waitFor(
      async () => {
        const statuses = (await list()).map((one) => [
          one.DBInstanceIdentifier,
          one.DBInstanceStatus,
        ])
        expect(statuses.filter(([, status]) => status !== 'available')).toEqual([])
        const { DBSnapshots = [] } = await rds.send(new DescribeDBSnapshotsCommand({}))
        expect(DBSnapshots.filter(({ Status }) => Status !== 'available')).toEqual([])
        for (const one of await list()) expect(one.LatestRestorableTime).toBeDefined()
      },
      { timeout: 60_000, interval: 200 },
    )
    const folders = await readdir(join(home, 'regions', REGION, 'rds', 'instances'))
    const instances = await list()
    expect(folders.sort()).toEqual(instances.map(({ DbiResourceId }) => DbiResourceId).sort())

    const [restored] = instances.filter(({ DBInstanceIdentifier }) =>
      DBInstanceIdentifier?.startsWith('r-'),
    )
    if (restored) await sql(restored, 'select count(*) from ledger')
    await until('shop-db', 'available')
    await rds.send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: 'shop-db',
        TargetDBInstanceIdentifier: 'after-all',
        UseLatestRestorableTime: true,
      }),
    )
    const [row] = await sql(
      await until('after-all', 'available'),
      'select count(*)::int n from ledger',
    )
    expect(row).toEqual({ n: acknowledged })
  }, 600_000)
})
