import { IAM } from '@aws-sdk/client-iam'
import { KMS } from '@aws-sdk/client-kms'
import {
  type DBInstance,
  DescribeEventsCommand,
  RDSClient,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceCommand,
} from '@aws-sdk/client-rds'
import { describe, expect, test, vi } from 'vitest'
import { policyOf } from '../iam/iam-under-test.ts'
import { REGION, refusal } from '../region-under-test.ts'
import { rdsUnderTest, sql } from './rds-under-test.ts'

const LOST = 'inaccessible-encryption-credentials-recoverable'
const UNKNOWN = `arn:aws:kms:${REGION}:000000000000:key/11111111-2222-3333-4444-555555555555`
const DAY_MS = 24 * 3_600_000

describe('storage encryption', () => {
  const { region, rds, create, until, describe: described } = rdsUnderTest()
  const kms = () => new KMS(region.client())
  const newKey = async () => (await kms().createKey({})).KeyMetadata!
  const start = (identifier: string) =>
    rds().send(new StartDBInstanceCommand({ DBInstanceIdentifier: identifier }))

  test('is by the key of AWS unless one is named, and says which', async () => {
    const plain = await create('plain-db')
    expect(plain).toMatchObject({ StorageEncrypted: false })
    expect(plain.KmsKeyId).toBeUndefined()
    const own = await create('default-db', { StorageEncrypted: true })
    const { KeyMetadata } = await kms().describeKey({ KeyId: 'alias/aws/rds' })
    expect(own.KmsKeyId).toBe(KeyMetadata?.Arn)
    const { KeyId, Arn } = await newKey()
    await kms().createAlias({ AliasName: 'alias/shop', TargetKeyId: KeyId })
    const named = await create('named-db', { StorageEncrypted: true, KmsKeyId: 'alias/shop' })
    expect(named.KmsKeyId).toBe(Arn)
  })

  test('refuses keys that are not there, disabled or about to go', async () => {
    const { KeyId: disabled = '' } = await newKey()
    await kms().disableKey({ KeyId: disabled })
    const { KeyId: going = '' } = await newKey()
    await kms().scheduleKeyDeletion({ KeyId: going })
    for (const KmsKeyId of [UNKNOWN, 'alias/absent', disabled, going]) {
      const asked = create('refused-db', { StorageEncrypted: true, KmsKeyId })
      expect(await refusal(asked)).toBe('KMSKeyNotAccessibleFault')
    }
    const unencrypted = create('refused-db', { StorageEncrypted: false, KmsKeyId: UNKNOWN })
    expect(await refusal(unencrypted)).toBe('InvalidParameterCombination')
    expect(await described('refused-db')).toBeUndefined()
  })

  test('needs the right to have the key used', async () => {
    const iam = new IAM(region.client())
    const { KeyId, Arn = '' } = await newKey()
    const credentialsOf = async (UserName: string, ...statements: Record<string, unknown>[]) => {
      await iam.createUser({ UserName })
      const PolicyDocument = policyOf({ Action: 'rds:*' }, ...statements)
      await iam.putUserPolicy({ UserName, PolicyName: 'p', PolicyDocument })
      const { AccessKey } = await iam.createAccessKey({ UserName })
      return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
    }
    const without = await credentialsOf('without')
    const client = new RDSClient({ ...region.client(), credentials: without })
    const { CreateDBInstanceCommand } = await import('@aws-sdk/client-rds')
    const asked = {
      DBInstanceClass: 'db.t3.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
      MasterUsername: 'appadmin',
      MasterUserPassword: 's3cr3t-passw0rd',
      StorageEncrypted: true,
      KmsKeyId: KeyId,
    }
    const refused = client.send(
      new CreateDBInstanceCommand({ ...asked, DBInstanceIdentifier: 'denied-db' }),
    )
    await expect(refused).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(`kms:DescribeKey on resource: ${Arn}`),
    })
    const Condition = {
      StringEquals: { 'kms:ViaService': `rds.${REGION}.amazonaws.com` },
    }
    const Action = ['kms:CreateGrant', 'kms:DescribeKey']
    const credentials = await credentialsOf('with', { Action, Resource: Arn, Condition })
    const allowed = new RDSClient({ ...region.client(), credentials })
    await allowed.send(
      new CreateDBInstanceCommand({ ...asked, DBInstanceIdentifier: 'granted-db' }),
    )
    expect(await described('denied-db')).toBeUndefined()
    expect((await described('granted-db'))?.KmsKeyId).toBe(Arn)
  })

  describe('whose key cannot be used any more', () => {
    let shop: DBInstance

    test('ends the instance, which comes back with its data when it can', async () => {
      const { KeyId, Arn } = await newKey()
      await create('shop-db', {
        StorageEncrypted: true,
        KmsKeyId: KeyId,
        BackupRetentionPeriod: 7,
      })
      shop = await until('shop-db', 'available')
      await sql(shop, 'create table orders as select n from generate_series(1, 100) n')
      const [row] = await sql(shop, 'select clock_timestamp() now')
      await vi.waitFor(
        async () => {
          const latest = (await described('shop-db'))?.LatestRestorableTime
          expect(latest?.getTime() ?? 0).toBeGreaterThan((row!.now as Date).getTime())
        },
        { timeout: 60_000, interval: 50 },
      )

      await kms().disableKey({ KeyId })
      await until('shop-db', LOST)
      await vi.waitFor(() => expect(sql(shop, 'select 1')).rejects.toThrow('ECONNREFUSED'), {
        timeout: 60_000,
      })
      expect(await refusal(start('shop-db'))).toBe('KMSKeyNotAccessibleFault')
      const restore = rds().send(
        new RestoreDBInstanceToPointInTimeCommand({
          SourceDBInstanceIdentifier: 'shop-db',
          TargetDBInstanceIdentifier: 'refused-db',
          UseLatestRestorableTime: true,
        }),
      )
      expect(await refusal(restore)).toBe('KMSKeyNotAccessibleFault')
      expect(await described('refused-db')).toBeUndefined()
      await region.restart()
      expect((await described('shop-db'))?.DBInstanceStatus).toBe(LOST)

      await kms().enableKey({ KeyId })
      await start('shop-db')
      shop = await until('shop-db', 'available')
      expect(shop.KmsKeyId).toBe(Arn)
      expect(await sql(shop, 'select count(*)::int n from orders')).toEqual([{ n: 100 }])
      const { Events } = await rds().send(
        new DescribeEventsCommand({ SourceIdentifier: 'shop-db', SourceType: 'db-instance' }),
      )
      expect(Events?.map(({ Message }) => Message).join()).toContain('KMS key')
    })

    test('and is given up after seven days, but for its backups', async () => {
      await kms().disableKey({ KeyId: shop.KmsKeyId })
      await until('shop-db', LOST)
      region.clock.forward(7 * DAY_MS + 60_000)
      await until('shop-db', 'inaccessible-encryption-credentials')
      expect(await refusal(start('shop-db'))).toBe('InvalidDBInstanceStateFault')
      const late = kms()
      late.config.systemClockOffset = 7 * DAY_MS + 60_000
      await late.enableKey({ KeyId: shop.KmsKeyId })
      expect((await described('shop-db'))?.DBInstanceStatus).toBe(
        'inaccessible-encryption-credentials',
      )
    })
  })
})
