import { beforeAll, describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'
import { rdsUnderTest, sql } from './rds-under-test.ts'

const hasCli = runs('aws', ['--version'])

/** The guide's own commands, letter by letter but for names and times. */
describe.skipIf(!hasCli)(`the plain aws CLI${hasCli ? '' : ' (skipped: needs aws CLI)'}`, () => {
  const { region, create, until, describe: described } = rdsUnderTest()
  const aws = async (command: string, ...more: string[]) => {
    const output = await outputOf('aws', [...command.split(/\s+/), ...more, '--output', 'json'], {
      AWS_ENDPOINT_URL: region.endpoint(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
    })
    return output === '' ? undefined : JSON.parse(output)
  }
  beforeAll(async () => {
    await create('my-app-db', { BackupRetentionPeriod: 7 })
    await sql(await until('my-app-db', 'available'), 'create table t as select 1 i')
  })

  test('creates a snapshot, which is being created when it answers', async () => {
    const answer = await aws(
      'rds create-db-snapshot --db-instance-identifier my-app-db --db-snapshot-identifier my-app-db-snapshot-20240115',
    )
    expect(answer.DBSnapshot).toMatchObject({
      DBSnapshotIdentifier: 'my-app-db-snapshot-20240115',
      DBInstanceIdentifier: 'my-app-db',
      Status: 'creating',
    })
    await aws('rds wait db-snapshot-available --db-snapshot-identifier my-app-db-snapshot-20240115')
  })

  test('restores to a point in time', async () => {
    const { LatestRestorableTime } = await until('my-app-db', 'available')
    const answer = await aws(
      `rds restore-db-instance-to-point-in-time --source-db-instance-identifier my-app-db
       --target-db-instance-identifier my-app-db-restored --restore-time ${LatestRestorableTime?.toISOString()}`,
    )
    expect(answer.DBInstance).toMatchObject({
      DBInstanceIdentifier: 'my-app-db-restored',
      DBInstanceStatus: 'creating',
    })
    const restored = await until('my-app-db-restored', 'available')
    expect(await sql(restored, 'select * from t')).toEqual([{ i: 1 }])
  })

  test('is told that a time is outside of the restore window', async () => {
    const ask = aws(
      `rds restore-db-instance-to-point-in-time --source-db-instance-identifier my-app-db
       --target-db-instance-identifier refused --restore-time 2024-01-15T10:30:00Z`,
    )
    await expect(ask).rejects.toThrow(/\(InvalidRestoreFault\).* restore window: 20/)
    expect(await described('refused')).toBeUndefined()
  })

  test('lists, tags, modifies, asks for events and deletes', async () => {
    const { DBInstances } = await aws('rds describe-db-instances --no-paginate')
    expect(DBInstances).toHaveLength(2)
    const arn = DBInstances[1].DBInstanceArn
    await aws(`rds add-tags-to-resource --resource-name ${arn} --tags Key=team,Value=shop`)
    const { TagList } = await aws(`rds list-tags-for-resource --resource-name ${arn}`)
    expect(TagList).toEqual([{ Key: 'team', Value: 'shop' }])
    await aws(
      'rds modify-db-instance --db-instance-identifier my-app-db-restored --deletion-protection',
    )
    const remove = 'rds delete-db-instance --db-instance-identifier my-app-db-restored'
    const protectedToo = aws(`${remove} --skip-final-snapshot`)
    await expect(protectedToo).rejects.toThrow('Cannot delete protected DB Instance')
    await aws(
      'rds modify-db-instance --db-instance-identifier my-app-db-restored --no-deletion-protection',
    )
    const { Events } = await aws(
      'rds describe-events --source-type db-instance --source-identifier my-app-db-restored',
    )
    expect(Events.map(({ Message }: { Message: string }) => Message).join()).toContain('Restored')
    await aws(`${remove} --final-db-snapshot-identifier my-app-db-final-snapshot`)
    await aws('rds wait db-instance-deleted --db-instance-identifier my-app-db-restored')
    const { DBSnapshots } = await aws('rds describe-db-snapshots --snapshot-type manual')
    expect(DBSnapshots).toHaveLength(2)
  })
})
