import { expect, test } from 'vitest'
import { faultOf, requiredMembers } from './model.ts'
import { rdsModel } from './models/rds.ts'
import { secretsManagerModel } from './models/secrets-manager.ts'
import { stsModel } from './models/sts.ts'

/** What we rely on in the SDK's exported schemas. A new version of a client must leave this as it is. */

test('the clients export as many operations and errors as the pinned versions did', () => {
  const counts = [rdsModel, secretsManagerModel, stsModel].map((model) => [
    model.name,
    model.operationByName.size,
    model.faultByShape.size,
  ])
  expect(counts).toMatchInlineSnapshot(`
    [
      [
        "rds",
        168,
        159,
      ],
      [
        "secretsmanager",
        23,
        21,
      ],
      [
        "sts",
        11,
        21,
      ],
    ]
  `)
})

test('an operation knows its members, their wire names and which are required', () => {
  const { input, output } = rdsModel.operationByName.get('DescribeDBInstances')!
  const filters = input.getMemberSchema('Filters')
  expect(filters.isListSchema()).toBe(true)
  expect(filters.getValueSchema().getMergedTraits().xmlName).toBe('Filter')
  expect(output.getMemberSchema('DBInstances').isListSchema()).toBe(true)
  const restore = rdsModel.operationByName.get('RestoreDBInstanceToPointInTime')!.input
  expect(requiredMembers(restore)).toEqual(['TargetDBInstanceIdentifier'])
  expect(restore.getMemberSchema('RestoreTime').isTimestampSchema()).toBe(true)
  const get = secretsManagerModel.operationByName.get('GetSecretValue')!
  expect(requiredMembers(get.input)).toEqual(['SecretId'])
  expect(get.output.getMemberSchema('SecretBinary').isBlobSchema()).toBe(true)
})

test('wire codes come from the error traits, which often differ from the shape', () => {
  expect(faultOf(rdsModel, 'DBInstanceNotFoundFault')).toEqual({
    wireCode: 'DBInstanceNotFound',
    httpStatus: 404,
  })
  expect(faultOf(rdsModel, 'InvalidRestoreFault')).toEqual({
    wireCode: 'InvalidRestoreFault',
    httpStatus: 400,
  })
  expect(faultOf(secretsManagerModel, 'InternalServiceError').httpStatus).toBe(500)
  expect(() => faultOf(rdsModel, 'NoSuchFault')).toThrow('is an error of rds')
})
