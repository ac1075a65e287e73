import { DescribeDBInstancesCommand, type DescribeDBInstancesMessage } from '@aws-sdk/client-rds'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest } from './rds-under-test.ts'

describe('DescribeDBInstances', () => {
  const { rds, create, until } = rdsUnderTest()
  const ask = async (input: DescribeDBInstancesMessage) => {
    const answer = await rds().send(new DescribeDBInstancesCommand(input))
    return answer.DBInstances?.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier)
  }
  const filtered = (Name: string, ...Values: string[]) => ask({ Filters: [{ Name, Values }] })
  beforeAll(async () => {
    for (const name of ['one', 'two']) await create(name, { BackupRetentionPeriod: 0 })
    for (const name of ['one', 'two']) await until(name, 'available')
  })

  test('answers everything that terraform and boto3 read', async () => {
    const one = await until('one', 'available')
    expect(one).toMatchObject({
      Engine: 'postgres',
      EngineVersion: expect.stringMatching(/^\d+\.\d+$/),
      Endpoint: { Address: '127.0.0.1', HostedZoneId: expect.any(String) },
      DBParameterGroups: [{ ParameterApplyStatus: 'in-sync' }],
      OptionGroupMemberships: [{ Status: 'in-sync' }],
      DBSubnetGroup: { DBSubnetGroupName: 'default', SubnetGroupStatus: 'Complete' },
      VpcSecurityGroups: [{ Status: 'active' }],
      CACertificateIdentifier: 'rds-ca-rsa2048-g1',
      CertificateDetails: { CAIdentifier: 'rds-ca-rsa2048-g1' },
      MultiAZ: false,
      StorageEncrypted: false,
      StorageType: 'gp2',
      AllocatedStorage: 20,
      LicenseModel: 'postgresql-license',
      PendingModifiedValues: {},
      BackupTarget: 'region',
      NetworkType: 'IPV4',
      TagList: [],
      InstanceCreateTime: expect.any(Date),
    })
  })

  test('finds by identifier in any case, by ARN and by filters', async () => {
    const { DBInstanceArn, DbiResourceId } = await until('one', 'available')
    expect(await ask({ DBInstanceIdentifier: 'ONE' })).toEqual(['one'])
    expect(await ask({ DBInstanceIdentifier: DBInstanceArn })).toEqual(['one'])
    expect(await filtered('db-instance-id', 'one', 'absent')).toEqual(['one'])
    expect(await filtered('db-instance-id', DBInstanceArn!)).toEqual(['one'])
    expect(await filtered('dbi-resource-id', DbiResourceId!)).toEqual(['one'])
    expect(await filtered('engine', 'postgres')).toEqual(['one', 'two'])
    expect(await ask({})).toEqual(['one', 'two'])
  })

  test('answers an empty list when nothing passes a filter', async () => {
    expect(await filtered('dbi-resource-id', 'db-AAAAAAAAAAAAAAAAAAAAAAAAAA')).toEqual([])
    expect(await filtered('db-cluster-id', 'any')).toEqual([])
  })

  test('refuses an identifier that is not there, a resource id in its place, and unknown filters', async () => {
    const { DbiResourceId } = await until('one', 'available')
    for (const DBInstanceIdentifier of ['absent', DbiResourceId]) {
      expect(await refusal(ask({ DBInstanceIdentifier }))).toBe('DBInstanceNotFoundFault')
    }
    expect(await refusal(filtered('colour', 'red'))).toBe('InvalidParameterValue')
    expect(await refusal(ask({ MaxRecords: 5 }))).toBe('InvalidParameterValue')
    expect(await refusal(ask({ Marker: 'made up' }))).toBe('InvalidParameterValue')
  })
})
