import { QueryShapeSerializer, XmlShapeDeserializer } from '@aws-sdk/core/protocols'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from './fault.ts'
import { parseForm } from './form.ts'
import { rdsModel } from './models/rds.ts'
import { readQueryInput, writeQueryOutput } from './query-codec.ts'

function read(operation: string, form: string) {
  return readQueryInput(rdsModel.operationByName.get(operation)!.input, parseForm(form))
}

function refusal(operation: string, form: string): string {
  try {
    return JSON.stringify(read(operation, form))
  } catch (error) {
    if (error instanceof Fault) return error.wireCode
    throw error
  }
}

describe('requests are read as clients send them', () => {
  test('Terraform creating an instance', () => {
    const form =
      'AllocatedStorage=20&AutoMinorVersionUpgrade=true&BackupRetentionPeriod=7&DBInstanceClass=db.t3.micro' +
      '&DBInstanceIdentifier=my-app-db&Engine=postgres&MasterUserPassword=s3cr3t%2Bpass%20word' +
      '&PreferredBackupWindow=03%3A00-04%3A00&StorageEncrypted=true&Tags.Tag.1.Key=a&Tags.Tag.1.Value=1'
    expect(read('CreateDBInstance', form)).toEqual({
      AllocatedStorage: 20,
      AutoMinorVersionUpgrade: true,
      BackupRetentionPeriod: 7,
      DBInstanceClass: 'db.t3.micro',
      DBInstanceIdentifier: 'my-app-db',
      Engine: 'postgres',
      MasterUserPassword: 's3cr3t+pass word',
      PreferredBackupWindow: '03:00-04:00',
      StorageEncrypted: true,
      Tags: [{ Key: 'a', Value: '1' }],
    })
  })

  test.each([
    ["by the model's names", 'Filters.Filter.1.Name=n&Filters.Filter.1.Values.Value.1=v'],
    ['as members', 'Filters.member.1.Name=n&Filters.member.1.Values.member.1=v'],
    ['flattened', 'Filters.1.Name=n&Filters.1.Values.1=v'],
  ])('lists %s', (_, form) => {
    expect(read('DescribeDBInstances', form)).toEqual({ Filters: [{ Name: 'n', Values: ['v'] }] })
  })

  test('empty lists, numbers out of order, times', () => {
    expect(read('CreateDBInstance', `${CREATE}&Tags=`)).toMatchObject({ Tags: [] })
    const prefix = 'Filters.Filter.1'
    const filter = `${prefix}.Name=n&${prefix}.Values.Value.10=j&${prefix}.Values.Value.2=b`
    expect(read('DescribeDBInstances', filter)).toMatchObject({ Filters: [{ Values: ['b', 'j'] }] })
    const restore = 'TargetDBInstanceIdentifier=t&RestoreTime=2024-01-15T10%3A30%3A00Z'
    expect(read('RestoreDBInstanceToPointInTime', restore)).toEqual({
      TargetDBInstanceIdentifier: 't',
      RestoreTime: new Date('2024-01-15T10:30:00Z'),
    })
  })
})

const CREATE = 'DBInstanceIdentifier=i&DBInstanceClass=c&Engine=postgres'

describe('what cannot be meant is refused', () => {
  test.each([
    ['a missing parameter', 'DBInstanceIdentifier=i', 'MissingParameter'],
    ['an unknown parameter', `${CREATE}&NoSuch=1`, 'InvalidQueryParameter'],
    ['a number that is none', `${CREATE}&AllocatedStorage=0x20`, 'InvalidParameterValue'],
    ['a boolean that is none', `${CREATE}&MultiAZ=yes`, 'InvalidParameterValue'],
    ['a list index of 0', `${CREATE}&Tags.Tag.0.Key=a`, 'InvalidParameterValue'],
    ['a list index of 1001', `${CREATE}&Tags.Tag.1001.Key=a`, 'InvalidParameterValue'],
    ['a list index with a sign', `${CREATE}&Tags.Tag.-1.Key=a`, 'InvalidParameterValue'],
    ['a value where members are', `${CREATE}&Tags=x`, 'InvalidParameterValue'],
    ['both forms of one list', `${CREATE}&Tags.Tag.1.Key=a&Tags.1.Key=b`, 'InvalidParameterValue'],
    ['members where a value is', `${CREATE}&Engine.x=1`, 'InvalidParameterValue'],
    ['a prototype', `${CREATE}&__proto__.polluted=1`, 'InvalidQueryParameter'],
    ['a constructor', `${CREATE}&constructor.prototype.polluted=1`, 'InvalidQueryParameter'],
    ['a name twice', `${CREATE}&Engine=mysql`, 'MalformedQueryString'],
    ['bad percent-encoding', `${CREATE}&DBName=%zz`, 'MalformedQueryString'],
    ['bytes that are not UTF-8', `${CREATE}&DBName=%ff%fe`, 'MalformedQueryString'],
    ['a control character', `${CREATE}&DBName=%00`, 'InvalidParameterValue'],
    ['an empty name', `${CREATE}&=1`, 'MalformedQueryString'],
    ['an empty part of a name', `${CREATE}&Tags..1=1`, 'MalformedQueryString'],
    ['a deep name', `${CREATE}&${'a.'.repeat(40)}a=1`, 'MalformedQueryString'],
  ])('%s', (_, form, code) => {
    expect(refusal('CreateDBInstance', form)).toMatch(code)
  })

  test('more than a thousand parameters', () => {
    const many = Array.from({ length: 1001 }, (_, n) => `p${n}=1`).join('&')
    expect(refusal('CreateDBInstance', many)).toBe('MalformedQueryString')
  })

  test('a time without a zone', () => {
    const restore = 'TargetDBInstanceIdentifier=t&RestoreTime=2024-01-15T10%3A30%3A00'
    expect(refusal('RestoreDBInstanceToPointInTime', restore)).toBe('InvalidParameterValue')
  })
})

const settings = {
  timestampFormat: { useTrait: true, default: 5 },
  httpBindings: false,
  xmlNamespace: rdsModel.xmlNamespace!,
  serviceNamespace: 'com.amazonaws.rds',
  serializeEmptyLists: true,
} as const

const text = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((value) => !/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(value))
const time = fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })

/** The SDK's XML parser drops text that is nothing but line breaks and blanks. */
const visible = text.filter((one) => one.trim() !== '')

describe('the SDK and we understand each other', () => {
  test('what its serializer writes is read back', () => {
    const { input } = rdsModel.operationByName.get('RestoreDBInstanceToPointInTime')!
    const arbitrary = fc.record(
      {
        TargetDBInstanceIdentifier: text,
        RestoreTime: time,
        UseLatestRestorableTime: fc.boolean(),
        Port: fc.integer(),
        Tags: fc.array(fc.record({ Key: text, Value: text })),
        VpcSecurityGroupIds: fc.array(text),
        EnableCloudwatchLogsExports: fc.array(text),
      },
      { requiredKeys: ['TargetDBInstanceIdentifier'] },
    )
    fc.assert(
      fc.property(arbitrary, (value) => {
        const serializer = new QueryShapeSerializer(settings)
        serializer.write(input, value)
        expect(readQueryInput(input, parseForm(String(serializer.flush()).slice(1)))).toEqual(value)
      }),
    )
  })

  test('what we write its deserializer reads back', async () => {
    const { output } = rdsModel.operationByName.get('DescribeDBInstances')!
    const instance = fc.record({
      DBInstanceIdentifier: visible,
      AllocatedStorage: fc.integer(),
      MultiAZ: fc.boolean(),
      InstanceCreateTime: time,
      Endpoint: fc.record({ Address: visible, Port: fc.integer() }),
      ReadReplicaDBInstanceIdentifiers: fc.array(visible),
      TagList: fc.array(fc.record({ Key: visible, Value: visible })),
    })
    const arbitrary = fc.record({
      Marker: visible,
      DBInstances: fc.array(instance, { maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(arbitrary, async (value) => {
        const xml = writeQueryOutput('DescribeDBInstances', output, value, {
          xmlNamespace: settings.xmlNamespace,
          requestId: 'id',
        })
        const deserializer = new XmlShapeDeserializer(settings)
        const read = await deserializer.read(output, xml, 'DescribeDBInstancesResult')
        expect(read).toEqual(value)
      }),
    )
  })
})

test('an answer names its operation, result and request', () => {
  const { output } = rdsModel.operationByName.get('DescribeDBInstances')!
  const xml = writeQueryOutput(
    'DescribeDBInstances',
    output,
    { DBInstances: [{ DBInstanceIdentifier: '<&>"', VpcSecurityGroups: [] }] },
    { xmlNamespace: 'http://rds.amazonaws.com/doc/2014-10-31/', requestId: 'r' },
  )
  expect(xml).toBe(
    '<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">' +
      '<DescribeDBInstancesResult><DBInstances><DBInstance>' +
      '<DBInstanceIdentifier>&lt;&amp;&gt;&quot;</DBInstanceIdentifier>' +
      '<VpcSecurityGroups></VpcSecurityGroups></DBInstance></DBInstances></DescribeDBInstancesResult>' +
      '<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeDBInstancesResponse>',
  )
})
