import { RDS } from '@aws-sdk/client-rds'
import { describe, expect, test } from 'vitest'
import { MASTER } from '../rds/rds-under-test.ts'
import { REGION, refusal } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, policyOf, trustOf } from './iam-under-test.ts'

const dbArn = (name: string) => `arn:aws:rds:${REGION}:${ACCOUNT}:db:${name}`

describe('the RDS of a region', () => {
  const region = iamUnderTest({ withDatabases: true })
  const root = () => new RDS(region.client())
  const make = (rds: RDS, DBInstanceIdentifier: string, more = {}) =>
    rds.createDBInstance({
      DBInstanceIdentifier,
      DBInstanceClass: 'db.t3.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
      BackupRetentionPeriod: 0,
      ...MASTER,
      ...more,
    })
  const names = async () =>
    ((await root().describeDBInstances({})).DBInstances ?? []).map(
      ({ DBInstanceIdentifier }) => DBInstanceIdentifier,
    )

  test('lets a user make what the policy names, and nothing else comes to be', async () => {
    const policy = policyOf({
      Action: ['rds:CreateDBInstance', 'rds:DescribeDBInstances'],
      Resource: dbArn('mine-*'),
    })
    const rds = new RDS(region.as(await region.userWith('maker', policy)))
    const { DBInstance } = await make(rds, 'mine-1')
    expect(DBInstance?.DBInstanceStatus).toBe('creating')

    await expect(make(rds, 'other')).rejects.toMatchObject({
      name: 'AccessDenied',
      message:
        `User: arn:aws:iam::${ACCOUNT}:user/maker is not authorized to perform: ` +
        `rds:CreateDBInstance on resource: ${dbArn('other')} because no identity-based policy ` +
        'allows the rds:CreateDBInstance action',
      $metadata: { httpStatusCode: 403 },
    })
    const withGroup = make(rds, 'mine-2', { DBParameterGroupName: 'default.postgres18' })
    expect(await refusal(withGroup)).toBe('AccessDenied')
    const withTags = make(rds, 'mine-3', { Tags: [{ Key: 'a', Value: '1' }] })
    await expect(withTags).rejects.toThrow('not authorized to perform: rds:AddTagsToResource')
    expect(await refusal(rds.describeDBInstances({}))).toBe('AccessDenied')
    const drop = { DBInstanceIdentifier: 'mine-1', SkipFinalSnapshot: true }
    expect(await refusal(rds.deleteDBInstance(drop))).toBe('AccessDenied')
    expect(await refusal(rds.rebootDBInstance(drop))).toBe('AccessDenied')
    expect(await names()).toEqual(['mine-1'])
    const [only] = (await root().describeDBInstances({})).DBInstances ?? []
    expect(only?.DBInstanceStatus).not.toBe('deleting')
  })

  test('finds no way around a deny by another spelling of the name', async () => {
    await make(root(), 'guarded', { DeletionProtection: false })
    const policy = policyOf(
      { Action: 'rds:*' },
      { Effect: 'Deny', Action: 'rds:*', Resource: dbArn('guarded') },
    )
    const rds = new RDS(region.as(await region.userWith('sly', policy)))
    const names = ['guarded', 'GUARDED', dbArn('guarded'), dbArn('Guarded')]
    for (const DBInstanceIdentifier of names) {
      const drop = { DBInstanceIdentifier, SkipFinalSnapshot: true }
      expect(await refusal(rds.deleteDBInstance(drop))).toBe('AccessDenied')
      const show = rds.describeDBInstances({ DBInstanceIdentifier })
      expect(await refusal(show)).toBe('AccessDenied')
    }
    const tag = { ResourceName: dbArn('GUARDED'), Tags: [{ Key: 'a', Value: '1' }] }
    expect(await refusal(rds.addTagsToResource(tag))).toBe('AccessDenied')
    const [held] =
      (await root().describeDBInstances({ DBInstanceIdentifier: 'guarded' })).DBInstances ?? []
    expect(held?.DBInstanceStatus).not.toBe('deleting')
    expect(held?.TagList).toEqual([])
  })

  test('decides about sessions of a role by the tags of instances', async () => {
    const keys = await region.userWith('operator')
    const policy = policyOf({
      Action: ['rds:DescribeDBInstances'],
      Condition: { StringEquals: { 'aws:ResourceTag/stage': 'test' } },
    })
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/operator`)
    const role = await region.roleWith('tagged', trust, policy)
    const rds = new RDS(region.as(await region.assume(keys, role)))
    await make(root(), 'tagged', { Tags: [{ Key: 'stage', Value: 'test' }] })
    const shown = await rds.describeDBInstances({ DBInstanceIdentifier: 'tagged' })
    expect(shown.DBInstances).toHaveLength(1)
    const other = rds.describeDBInstances({ DBInstanceIdentifier: 'mine-1' })
    expect(await refusal(other)).toBe('AccessDenied')
  })
})
