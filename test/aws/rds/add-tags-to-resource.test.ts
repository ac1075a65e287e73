import {
  AddTagsToResourceCommand,
  CreateDBParameterGroupCommand,
  CreateDBSubnetGroupCommand,
  DeleteDBParameterGroupCommand,
  DeleteDBSubnetGroupCommand,
  DescribeDBParameterGroupsCommand,
  DescribeDBSubnetGroupsCommand,
  ListTagsForResourceCommand,
  RemoveTagsFromResourceCommand,
} from '@aws-sdk/client-rds'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { rdsUnderTest } from './rds-under-test.ts'

describe('groups and tags', () => {
  const { rds } = rdsUnderTest()
  const tags = async (ResourceName: string) =>
    (await rds().send(new ListTagsForResourceCommand({ ResourceName }))).TagList
  const add = (ResourceName: string, ...Tags: { Key: string; Value: string }[]) =>
    rds().send(new AddTagsToResourceCommand({ ResourceName, Tags }))
  const subnets = (name: string, ...SubnetIds: string[]) =>
    rds().send(
      new CreateDBSubnetGroupCommand({
        DBSubnetGroupName: name,
        DBSubnetGroupDescription: 'two zones',
        SubnetIds,
        Tags: [{ Key: 'a', Value: '1' }],
      }),
    )
  const group = (name: string, family = 'postgres18') =>
    rds().send(
      new CreateDBParameterGroupCommand({
        DBParameterGroupName: name,
        DBParameterGroupFamily: family,
        Description: 'mine',
      }),
    )

  test('tags are added, replaced and removed', async () => {
    const made = await subnets('mine', 'subnet-0000000a', 'subnet-0000000b')
    const arn = made.DBSubnetGroup!.DBSubnetGroupArn!
    expect(await tags(arn)).toEqual([{ Key: 'a', Value: '1' }])
    await add(arn, { Key: 'a', Value: '2' }, { Key: 'b', Value: '' })
    expect(await tags(arn)).toEqual([
      { Key: 'a', Value: '2' },
      { Key: 'b', Value: '' },
    ])
    await rds().send(new RemoveTagsFromResourceCommand({ ResourceName: arn, TagKeys: ['a'] }))
    expect(await tags(arn)).toEqual([{ Key: 'b', Value: '' }])
    expect(await refusal(add(arn, { Key: 'aws:x', Value: '1' }))).toBe('InvalidParameterValue')
    expect(await tags(arn)).toEqual([{ Key: 'b', Value: '' }])
  })

  test('an ARN of something that is not there is refused by its kind', async () => {
    const arn = (kind: string) => `arn:aws:rds:ap-southeast-1:000000000000:${kind}:absent`
    expect(await refusal(tags(arn('db')))).toBe('DBInstanceNotFoundFault')
    expect(await refusal(tags(arn('snapshot')))).toBe('DBSnapshotNotFoundFault')
    expect(await refusal(tags(arn('constructor')))).toBe('InvalidParameterValue')
    expect(await refusal(tags('arn:aws:s3:::bucket'))).toBe('InvalidParameterValue')
  })

  test('a subnet group needs two subnets and a name of its own', async () => {
    expect(await refusal(subnets('one', 'subnet-0000000a'))).toBe(
      'DBSubnetGroupDoesNotCoverEnoughAZs',
    )
    expect(await refusal(subnets('bad', 'subnet-a', 'net'))).toBe('InvalidSubnet')
    expect(await refusal(subnets('Mine', 'subnet-0000000a', 'subnet-0000000b'))).toBe(
      'DBSubnetGroupAlreadyExistsFault',
    )
    await rds().send(new DeleteDBSubnetGroupCommand({ DBSubnetGroupName: 'mine' }))
    const { DBSubnetGroups } = await rds().send(new DescribeDBSubnetGroupsCommand({}))
    expect(DBSubnetGroups?.map(({ DBSubnetGroupName }) => DBSubnetGroupName)).toEqual(['default'])
  })

  test('a parameter group is of a family that is here', async () => {
    await group('mine')
    expect(await refusal(group('Mine'))).toBe('DBParameterGroupAlreadyExistsFault')
    expect(await refusal(group('old', 'postgres9.6'))).toBe('InvalidParameterValue')
    await rds().send(new DeleteDBParameterGroupCommand({ DBParameterGroupName: 'mine' }))
    const ask = rds().send(new DescribeDBParameterGroupsCommand({ DBParameterGroupName: 'mine' }))
    expect(await refusal(ask)).toBe('DBParameterGroupNotFoundFault')
  })
})
