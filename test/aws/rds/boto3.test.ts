import { describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'
import { rdsUnderTest } from './rds-under-test.ts'

const hasBoto3 = runs('python3', ['-c', 'import boto3'])

const PROGRAM = `
import boto3, json, sys
rds = boto3.client('rds')
rds.create_db_instance(DBInstanceIdentifier='py', DBInstanceClass='db.t3.micro', Engine='postgres', AllocatedStorage=20,
    MasterUsername='appadmin', MasterUserPassword='s3cr3t-passw0rd', BackupRetentionPeriod=7, StorageEncrypted=True)
wait = lambda name, **k: rds.get_waiter(name).wait(WaiterConfig={'Delay': 1, 'MaxAttempts': 60}, **k)
wait('db_instance_available', DBInstanceIdentifier='py')
one = rds.describe_db_instances(Filters=[{'Name': 'db-instance-id', 'Values': ['py']}])['DBInstances'][0]
rds.create_db_snapshot(DBInstanceIdentifier='py', DBSnapshotIdentifier='py-snapshot')
wait('db_snapshot_available', DBSnapshotIdentifier='py-snapshot')
window = rds.describe_db_instance_automated_backups(DbiResourceId=one['DbiResourceId'])['DBInstanceAutomatedBackups'][0]['RestoreWindow']
try:
    rds.delete_db_instance(DBInstanceIdentifier='py')
    code = None
except rds.exceptions.ClientError as error:
    code = error.response['Error']['Code']
try:
    rds.describe_db_instances(DBInstanceIdentifier='absent')
except rds.exceptions.DBInstanceNotFoundFault as error:
    absent = error.response['Error']['Code']
wait('db_instance_available', DBInstanceIdentifier='py')
rds.delete_db_instance(DBInstanceIdentifier='py', SkipFinalSnapshot=True)
wait('db_instance_deleted', DBInstanceIdentifier='py')
parameters = sum(len(page['Parameters']) for page in rds.get_paginator('describe_db_parameters').paginate(DBParameterGroupName='default.postgres18'))
print(json.dumps([one['DBInstanceStatus'], window['EarliestTime'] < window['LatestTime'], code, absent, parameters]))
`

describe.skipIf(!hasBoto3)(`boto3${hasBoto3 ? '' : ' (skipped: needs boto3)'}`, () => {
  const { region } = rdsUnderTest()

  test('creates, waits, filters, backs up, pages, reads faults and deletes', async () => {
    const output = await outputOf('python3', ['-c', PROGRAM], {
      AWS_ENDPOINT_URL: region.endpoint(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
    })
    const [status, isOrdered, code, absent, parameters] = JSON.parse(output)
    expect({ status, isOrdered, code, absent }).toEqual({
      status: 'available',
      isOrdered: true,
      code: 'InvalidParameterCombination',
      absent: 'DBInstanceNotFound',
    })
    expect(parameters).toBeGreaterThan(100)
  })
})
