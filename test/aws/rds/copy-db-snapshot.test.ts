import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CopyDBSnapshotCommand,
  type CopyDBSnapshotMessage,
  CreateDBSnapshotCommand,
  type DBInstance,
  type DBSnapshot,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { refusal } from '../region-under-test.ts'
import { HERE, rdsOfTwoRegions, THERE } from './rds-of-two-regions.ts'
import { sql } from './rds-under-test.ts'

const hasCli = runs('aws', ['--version'])

describe('CopyDBSnapshot', () => {
  const world = rdsOfTwoRegions()
  const { rds } = world
  let shop: DBInstance
  let taken: DBSnapshot
  let keyArn: string

  const find = async (region: string, DBSnapshotIdentifier: string) => {
    try {
      const command = new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier })
      return (await rds(region).send(command)).DBSnapshots?.[0]
    } catch (error) {
      if ((error as Error).name === 'DBSnapshotNotFoundFault') return undefined
      throw error
    }
  }
  const untilThere = async (region: string, identifier: string): Promise<DBSnapshot> => {
    await vi.waitFor(
      async () => expect(await find(region, identifier)).toMatchObject({ Status: 'available' }),
      { timeout: 120_000, interval: 50 },
    )
    return (await find(region, identifier)) ?? {}
  }
  const copy = async (region: string, more: Partial<CopyDBSnapshotMessage> = {}) => {
    const command = new CopyDBSnapshotCommand({
      SourceDBSnapshotIdentifier: taken.DBSnapshotArn,
      TargetDBSnapshotIdentifier: 'copied',
      ...more,
    })
    return (await rds(region).send(command)).DBSnapshot
  }

  beforeAll(async () => {
    shop = await world.create(HERE, 'shop-db', {
      StorageEncrypted: true,
      BackupRetentionPeriod: 0,
    })
    await sql(
      shop,
      `create table orders as select id, gen_random_uuid() from generate_series(1, 100000) id`,
    )
    await rds(HERE).send(
      new CreateDBSnapshotCommand({
        DBInstanceIdentifier: 'shop-db',
        DBSnapshotIdentifier: 'taken',
        Tags: [{ Key: 'team', Value: 'shop' }],
      }),
    )
    taken = await untilThere(HERE, 'taken')
    keyArn = (await world.kms(THERE).createKey({})).KeyMetadata?.Arn ?? ''
  })

  test('in the same region keeps the key, and the tags when they are asked for', async () => {
    await copy(HERE, {
      SourceDBSnapshotIdentifier: 'taken',
      CopyTags: true,
      Tags: [{ Key: 'copy', Value: 'yes' }],
    })
    const copied = await untilThere(HERE, 'copied')
    expect(copied).toMatchObject({
      SnapshotType: 'manual',
      DBInstanceIdentifier: 'shop-db',
      Encrypted: true,
      KmsKeyId: taken.KmsKeyId,
      PercentProgress: 100,
      SourceDBSnapshotIdentifier: taken.DBSnapshotArn,
      OriginalSnapshotCreateTime: taken.SnapshotCreateTime,
      TagList: [
        { Key: 'team', Value: 'shop' },
        { Key: 'copy', Value: 'yes' },
      ],
    })
    expect(copied.SourceRegion).toBeUndefined()
  })

  test('to another region needs a key of that region when it is encrypted', async () => {
    const { KeyMetadata: disabled } = await world.kms(THERE).createKey({})
    await world.kms(THERE).disableKey({ KeyId: disabled?.KeyId })
    for (const [KmsKeyId, shape] of [
      [undefined, 'InvalidParameterCombination'],
      [taken.KmsKeyId, 'KMSKeyNotAccessibleFault'],
      [disabled?.Arn, 'KMSKeyNotAccessibleFault'],
      [keyArn.replace(/.{12}$/, '000000000000'), 'KMSKeyNotAccessibleFault'],
    ] as const) {
      expect(await refusal(copy(THERE, { KmsKeyId }))).toBe(shape)
    }
    expect(await find(THERE, 'copied')).toBeUndefined()
  })

  test('is refused where it could not be', async () => {
    const arn = taken.DBSnapshotArn ?? ''
    for (const [more, shape] of [
      [{ SourceDBSnapshotIdentifier: `${arn}-absent` }, 'DBSnapshotNotFoundFault'],
      [{ SourceDBSnapshotIdentifier: 'taken' }, 'DBSnapshotNotFoundFault'],
      [{ SourceDBSnapshotIdentifier: shop.DBInstanceArn }, 'InvalidParameterValue'],
      [{ TargetDBSnapshotIdentifier: '1st' }, 'InvalidParameterValue'],
      [{ OptionGroupName: 'mine' }, 'UnsupportedOperation'],
      [{ SnapshotTarget: 'local' }, 'UnsupportedOperation'],
    ] as const) {
      expect(await refusal(copy(THERE, { KmsKeyId: keyArn, ...more }))).toBe(shape)
    }
    expect((await rds(THERE).send(new DescribeDBSnapshotsCommand({}))).DBSnapshots).toEqual([])
    expect(await refusal(copy(HERE))).toBe('DBSnapshotAlreadyExistsFault')
  })

  test('goes on where it was when either region was killed, and says where it comes from', async () => {
    expect(await copy(THERE, { KmsKeyId: keyArn })).toMatchObject({ Status: 'creating' })
    await world.kill(THERE)
    await world.kill(HERE)
    await world.start(THERE)
    const waiting = await find(THERE, 'copied')
    expect(waiting?.Status).toBe('creating')
    expect(waiting?.PercentProgress).toBeLessThan(100)
    await world.start(HERE)
    const copied = await untilThere(THERE, 'copied')
    expect(copied).toMatchObject({
      SourceRegion: HERE,
      SourceDBSnapshotIdentifier: taken.DBSnapshotArn,
      OriginalSnapshotCreateTime: taken.SnapshotCreateTime,
      KmsKeyId: keyArn,
      TagList: [],
    })
  })

  test('is cancelled by deleting it', async () => {
    await copy(THERE, { TargetDBSnapshotIdentifier: 'cancelled', KmsKeyId: keyArn })
    await rds(THERE).send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: 'cancelled' }))
    expect(await find(THERE, 'cancelled')).toBeUndefined()
    const snapshots = join(world.home().folder, 'regions', THERE, 'rds', 'snapshots')
    expect(await readdir(snapshots)).toHaveLength(1)
  })

  test.skipIf(!hasCli)(
    `as the aws CLI asks for it${hasCli ? '' : ' (skipped: needs aws CLI)'}`,
    async () => {
      // In us-east-1 it does not read AWS_ENDPOINT_URL for RDS.
      const { endpoint } = world.client(THERE)
      const aws = (command: string) => {
        const words = `--endpoint-url ${endpoint} rds ${command}`.split(/\s+/)
        return outputOf('aws', words, world.environment(THERE))
      }
      await aws(
        `copy-db-snapshot --source-db-snapshot-identifier ${taken.DBSnapshotArn}
       --target-db-snapshot-identifier by-cli --kms-key-id ${keyArn} --source-region ${HERE}`,
      )
      await aws('wait db-snapshot-available --db-snapshot-identifier by-cli')
      expect(await find(THERE, 'by-cli')).toMatchObject({ SourceRegion: HERE })
    },
  )

  test('restores when the first region is gone with its disk', async () => {
    await world.lose(HERE)
    await rds(THERE).send(
      new RestoreDBInstanceFromDBSnapshotCommand({
        DBInstanceIdentifier: 'restored',
        DBSnapshotIdentifier: 'copied',
      }),
    )
    const restored = await world.until(THERE, 'restored', 'available')
    expect(restored.KmsKeyId).toBe(keyArn)
    expect(await sql(restored, 'select count(*)::int n from orders')).toEqual([{ n: 100_000 }])
    await rds(THERE).send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: 'copied' }))
    expect(await find(THERE, 'copied')).toBeUndefined()
  })
})
