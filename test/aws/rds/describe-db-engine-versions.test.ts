import {
  DescribeDBEngineVersionsCommand,
  DescribeDBLogFilesCommand,
  DescribeOrderableDBInstanceOptionsCommand,
  DescribePendingMaintenanceActionsCommand,
  DownloadDBLogFilePortionCommand,
  paginateDescribeOrderableDBInstanceOptions,
  RestoreDBInstanceToPointInTimeCommand,
} from '@aws-sdk/client-rds'
import { describe, expect, test, vi } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest, sql } from './rds-under-test.ts'

describe('DescribeDBEngineVersions and what else is there to read', () => {
  const { rds, create, until } = rdsUnderTest()

  test('offers the versions whose binaries are here, and they are what runs', async () => {
    const { DBEngineVersions } = await rds().send(
      new DescribeDBEngineVersionsCommand({ Engine: 'postgres', DefaultOnly: true }),
    )
    const [newest] = DBEngineVersions!
    expect(newest).toMatchObject({ Engine: 'postgres', DBParameterGroupFamily: 'postgres18' })
    await create('newest', { EngineVersion: '18', BackupRetentionPeriod: 0 })
    const instance = await until('newest', 'available')
    expect(instance.EngineVersion).toBe(newest?.EngineVersion)
    const [row] = await sql(instance, 'show server_version')
    expect(row?.server_version).toBe(newest?.EngineVersion)
  })

  test('runs, backs up and restores every version that it offers', async () => {
    const { DBEngineVersions = [] } = await rds().send(new DescribeDBEngineVersionsCommand({}))
    for (const { EngineVersion, MajorEngineVersion } of DBEngineVersions) {
      const name = `major-${MajorEngineVersion}`
      await create(name, { EngineVersion, BackupRetentionPeriod: 1 })
      const instance = await until(name, 'available')
      const [row] = await sql(instance, 'show server_version')
      expect(row?.server_version).toMatch(new RegExp(`^${EngineVersion}`))
      await sql(instance, 'create table t as select 1 i')
      const [{ now } = {}] = await sql(instance, 'select clock_timestamp() now')
      await vi.waitFor(
        async () => {
          const { LatestRestorableTime } = await until(name, 'available')
          expect(LatestRestorableTime!.getTime()).toBeGreaterThan((now as Date).getTime())
        },
        { timeout: 60_000, interval: 100 },
      )
      await rds().send(
        new RestoreDBInstanceToPointInTimeCommand({
          SourceDBInstanceIdentifier: name,
          TargetDBInstanceIdentifier: `${name}-restored`,
          UseLatestRestorableTime: true,
        }),
      )
      const restored = await until(`${name}-restored`, 'available')
      expect(restored.EngineVersion).toBe(EngineVersion)
      expect(await sql(restored, 'select * from t')).toEqual([{ i: 1 }])
    }
  })

  test('answers nothing for engines and versions that are not here', async () => {
    for (const input of [{ Engine: 'mysql' }, { Engine: 'postgres', EngineVersion: '9.6' }]) {
      const answer = await rds().send(new DescribeDBEngineVersionsCommand(input))
      expect(answer.DBEngineVersions).toEqual([])
    }
  })

  test('lists what can be ordered, in pages', async () => {
    let count = 0
    const pages = paginateDescribeOrderableDBInstanceOptions(
      { client: rds() },
      { Engine: 'postgres', DBInstanceClass: 'db.t3.micro' },
    )
    for await (const page of pages) count += page.OrderableDBInstanceOptions?.length ?? 0
    expect(count).toBeGreaterThanOrEqual(4)
    const aurora = new DescribeOrderableDBInstanceOptionsCommand({ Engine: 'aurora-postgresql' })
    expect(await refusal(rds().send(aurora))).toBe('UnsupportedOperation')
  })

  test('reads the log of a server, from its start and from its end', async () => {
    const instance = { DBInstanceIdentifier: 'newest' }
    await expect(sql(await until('newest', 'available'), 'select nonsense')).rejects.toThrow()
    const { DescribeDBLogFiles } = await rds().send(new DescribeDBLogFilesCommand(instance))
    const [{ LogFileName, Size } = {}] = DescribeDBLogFiles!
    expect(Size).toBeGreaterThan(0)
    const tail = await rds().send(
      new DownloadDBLogFilePortionCommand({ ...instance, LogFileName, NumberOfLines: 5 }),
    )
    expect(tail.LogFileData).toContain('column "nonsense" does not exist')
    const head = await rds().send(
      new DownloadDBLogFilePortionCommand({
        ...instance,
        LogFileName,
        Marker: '0',
        NumberOfLines: 1,
      }),
    )
    expect(head).toMatchObject({ AdditionalDataPending: true })
    expect(head.LogFileData?.split('\n')).toHaveLength(2)
    const other = new DownloadDBLogFilePortionCommand({
      ...instance,
      LogFileName: '../../../etc/passwd',
    })
    expect(await refusal(rds().send(other))).toBe('DBLogFileNotFoundFault')
  })

  test('no maintenance is ever pending', async () => {
    const answer = await rds().send(new DescribePendingMaintenanceActionsCommand({}))
    expect(answer.PendingMaintenanceActions).toEqual([])
  })
})
